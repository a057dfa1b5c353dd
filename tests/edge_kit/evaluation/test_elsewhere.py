"""Films from elsewhere are none of the training's, and a network has to beat a baseline there."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge_export.cautions import ELSEWHERE, on_elsewhere
from edge_export.films.film import Film
from edge_kit.data.reader import FilmReader
from edge_kit.evaluation.elsewhere import (
    Elsewhere,
    ElsewhereFilms,
    elsewhere_films,
    judge_elsewhere,
)
from edge_kit.evaluation.elsewhere_words import NO_BETTER, elsewhere_sentences, no_better_line
from edge_kit.evaluation.evaluated import OF_A_RUN
from edge_runtime.errors import DataError, UsageError
from shortcut_films import write_dataset
from tiny_network import RECIPE

COUNT = 200
POSITIVE = np.arange(COUNT) % 2 == 0


def found_in(root: Path, own: tuple[Film, ...] = ()) -> ElsewhereFilms:
    return elsewhere_films(
        *(root, own),
        modality="xray",
        names=[("nothing so called", None), ("covid", None)],
        preprocess=RECIPE,
        skip_unreadable=False,
        reader=FilmReader(),
    )


def write_manifest(root: Path, films: tuple[Film, ...], split: str = "", patients: int = 0) -> None:
    rows = ["path,label,split,patient_id,source,modality"]
    for number, film in enumerate(films):
        patient = f"p{number if number >= patients else number % 2}"
        own = split if number < 8 else ("test" if split else "")
        rows.append(f"{film.path.name},{film.label},{own},{patient},{'ab'[number % 2]},xray")
    (root / "manifest.csv").write_text("\n".join(rows) + "\n", "utf-8")


def test_a_copy_a_near_copy_and_the_films_of_their_patients_are_left_out(tmp_path: Path) -> None:
    own = write_dataset(tmp_path / "own", count=12, seed=1).films
    films = write_dataset(tmp_path / "far", count=24, seed=2).films
    shutil.copyfile(own[0].path, films[0].path)
    with Image.open(own[7].path) as image:  # the same film, saved anew
        image.save(films[7].path, compress_level=9)
    write_manifest(tmp_path / "far", films, patients=4)
    found = found_in(tmp_path / "far", own)
    left = {film.path.name for film in found.films}
    # Of film 0's patient is film 2 as well.
    assert left == {film.path.name for film in films} - {films[n].path.name for n in (0, 2, 7)}
    assert (found.copies, found.kept_back) == (3, 0)


def test_where_a_folder_has_splits_its_test_films_are_judged(tmp_path: Path) -> None:
    films = write_dataset(tmp_path, count=24, seed=2).films
    write_manifest(tmp_path, films, split="val")
    found = found_in(tmp_path)
    assert (len(found.films), found.kept_back, found.copies) == (16, 8, 0)


def test_the_folder_of_the_training_is_refused(tmp_path: Path) -> None:
    own = write_dataset(tmp_path, count=12, seed=1).films
    write_manifest(tmp_path, own)
    with pytest.raises(DataError, match="and 12 that are among those of the training's"):
        found_in(tmp_path, own)


def test_a_folder_without_the_classes_and_a_film_to_be_refused_are_said_at_once(
    tmp_path: Path,
) -> None:
    films = write_dataset(tmp_path, count=12, seed=1).films
    write_manifest(tmp_path, films)
    Image.new("RGB", (64, 64), (200, 30, 30)).save(films[3].path)
    with pytest.raises(DataError, match=films[3].path.name):
        found_in(tmp_path)
    with pytest.raises((DataError, UsageError)):
        found_in(tmp_path / "nowhere")


def films_of(sources: list[str]) -> ElsewhereFilms:
    films = tuple(
        Film(Path(f"{n}.png"), "covid" if case else "noncovid", "test", f"g{n}", f"{n:064}")
        for n, case in enumerate(POSITIVE.tolist())
    )
    told = tuple({"source": source} for source in sources)
    return ElsewhereFilms(Path("far"), films, told, "noncovid", "covid", 0, 0)


MIXED = ["a" if n % 4 < 2 else "b" for n in range(COUNT)]
NOISE = np.random.default_rng(0).normal(size=(2, COUNT))


def judged(network: np.ndarray, baseline: np.ndarray | None, sources: list[str]) -> Elsewhere:
    return judge_elsewhere(films_of(sources), network, baseline, OF_A_RUN)


def test_a_network_that_is_clearly_better_passes_the_gate() -> None:
    found = judged(NOISE[0] + 4.0 * POSITIVE, NOISE[1] + 0.5 * POSITIVE, MIXED)
    assert not found.no_better
    assert no_better_line(found) == []
    first, *_ = elsewhere_sentences(found, "covid", "noncovid")
    assert first.startswith("Elsewhere: the network beats a linear one. AUC within sources 0.9")


@pytest.mark.parametrize("better", [0.0, 0.1])
def test_one_that_may_be_as_good_as_the_baseline_is_called_no_better(better: float) -> None:
    found = judged(NOISE[0] + (1 + better) * POSITIVE, NOISE[1] + 1.0 * POSITIVE, MIXED)
    assert found.no_better
    (warning,) = no_better_line(found)
    assert warning.startswith(NO_BETTER)
    assert str(found.difference) in warning


def test_one_that_reads_the_source_does_not_pass_however_high_its_auc_is() -> None:
    draw = np.random.default_rng(4)
    east = np.where(draw.random(COUNT) < 0.9, POSITIVE, ~POSITIVE)
    sources = ["east" if one else "west" for one in east]
    found = judged(NOISE[0] + 6.0 * east, NOISE[1] + 0.3 * POSITIVE, sources)
    assert found.network is not None
    assert found.baseline is not None
    assert found.network.within is not None
    assert found.network.all.low > found.baseline.all.high
    assert found.network.within.low < 0.5 < found.network.within.high
    assert found.no_better


def test_every_sentence_is_marked_for_those_who_show_it_first() -> None:
    found = judged(NOISE[0], NOISE[1], MIXED)
    lines = elsewhere_sentences(found, "covid", "noncovid")
    assert all(line.startswith(ELSEWHERE) and line.endswith(".") for line in lines)
    assert on_elsewhere(["An audit.", *lines]) == (lines, ["An audit."])


def test_without_sources_all_films_count_and_without_a_baseline_there_is_no_difference() -> None:
    found = judged(NOISE[0] + 4.0 * POSITIVE, NOISE[1], [""] * COUNT)
    assert found.network is not None
    assert found.network.within is None
    assert not found.no_better
    assert "of all (no source has both classes)" in elsewhere_sentences(found, "c", "n")[0]
    alone = judged(NOISE[0], None, MIXED)
    assert (alone.difference, alone.no_better, no_better_line(alone)) == (None, False, [])
    assert alone.to_json()["baseline"] is None
