"""What an accuracy is worth is what an audit of the same model on the same films says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge_export.cautions import Cautions
from edge_export.films.pixels import FilmPixels
from edge_export.statistics.estimates import Floats
from edge_kit.audit.apart import audit_apart
from edge_kit.audit.audit import audit
from edge_kit.audit.caveat import caveat, caveat_of_evaluation
from edge_kit.audit.sentences import sentences
from edge_kit.data.dataset import Dataset
from edge_kit.data.reader import FilmReader
from edge_kit.evaluation.evaluated import open_evaluated
from edge_kit.evaluation.evaluation import JudgedFilms, evaluate
from edge_kit.evaluation.films import labelled_films
from edge_runtime.errors import DataError
from films import write_films
from shortcut_films import bright_corner, write_dataset
from tiny_network import RECIPE


def test_it_is_what_an_audit_of_the_model_says(
    trained: Path, data: Path, dataset: Dataset, tmp_path: Path
) -> None:
    subject, said = open_evaluated(trained), list[str]()
    reader = FilmReader(tmp_path / "cache")
    expected = tuple(sentences(audit(dataset, data, subject.preprocess, subject.predict)))
    labelled = labelled_films(data, modality=None, positive="covid", skip_unreadable=False)
    cautions = Cautions(said.append)
    caveat_of_evaluation(evaluate(subject, labelled), data, reader, cautions)
    assert cautions.caveat == expected
    cautions = Cautions(said.append)
    model = subject.preprocess, subject.predict
    caveat(dataset, data, *model, reader=reader, cautions=cautions)
    assert (cautions.caveat, cautions.warnings, said) == (expected, (), [])


def test_where_films_cannot_be_audited_that_is_a_warning_without_their_place(
    trained: Path, tmp_path: Path
) -> None:
    write_films(tmp_path, "covid", "normal", count=3)
    labelled = labelled_films(tmp_path, modality="xray", positive="covid", skip_unreadable=False)
    cautions = Cautions(lambda _: None)
    subject = open_evaluated(trained)
    caveat_of_evaluation(evaluate(subject, labelled), tmp_path, FilmReader(), cautions)
    assert cautions.caveat == ()
    (warning,) = cautions.warnings
    assert warning.startswith("the films were not audited for shortcuts: are of too few patients")
    assert str(tmp_path) not in warning


def brightness(pixels: FilmPixels) -> Floats:
    """Answer by the mean grey level of a film."""
    return np.asarray(np.asarray(pixels).mean((1, 2, 3)))


def judged(dataset: Dataset, sources: tuple[str, ...] = ()) -> JudgedFilms:
    count = len(dataset.films)
    logits = tuple(np.random.default_rng(0).normal(size=count))
    told = tuple({"source": source} for source in sources or ("",) * count)
    return JudgedFilms("noncovid", "covid", dataset.films, told, logits)


def test_films_from_elsewhere_are_audited_by_themselves(
    marked: tuple[Dataset, Path], unmarked: tuple[Dataset, Path]
) -> None:
    for (dataset, _), shown in ((marked, True), (unmarked, False)):
        pixels = FilmReader().pixels(dataset.films, RECIPE)
        sources = tuple(film.label for film in dataset.films)
        found = audit_apart(judged(dataset, sources), pixels, brightness)
        assert found.parts == 5
        assert found.films == {"judged": 72}
        assert (found.grey_levels.value > 0.9) is shown
        assert not isinstance(found.source, str)
        assert (found.source.accuracy.value > 0.9) is shown
        assert found.coincide
        assert sum("means over 5 parts" in line for line in sentences(found)) == 1


def test_no_group_is_in_two_parts_and_the_order_of_films_does_not_matter(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path, bright_corner, count=24)
    # Two films a patient: a shortcut that only a patient's other film gives away is none.
    films = tuple(replace(film, group=str(place // 4)) for place, film in enumerate(dataset.films))
    dataset = replace(dataset, films=films)
    turned = replace(dataset, films=films[::-1])
    outcomes = []
    for one in (dataset, turned):
        known = replace(
            judged(one), logits=tuple(float(film.sha256[0] < "8") for film in one.films)
        )
        pixels = FilmReader().pixels(one.films, RECIPE)
        outcomes.append(audit_apart(known, pixels, brightness))
    assert outcomes[0].size == outcomes[1].size
    assert outcomes[0].grey_levels.value == pytest.approx(outcomes[1].grey_levels.value)
    assert outcomes[0].source == "no manifest names the sources of the films"


def test_too_few_groups_cannot_be_audited(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path, count=12)
    films = tuple(replace(film, group=film.label) for film in dataset.films)
    few = judged(replace(dataset, films=films))
    with pytest.raises(DataError, match="too few patients of a class"):
        audit_apart(few, FilmReader().pixels(films, RECIPE), brightness)
