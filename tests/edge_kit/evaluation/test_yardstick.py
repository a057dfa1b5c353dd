"""What tells sources apart, and nothing else, is one half within them, however high over all."""

from __future__ import annotations

import numpy as np
import pytest

from edge_export.statistics.estimates import auc
from edge_kit.data.film_attributes import FilmAttributes
from edge_kit.evaluation.figures import Judged
from edge_kit.evaluation.yardstick import (
    KINDS,
    NO_FINDING,
    NOT_STATED,
    OTHER_FINDINGS,
    Yardstick,
    columns,
    finding_kind,
    yardstick,
)
from edge_kit.evaluation.yardstick_words import sentences
from edge_runtime.errors import UsageError


def films(positive: np.ndarray, logits: np.ndarray) -> Judged:
    probability = 1 / (1 + np.exp(-logits))
    groups = tuple(f"g{number}" for number in range(len(logits)))
    return Judged(positive, logits, probability, np.zeros(len(logits), np.bool_), groups)


def planted(count: int = 400) -> tuple[Judged, list[FilmAttributes]]:
    """Return films of which a network reads the source: nine in ten of one are positive."""
    draw = np.random.default_rng(7)
    source = np.arange(count) % 2 == 0
    positive = draw.random(count) < np.where(source, 0.9, 0.1)
    logits = np.where(source, 2.0, -2.0) + draw.normal(size=count)
    told: list[FilmAttributes] = [
        {
            "source": "East" if east else "west",
            "hospital": f"{'e' if east else 'w'}{number % 8}",
            "finding": "" if case else ("No Finding" if number % 3 else "Pneumonia"),
        }
        for number, (east, case) in enumerate(zip(source, positive, strict=True))
    ]
    return films(positive, logits), told


def found() -> Yardstick:
    return yardstick(*planted(), 0.5, KINDS)


def test_a_network_that_reads_the_source_has_one_half_within_sources_and_hospitals() -> None:
    judged, _ = planted()
    assert auc(judged.positive, judged.logits).value > 0.85
    by_source, by_hospital = found().places
    for places in (by_source, by_hospital):
        assert places.mean is not None
        assert places.mean.low < 0.5 < places.mean.high
        assert abs(places.mean.value - 0.5) < 0.07
    assert list(by_source.within) == ["east", "west"]
    assert (by_source.counted, by_source.films, by_source.unnamed) == (400, 400, 0)


def test_findings_are_kept_apart_and_within_sources_they_are_chance_too() -> None:
    none, other = found().contrasts
    assert (none.against, other.against) == (NO_FINDING, OTHER_FINDINGS)
    for one in (none, other):
        assert one.auc.low > 0.75
        assert one.within is not None
        assert one.within.low < 0.5 < one.within.high
    judged, _ = planted()
    assert none.negative + other.negative == int((~judged.positive).sum())


def test_the_worst_group_is_the_class_that_its_place_hides() -> None:
    by_source = found().places[0]
    assert by_source.worst is not None
    # Positive films of the negative source, or the other way round: never found.
    assert (by_source.worst.place == "west") == by_source.worst.positive
    assert by_source.worst.share.high < 0.3


def test_without_a_source_of_both_classes_there_is_no_mean_and_it_is_said() -> None:
    judged, told = planted()
    apart: list[FilmAttributes] = [
        {"source": "covid clinic" if case else "other clinic"} for case in judged.positive.tolist()
    ]
    (places,) = yardstick(judged, apart, 0.5, ("source",)).places
    assert (places.mean, places.one_class, places.counted) == (None, 2, 0)
    (line, worst) = sentences(Yardstick((places,)), "covid", "noncovid")
    assert line.startswith("No source has two films of each class")
    assert worst.startswith("Worst group by source: ")
    assert yardstick(judged, told, 0.5, ()) == Yardstick()


def test_the_words_say_what_counts_and_what_does_not() -> None:
    judged, told = planted()
    mixed = [{**one, "source": one["source"] if n > 40 else "lone"} for n, one in enumerate(told)]
    mixed[50]["source"] = ""
    lone = judged.only(np.array([n > 40 or bool(judged.positive[n]) for n in range(400)]))
    kept = [one for n, one in enumerate(mixed) if n > 40 or judged.positive[n]]
    lines = sentences(yardstick(lone, kept, 0.5, ("source", "finding")), "covid", "noncovid")
    assert lines[0].startswith("AUC within sources, mean of 2: 0.")
    assert "1 source of one class and 1 film of none stated" in lines[0]
    assert lines[1].startswith("Within each source: east 0.")
    assert any(line.startswith("covid against no finding (") for line in lines)


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("No Finding", NO_FINDING), ("no findings", NO_FINDING), ("Normal", NO_FINDING),
        ("healthy", NO_FINDING), ("Pneumonia", OTHER_FINDINGS), ("SARS", OTHER_FINDINGS),
        ("", NOT_STATED), (" ", NOT_STATED), ("non-COVID", NOT_STATED), ("noncovid", NOT_STATED),
    ],
)  # fmt: skip
def test_a_finding_is_none_another_or_not_stated(cell: str, kind: str) -> None:
    assert finding_kind(cell) == kind


def test_all_columns_that_are_there_count_and_one_that_is_not_is_refused() -> None:
    told = [{"source": "a"}, {"finding": "x"}]
    assert columns("films", told, None) == ("source", "finding")
    assert columns("films", told, ("finding",)) == ("finding",)
    with pytest.raises(UsageError, match=r"manifest\.csv of films states the hospital of no film"):
        columns("films", told, ("hospital",))
