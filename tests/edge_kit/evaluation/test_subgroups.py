"""Parts of the films have figures of their own where they are large enough, else counts."""

from __future__ import annotations

import numpy as np
import pytest

from edge_kit.evaluation.figures import Confusion, Judged, metrics
from edge_kit.evaluation.subgroups import NOT_STATED, age_band, coincide, subgroups

POSITIVE = np.array([True, True, False, False] * 3)
PROBABILITY = np.linspace(0.95, 0.05, 12)
FILMS = Judged(
    POSITIVE, PROBABILITY, PROBABILITY, np.zeros(12, np.bool_), tuple("abcdefghijkl")
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "band"),
    [
        ("0", "0 to 17"), ("17", "0 to 17"), ("18", "18 to 39"), ("63", "40 to 64"),
        ("063Y", "40 to 64"), ("63.0", "40 to 64"), ("65", "65 on"), ("150", "65 on"),
        ("", NOT_STATED), ("151", NOT_STATED), ("-1", NOT_STATED), ("old", NOT_STATED),
        ("018M", NOT_STATED), ("٣", "0 to 17"),
    ],
)  # fmt: skip
def test_ages_fall_into_bands_as_tables_and_dicom_write_them(text: str, band: str) -> None:
    assert age_band(text) == band


def test_parts_are_judged_on_their_own_films_and_small_ones_have_counts_alone() -> None:
    attributes = (
        [{"source": "Far", "sex": "m"}] * 4 + [{"source": "near", "sex": "Male"}] * 7 + [{}]
    )
    found = {(one.kind, one.name): one for one in subgroups(FILMS, attributes, 0.5)}
    assert list(found) == [
        ("source", "far"), ("source", "near"), ("source", NOT_STATED),
        ("sex", "male"), ("sex", NOT_STATED),
    ]  # fmt: skip
    far, near = found["source", "far"], found["source", "near"]
    assert far.metrics == metrics(FILMS.only(np.arange(12) < 4), 0.5)
    assert (near.films, near.confusion) == (7, Confusion(2, 2, 0, 3))
    assert found["source", NOT_STATED].metrics is None
    assert found["source", NOT_STATED].confusion == Confusion(0, 0, 0, 1)


def test_a_column_of_a_part_for_every_film_is_no_kind_of_films() -> None:
    positive, shares = np.tile(POSITIVE, 4), np.tile(PROBABILITY, 4)
    many = Judged(positive, shares, shares, positive, ("a",) * 48)
    attributes = [{"source": f"patient {one}"} for one in range(48)]
    assert subgroups(many, attributes, 0.5) == ()


def test_what_no_manifest_says_has_no_part() -> None:
    assert subgroups(FILMS, [{}] * 12, 0.5) == ()


@pytest.mark.parametrize(
    ("sources", "expected"),
    [("cchh", True), ("ccch", False), ("cccc", False)],
)
def test_sources_that_each_have_one_class_coincide_with_it(sources: str, expected: bool) -> None:
    attributes = [{"source": one} for one in sources * 3]
    assert coincide(subgroups(FILMS, attributes, 0.5), "source") is expected
