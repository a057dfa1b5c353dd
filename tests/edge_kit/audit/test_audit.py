"""A shortcut that is in the films is found with its evidence, and noise has none."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge_export.films import pixels as pixels_module
from edge_export.films.pixels import FilmPixels
from edge_export.statistics.estimates import Estimate, Floats
from edge_kit.audit.audit import AUDITED, Audit, ModelAreas, SourceGuess, audit, rows
from edge_kit.audit.features import CENTRE
from edge_kit.data.dataset import Dataset
from edge_kit.evaluation.evaluated import Predict
from edge_runtime.errors import DataError
from shelved_films import Shelves
from shortcut_films import bright_centre, wide, write_dataset, write_sources
from tiny_network import RECIPE

Films = tuple[Dataset, Path]


def corner(pixels: FilmPixels) -> Floats:
    """Answer by the first corner of a film."""
    return np.asarray(pixels)[:, 0, 0, 0].astype(np.float64)


def centre(pixels: FilmPixels) -> Floats:
    """Answer by the middle of a film."""
    return np.asarray(pixels)[:, 32, 32, 0].astype(np.float64)


def mean_level(pixels: FilmPixels) -> Floats:
    """Answer by the mean grey level, film by film."""
    return np.array([film.mean() for film in pixels])


def test_a_marker_in_a_corner_is_found(marked: Films) -> None:
    found = audit(*marked, RECIPE)
    assert found.grey_levels.value > 0.95
    assert found.size.value == 0.5
    assert (found.found, found.answer) == (["grey_levels"], "no evidence")
    assert found.films == {"train": 24, "test": 24}


@pytest.mark.parametrize("left", [(), ("covid",)])
def test_without_training_films_of_both_classes_there_is_nothing_to_find_shortcuts_on(
    left: tuple[str, ...], marked: Films
) -> None:
    dataset, root = marked
    films = tuple(one for one in dataset.films if one.split != "train" or one.label in left)
    with pytest.raises(DataError, match="has no training films of both classes"):
        audit(replace(dataset, films=films), root, RECIPE)


def test_another_format_of_one_class_is_found(tmp_path: Path) -> None:
    found = audit(write_dataset(tmp_path, wide), tmp_path, RECIPE)
    assert found.size.value == 1.0
    assert "size" in found.found


def test_noise_has_no_shortcut(unmarked: Films) -> None:
    found = audit(*unmarked, RECIPE)
    assert found.grey_levels.low < 0.5 < found.grey_levels.high
    assert (found.found, found.model) == ([], None)
    assert found.answer == "undecided"  # of 24 films


def test_a_model_that_reads_a_corner_needs_no_lungs(marked: Films) -> None:
    found = audit(*marked, RECIPE, corner)
    assert found.model is not None
    assert (found.model.whole.value, found.model.without_centre.value) == (1, 1)
    assert found.model.only_centre.value == 0.5
    assert "without_centre" in found.found


def test_a_model_that_reads_the_centre_needs_nothing_else(tmp_path: Path) -> None:
    found = audit(write_dataset(tmp_path, bright_centre), tmp_path, RECIPE, centre)
    assert found.model is not None
    assert (found.model.whole.value, found.model.only_centre.value) == (1, 1)
    assert found.model.without_centre.value == 0.5
    assert "without_centre" not in found.found


def test_pixels_in_memory_give_the_same_audit(marked: Films) -> None:
    from edge_export.films.pixels import load_pixels

    films = marked[0].films
    pixels = {
        "train": load_pixels([film for film in films if film.split == "train"], RECIPE),
        "test": load_pixels([film for film in films if film.split == "test"], RECIPE),
    }
    assert audit(*marked, RECIPE, corner, pixels=pixels) == audit(*marked, RECIPE, corner)  # type: ignore[arg-type]


def test_class_and_source_coincide_where_every_source_has_one_class(marked: Films) -> None:
    found = audit(*marked, RECIPE)
    assert found.sources == {
        "clinic of covid": {"covid": 36},
        "clinic of noncovid": {"noncovid": 36},
    }
    assert found.coincide
    assert isinstance(found.source, SourceGuess)
    assert found.source.accuracy.value > 0.9
    assert found.source.most_frequent.value == 0.5


def test_sources_with_both_classes_do_not_coincide(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path)
    write_sources(tmp_path, dataset, lambda number, _: "ab"[number % 24 // 12])
    found = audit(dataset, tmp_path, RECIPE)
    assert found.sources.keys() == {"a", "b"}
    assert not found.coincide
    assert isinstance(found.source, SourceGuess)
    assert found.source.accuracy.low < 0.5 < found.source.accuracy.high


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (None, "no manifest names the sources of the films"),
        ("", "no manifest names the sources of the films"),
        ("a", "all training films are of one source, a"),
    ],
)
def test_without_sources_there_is_a_reason(name: str | None, reason: str, tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path, count=24)
    if name is not None:
        write_sources(tmp_path, dataset, lambda *_: name)
    found = audit(dataset, tmp_path, RECIPE)
    assert found.source == reason
    assert not found.coincide


def test_films_of_unknown_source_are_left_out_of_the_guess(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path, count=48)
    write_sources(tmp_path, dataset, lambda number, _: ("a", "b", "", "")[number % 24 // 6])
    found = audit(dataset, tmp_path, RECIPE)
    assert isinstance(found.source, SourceGuess)
    assert found.source.accuracy.n == 8
    assert sum(sum(counts.values()) for counts in found.sources.values()) == 24


def at(value: float, low: float, high: float) -> Estimate:
    return Estimate(value, low, high, 100)


CHANCE = at(0.5, 0.4, 0.6)


@pytest.mark.parametrize(
    ("shortcut", "model", "answer"),
    [
        pytest.param(at(0.80, 0.70, 0.90), None, "no evidence", id="strong alone"),
        pytest.param(at(0.80, 0.45, 1.00), None, "undecided", id="strong by chance"),
        pytest.param(at(0.74, 0.64, 0.84), None, "undecided", id="perhaps strong alone"),
        pytest.param(at(0.60, 0.55, 0.65), None, "no shortcut found", id="weak alone"),
        pytest.param(at(0.74, 0.64, 0.84), at(0.9, 0.83, 0.97), "no evidence", id="reaches it"),
        pytest.param(at(0.74, 0.64, 0.84), at(0.9, 0.85, 0.95), "no shortcut found", id="below"),
        pytest.param(at(0.80, 0.75, 0.85), at(0.95, 0.9, 1.0), "no evidence", id="strong, below"),
        pytest.param(at(0.55, 0.35, 0.75), at(0.8, 0.65, 0.95), "undecided", id="too few"),
    ],
)
def test_the_rule(shortcut: Estimate, model: Estimate | None, answer: str) -> None:
    areas = ModelAreas(model, CHANCE, CHANCE) if model else None
    found = Audit(("a", "b"), {"train": 1, "test": 1}, CHANCE, shortcut, areas, "none", {})
    assert found.answer == answer
    if areas and model:  # what the model keeps without the lungs counts like any shortcut
        bare = replace(found, grey_levels=CHANCE, model=ModelAreas(model, shortcut, CHANCE))
        assert bare.answer == answer


def test_coinciding_sources_are_no_evidence_whatever_the_areas() -> None:
    apart = {"x": {"a": 9}, "y": {"b": 9}}
    found = Audit(("a", "b"), {"train": 1, "test": 1}, CHANCE, CHANCE, None, "none", apart)
    assert found.answer == "no evidence"
    mixed = {"x": {"a": 9, "b": 1}, "y": {"b": 9}}
    assert replace(found, sources=mixed).answer == "no shortcut found"


def test_the_audit_names_no_film_and_no_path(marked: Films) -> None:
    found = audit(*marked, RECIPE, corner).to_json()
    text = json.dumps(found, allow_nan=False)
    assert "patient" not in text
    assert str(marked[1]) not in text
    assert f"{CENTRE:.0%}" in found["features"]["centre"]


def test_an_answer_that_is_no_number_is_refused(marked: Films) -> None:
    bad: Predict = lambda pixels: np.full(len(pixels), np.nan)  # noqa: E731
    with pytest.raises(DataError, match="model: its answer to a film is not finite"):
        audit(*marked, RECIPE, bad)


def test_too_few_test_films_are_refused(marked: Films) -> None:
    dataset = marked[0]
    few = tuple(film for film in dataset.films if (film.split, film.label) != ("test", "covid"))
    with pytest.raises(DataError, match="0 test films of class covid"):
        audit(replace(dataset, films=few), marked[1], RECIPE)


def test_films_are_audited_a_few_at_a_time_and_as_all_at_once(
    marked: Films, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, folder = marked
    whole = audit(dataset, folder, RECIPE, mean_level)
    monkeypatch.setattr(pixels_module, "_FILMS", 5)
    reader = Shelves()
    pixels = {split: reader.read(rows(dataset, split), RECIPE) for split in AUDITED}
    assert audit(dataset, folder, RECIPE, mean_level, pixels=pixels) == whole
    assert reader.largest == 5
