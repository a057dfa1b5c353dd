"""A box needs looking at for what its receipts say, and for what they leave out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from edge_kit.evaluation.score_reference import ScoreReference
from edge_kit.fleet.drift import RECENT
from edge_kit.fleet.judging import BoxStanding, Fleet, JudgedBy, judge
from edge_kit.fleet.keys import KnownBox
from edge_kit.fleet.reading import read_receipts
from edge_runtime.fleet.records import BINS
from simulated_boxes import (
    BUNDLE,
    NOW,
    SCORES,
    SimulatedBox,
    count_row,
    digest,
    scores_of,
    trail_row,
)


def fleet(folder: Path, **by: Any) -> Fleet:
    return judge(read_receipts(folder), JudgedBy(**{"now": NOW, **by}))


def only(folder: Path, **by: Any) -> BoxStanding:
    (box,) = fleet(folder, **by).boxes
    return box


def words(box: BoxStanding) -> str:
    return "; ".join(f"{problem.kind}: {problem.words}" for problem in box.problems)


def test_a_box_with_which_all_is_well_needs_no_look(tmp_path: Path) -> None:
    box = SimulatedBox(tmp_path)
    for days_ago in (15, 8, 1):
        box.write(days_ago)
    told = fleet(tmp_path)
    assert told.is_well and not told.looked_at
    assert told.boxes[0].receipts == 3 and told.boxes[0].heard == NOW - timedelta(days=1)


NEWEST: dict[str, tuple[dict[str, Any], str]] = {
    "a failed check": (
        {"check_result": {"passed": False, "problem": "a byte was changed", "engine": None}},
        "check: a byte was changed",
    ),
    "a trail that was changed": ({"trails": [trail_row(9, whole=False)]}, "trail: receipt 2"),
    "a trail that does not continue": (
        {"trails": [trail_row(300, continued=False)]}, "lacks the line that the receipt before"
    ),
    "a trail that went back": (
        {"trails": [trail_row(5)]}, "trail: receipt 2: an audit trail went back from line 201 to 5"
    ),
    "a trail with another line": (
        {"trails": [trail_row(201, digest=digest("another"))]}, "line 201 of an audit trail is"
    ),
    "a trail begun anew": ({"trails": [trail_row(201, seed="anew")]}, "is not named any more"),
    "a trail that is gone": ({"trails": []}, "is not named any more"),
    "a trail that cannot be read": (
        {"trails": [trail_row(0, first=None, answers=0)]}, "an audit trail cannot be read"
    ),
    "a wrong clock": ({"health": {"clock_plausible": False}}, "clock: the box itself"),
    "a full disk": ({"health": {"disk_free": 10**9}}, "disk: 1.0 GB are free"),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "problem"), NEWEST.values(), ids=NEWEST)
def test_what_the_newest_receipt_tells_is_looked_at(
    tmp_path: Path, changes: dict[str, Any], problem: str
) -> None:
    box = SimulatedBox(tmp_path)
    box.write(8)
    box.write(1, **changes)
    assert problem in words(only(tmp_path))


def missing(box: SimulatedBox) -> None:
    box.write(3).unlink()
    box.write(2)


def forked(box: SimulatedBox) -> None:
    box.counter, box.previous = 0, "0" * 64
    path = box.write(2)
    path.rename(path.with_name("fork.json"))


def unfollowed(box: SimulatedBox) -> None:
    box.previous = digest("another")
    box.write(2)


def backwards(box: SimulatedBox) -> None:
    box.write(days_ago=20)


def ahead(box: SimulatedBox) -> None:
    box.write(days_ago=-40)


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        (missing, "chain: receipt 2 is missing"),
        (forked, "chain: there are two different receipts 1"),
        (unfollowed, "chain: receipt 2 follows another one"),
        (backwards, "clock: receipt 2 is older than the one before it"),
        (ahead, "clock: receipt 2 is of the future: 2027-01-08"),
    ],
)
def test_receipts_that_do_not_follow_one_another_are_looked_at(
    tmp_path: Path, step: Callable[[SimulatedBox], None], problem: str
) -> None:
    box = SimulatedBox(tmp_path)
    first = box.write(8)
    kept = first.read_bytes()
    step(box)
    first.write_bytes(kept)
    assert problem in words(only(tmp_path))


def test_the_first_receipts_may_have_been_put_away(tmp_path: Path) -> None:
    box = SimulatedBox(tmp_path)
    for days_ago in (30, 20, 10):
        box.write(days_ago)
    for path in sorted(tmp_path.iterdir())[:2]:
        path.unlink()
    assert fleet(tmp_path).is_well


def test_a_box_is_silent_after_as_many_days_as_were_asked_for(tmp_path: Path) -> None:
    SimulatedBox(tmp_path).write(20)
    assert fleet(tmp_path).is_well
    assert "silent: for 20 days, since 2026-11-09" in words(only(tmp_path, silent_after=10))


def test_a_receipt_of_the_future_does_not_end_silence(tmp_path: Path) -> None:
    box = SimulatedBox(tmp_path)
    box.write(90)
    box.write(-400)
    assert only(tmp_path).kinds == ["silent", "clock"]


def test_a_box_without_a_clock_is_not_called_silent_for_half_a_century(tmp_path: Path) -> None:
    box = SimulatedBox(tmp_path)
    box.write(8)
    box.write(20_000, health={"clock_plausible": False})
    told = only(tmp_path)
    assert told.kinds == ["clock"] and told.heard == NOW - timedelta(days=8)
    assert "the box itself calls its clock implausible" in words(told)
    assert "older" not in words(told)


def test_a_bundle_that_nobody_signed_counts_where_that_is_asked_for(tmp_path: Path) -> None:
    SimulatedBox(tmp_path, 0).write()
    SimulatedBox(tmp_path, 1).write(bundle={"signed_by": ["maker"]})
    assert fleet(tmp_path).is_well
    looked = fleet(tmp_path, require_signature=True).looked_at
    assert [words(box) for box in looked] == ["unsigned: clinic-xray 0.2.2"]


def test_two_boxes_with_one_key_are_looked_at(tmp_path: Path) -> None:
    SimulatedBox(tmp_path, 0).write()
    clone = SimulatedBox(tmp_path, 1)
    clone.key = SimulatedBox(tmp_path, 0).key
    clone.write()
    assert [box.kinds for box in fleet(tmp_path).boxes] == [["key"], ["key"]]


# --- a list of boxes ---------------------------------------------------------------------------


def test_by_a_list_only_its_keys_count_and_a_box_of_it_is_missed(tmp_path: Path) -> None:
    boxes = [SimulatedBox(tmp_path, number) for number in range(3)]
    for box in boxes:
        box.write()
    known = {box.name: KnownBox(box.public, f"Clinic {box.number}") for box in boxes[:2]}
    known["f" * 32] = KnownBox("1" * 64, "Clinic in the hills")
    told = fleet(tmp_path, known=known)
    assert {box.title: box.kinds for box in told.boxes} == {
        "Clinic 0": [], "Clinic 1": [], "Clinic in the hills": ["silent"]
    }  # fmt: skip
    assert told.unknown == [(boxes[2].name, boxes[2].public, 1)]


def test_by_a_list_a_stranger_that_came_first_is_not_believed(tmp_path: Path) -> None:
    box, stranger = SimulatedBox(tmp_path, 0), SimulatedBox(tmp_path, 1)
    box.counter = 4
    box.write()
    stranger.name = box.name
    stranger.write()
    assert only(tmp_path).key == stranger.public  # the first use
    told = only(tmp_path, known={box.name: KnownBox(box.public, "")})
    assert told.key == box.public and told.kinds == ["key"]


# --- scores and refusals -----------------------------------------------------------------------

PROOF = ScoreReference(tuple(count * 10 for count in SCORES), "the films of a proof")


def test_the_share_of_refusals_has_its_interval_and_its_films(tmp_path: Path) -> None:
    SimulatedBox(tmp_path).write(counts=[count_row([0] * 19 + [95], refused={"blank": 5})])
    refused = only(tmp_path).refused
    assert refused is not None and (refused.value, refused.n) == (0.05, 100)
    # Wilson's interval of 5 in 100, by hand.
    assert refused.low == pytest.approx(0.0215, abs=1e-4)
    assert refused.high == pytest.approx(0.1118, abs=1e-4)


def test_scores_are_those_of_the_last_months_and_of_the_bundle_in_use(tmp_path: Path) -> None:
    flat = scores_of("flat", 900, (1,) * BINS)
    own = [count_row(scores_of(month, 100), month) for month in ("2026-09", "2026-10", "2026-11")]
    old = [count_row(flat, "2026-08"), count_row(flat, "2026-11", bundle="c" * 64)]
    SimulatedBox(tmp_path).write(counts=[*own, *old])
    box = only(tmp_path, references={BUNDLE: PROOF})
    assert box.index is not None and box.index.n == 100 * RECENT
    assert not box.problems and box.reference == PROOF.words


def test_other_scores_than_those_of_the_proof_are_looked_at(tmp_path: Path) -> None:
    SimulatedBox(tmp_path).write(counts=[count_row(scores_of(1, 300, (1,) * BINS))])
    box = only(tmp_path, references={BUNDLE: PROOF})
    assert box.kinds == ["drift"] and "against the films of a proof" in words(box)


def test_too_few_answers_have_no_index(tmp_path: Path) -> None:
    SimulatedBox(tmp_path).write(counts=[count_row([29] + [0] * 19)])
    assert only(tmp_path, references={BUNDLE: PROOF}).index is None


def test_without_a_proof_a_box_is_held_against_the_first_receipts_of_the_others(
    tmp_path: Path,
) -> None:
    for number in range(6):
        box = SimulatedBox(tmp_path, number)
        box.write(8)
        shares = (1,) * BINS if number == 5 else SCORES
        box.write(1, counts=[count_row(scores_of(number, 400, shares))])
    told = fleet(tmp_path)
    assert [box.kinds for box in told.boxes] == [["drift"], [], [], [], [], []]
    assert {box.reference for box in told.boxes} == {"the first receipts of the other boxes"}


def test_a_box_alone_is_held_against_nothing(tmp_path: Path) -> None:
    SimulatedBox(tmp_path).write()
    assert only(tmp_path).index is None
