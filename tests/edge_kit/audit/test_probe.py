"""A probe names the source of a film by what features tell of it, and never by its class."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edge_kit.audit.probe import NO_PLACES, OF_A_BUNDLE, probe, probe_of
from edge_kit.data.reader import FilmReader
from edge_kit.evaluation.evaluated import open_evaluated
from edge_kit.evaluation.evaluation import JudgedFilms
from edge_kit.evaluation.told_apart import ToldApart, told_apart_words
from edge_kit.evaluation.yardstick import Column
from tiny_bundle import write_tiny_bundle
from tiny_network import tiny_films

COUNT = 240
POSITIVE = np.arange(COUNT) % 2 == 0
EAST = np.arange(COUNT) % 4 < 2
GROUPS = [f"g{number // 4}" for number in range(COUNT)]
SOURCE = ["east" if east else "west" for east in EAST]


def features(*columns: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(0).normal(size=(COUNT, 3))
    return np.column_stack([noise, *(column * 6.0 for column in columns)])


def one(found: tuple[ToldApart, ...] | str) -> ToldApart:
    assert not isinstance(found, str)
    assert len(found) == 1
    return found[0]


def test_a_source_in_the_features_is_named() -> None:
    found = one(probe(features(EAST), POSITIVE, GROUPS, {"source": SOURCE}))
    assert (found.kind, found.names) == ("source", 2)
    assert found.right.value > 0.95
    assert found.chance == 0.5


def test_features_of_the_class_alone_name_no_source_even_where_most_of_them_coincide() -> None:
    draw = np.random.default_rng(1)
    source = np.where(draw.random(COUNT) < 0.8, POSITIVE, ~POSITIVE)
    names = ["east" if east else "west" for east in source]
    alone = [f"g{number}" for number in range(COUNT)]
    found = one(probe(features(POSITIVE), POSITIVE, alone, {"source": names}))
    assert found.right.low < found.chance < found.right.high


def test_the_same_films_give_the_same_answer_and_too_few_groups_none() -> None:
    cells: dict[Column, list[str]] = {
        "source": SOURCE,
        "hospital": [f"h{number // 4}" for number in range(COUNT)],
    }
    found = probe(features(EAST), POSITIVE, GROUPS, cells)
    assert found == probe(features(EAST), POSITIVE, GROUPS, cells)
    assert one(found).kind == "source"
    assert probe(features(EAST), POSITIVE, GROUPS, {"hospital": cells["hospital"]}) == NO_PLACES
    assert "not known" in told_apart_words(NO_PLACES)[0]


def test_a_run_has_features_and_a_bundle_says_that_it_has_none(
    trained: Path, data: Path, tmp_path: Path
) -> None:
    films = tuple(tiny_films(data))
    told = tuple({"source": "ab"[number % 4 < 2]} for number in range(len(films)))
    judged = JudgedFilms("noncovid", "covid", films, told, (0.0,) * len(films))
    run = open_evaluated(trained)
    found = probe_of(run, judged, FilmReader())
    assert not isinstance(found, str)
    assert found[0].right.n == len(films)
    bundle = open_evaluated(write_tiny_bundle(tmp_path / "tiny.edge"))
    assert probe_of(bundle, judged, FilmReader()) == OF_A_BUNDLE
    unnamed = JudgedFilms("noncovid", "covid", films, ({},) * len(films), judged.logits)
    assert probe_of(bundle, unnamed, FilmReader()) == ()


def test_a_rare_source_weighs_as_much_as_a_frequent_one() -> None:
    names = ["rare" if number % 20 < 2 else "frequent" for number in range(COUNT)]
    alone = [f"g{number}" for number in range(COUNT)]
    noise = np.random.default_rng(0).normal(size=(8, COUNT, 3))
    blind = [one(probe(part, POSITIVE, alone, {"source": names})).right.value for part in noise]
    assert 0.4 < np.mean(blind) < 0.6  # and not 0.9, the share of the frequent one
    seen = one(probe(features(np.array(names) == "rare"), POSITIVE, alone, {"source": names}))
    assert seen.right.value > 0.95
