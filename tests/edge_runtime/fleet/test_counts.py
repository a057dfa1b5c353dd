"""Each decision of a trail is counted once, by bundle and month, and nothing else of it is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_runtime.audit_trail import AuditTrail, verify
from edge_runtime.fleet.counts import DecisionCounts, score_bin
from edge_runtime.fleet.records import BINS, MOST_COUNTS, MOST_KINDS, BoxCounts
from trails import MOMENT, entry, refusal

MONTH = 31 * 86_400.0


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fsync", lambda _: None)


def counted(path: Path) -> tuple[BoxCounts, ...]:
    counts = DecisionCounts()
    verify([path], each=counts.add)
    return counts.records()


@pytest.mark.parametrize(
    ("probability", "place"),
    [(0.0, 0), (0.0499, 0), (0.05, 1), (0.5, 10), (0.9999, BINS - 1), (1.0, BINS - 1)],
)
def test_a_probability_is_in_the_bin_that_it_begins(probability: float, place: int) -> None:
    assert score_bin(probability) == place


def test_decisions_are_counted_by_bundle_and_month(tmp_path: Path) -> None:
    moment = [MOMENT]
    with AuditTrail(str(tmp_path / "t"), now=lambda: moment[0]) as trail:
        trail.record(entry(1, probability=0.97), entry(2, label="noncovid", probability=0.02))
        trail.record(refusal(3), refusal(4, "not_a_film"), entry(5, bundle="c" * 64))
        moment[0] += MONTH
        trail.record(entry(6, status="error", label=None, probability=None), refusal(7))
    first, other, later = counted(tmp_path / "t")
    assert (first.month, first.bundle, other.bundle) == ("2026-11", "b" * 64, "c" * 64)
    assert first.labels == {"covid": 1, "noncovid": 1}
    assert first.refused == {"blank": 1, "not_a_film": 1}
    assert first.answered == 2 and first.scores[0] == first.scores[19] == 1
    assert (later.month, later.failed, later.answered) == ("2026-12", 1, 0)
    assert later.refused == {"blank": 1}


def test_no_user_and_no_film_is_in_the_counts(tmp_path: Path) -> None:
    with AuditTrail(str(tmp_path / "t"), now=lambda: MOMENT) as trail:
        trail.record(entry(0xABCDEF, user="kim"))
    (row,) = counted(tmp_path / "t")
    assert "kim" not in repr(row.to_json()) and "abcdef" not in repr(row.to_json())


def test_many_labels_and_months_stay_within_bounds(tmp_path: Path) -> None:
    moment = [MOMENT]
    with AuditTrail(str(tmp_path / "t"), now=lambda: moment[0]) as trail:
        trail.record(*(entry(n, label=f"label {n}\n" * 40) for n in range(MOST_KINDS + 9)))
        for _ in range(MOST_COUNTS):
            moment[0] += MONTH
            trail.record(entry(1))
    rows = counted(tmp_path / "t")
    assert len(rows) == MOST_COUNTS and rows[0].month > "2026-11"  # the oldest is left out
    assert [row.month for row in rows] == sorted(row.month for row in rows)


def test_labels_beyond_the_bound_are_counted_as_one(tmp_path: Path) -> None:
    with AuditTrail(str(tmp_path / "t"), now=lambda: MOMENT) as trail:
        trail.record(*(entry(n, label=f"label {n}") for n in range(MOST_KINDS + 9)))
    (row,) = counted(tmp_path / "t")
    assert len(row.labels) == MOST_KINDS and row.labels["other"] == 10
    assert row.answered == MOST_KINDS + 9
