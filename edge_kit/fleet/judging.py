"""Every box of a fleet with what is to be seen of it, and what needs looking at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from edge_kit.evaluation.score_reference import ScoreReference, drifts
from edge_kit.fleet.drift import FirstScores, recent, refusals, summed
from edge_kit.fleet.problems import (
    KINDS,
    BoxProblem,
    chain_problems,
    foreign_keys,
    future_problems,
    last_heard,
    silence,
    state_problems,
    trail_problems,
)

if TYPE_CHECKING:
    from edge_export.statistics.estimates import Estimate
    from edge_kit.fleet.keys import KnownBox
    from edge_kit.fleet.reading import BoxHistory, FleetReading
    from edge_runtime.fleet.records import BoxReceipt

SILENT_AFTER = 30
"""Days, unless told otherwise."""


@dataclass(frozen=True, slots=True)
class JudgedBy:
    """What a fleet is judged by: known boxes, references by bundle, and what is asked of it."""

    known: Mapping[str, KnownBox] | None = None
    references: Mapping[str, ScoreReference] = field(default_factory=dict)
    silent_after: int = SILENT_AFTER
    require_signature: bool = False
    now: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(slots=True)
class BoxStanding:
    """One box: its newest receipt, if any, its figures, and its problems."""

    box: str
    title: str
    key: str
    receipts: int = 0
    receipt: BoxReceipt | None = None
    heard: datetime | None = None
    refused: Estimate | None = None
    index: Estimate | None = None
    reference: str | None = None
    problems: list[BoxProblem] = field(default_factory=list)

    @property
    def kinds(self) -> list[str]:
        """The kinds of its problems, the gravest first."""
        present = {problem.kind for problem in self.problems}
        return [kind for kind in KINDS if kind in present]


@dataclass(slots=True)
class Fleet:
    """All boxes, those with the gravest problems first, and what no box is the reason of."""

    boxes: list[BoxStanding]
    reading: FleetReading
    unknown: list[tuple[str, str, int]]
    judged_by: JudgedBy

    @property
    def looked_at(self) -> list[BoxStanding]:
        """The boxes that need looking at."""
        return [box for box in self.boxes if box.problems]

    @property
    def is_well(self) -> bool:
        """Whether nothing needs looking at: no box, no file, no unknown key."""
        return not (self.looked_at or self.reading.rejected or self.unknown)


def judge(reading: FleetReading, by: JudgedBy) -> Fleet:
    """Return what the receipts of a folder say of each box."""
    own: dict[str, BoxHistory] = {}
    unknown: list[tuple[str, str, int]] = []
    standings: list[BoxStanding] = []
    for box, keys in reading.histories.items():
        history, others = _own(box, keys, by.known)
        if history is None:
            unknown += [(box, other.key, len(other.links)) for other in others]
            continue
        own[box] = history
        standing = BoxStanding(box, _title(box, by), history.key)
        standing.problems += foreign_keys(history, others)
        standings.append(standing)
    firsts = FirstScores({box: history.first for box, history in own.items()})
    users = Counter(history.key for history in own.values())
    for standing in standings:
        if users[standing.key] > 1:
            words = f"key {standing.key[:12]} is that of {users[standing.key]} boxes"
            standing.problems.append(BoxProblem("key", words))
        _judge_box(standing, own[standing.box], firsts, by)
    standings += _never_heard(own, by)
    order = list(KINDS)
    standings.sort(key=lambda one: (*(order.index(kind) for kind in one.kinds), 99, one.box))
    return Fleet(standings, reading, sorted(unknown), by)


def _own(
    box: str, keys: Mapping[str, BoxHistory], known: Mapping[str, KnownBox] | None
) -> tuple[BoxHistory | None, list[BoxHistory]]:
    """Return the history that the box's own key signed, and those of other keys.

    Without a list its own key is that of the first receipt, by number and then by time.
    """
    if known is not None:
        own = keys.get(known[box].key) if box in known else None
    else:
        own = min(keys.values(), key=lambda history: (history.first.counter, history.first.time))
    return own, [history for history in keys.values() if history is not own]


def _title(box: str, by: JudgedBy) -> str:
    return by.known[box].title if by.known and box in by.known else ""


def _judge_box(
    standing: BoxStanding,
    history: BoxHistory,
    firsts: FirstScores,
    by: JudgedBy,
) -> None:
    links, receipt = history.in_order(), history.newest
    standing.receipts, standing.receipt = len(links), receipt
    standing.heard = last_heard(links, by.now)
    standing.problems += chain_problems(links)
    for link in reversed(links):
        standing.problems += trail_problems(link)
    standing.problems += state_problems(receipt, require_signature=by.require_signature)
    standing.problems += future_problems(links, by.now)
    standing.problems += silence(standing.heard, by.now, by.silent_after)
    rows = recent(receipt)
    standing.refused = refusals(rows)
    if receipt.bundle is None or not rows:
        return
    identity = receipt.bundle.identity
    reference = by.references.get(identity) or firsts.without(standing.box, identity)
    standing.index = reference.compare(summed(rows))
    standing.reference = reference.words if standing.index else None
    if drifts(standing.index):
        words = f"population stability index {standing.index} against {reference.words}"
        standing.problems.append(BoxProblem("drift", words))


def _never_heard(own: Mapping[str, BoxHistory], by: JudgedBy) -> list[BoxStanding]:
    """Return the boxes of the list of which no receipt is there that their key signed."""
    return [
        BoxStanding(
            box, known.title, known.key,
            problems=[BoxProblem("silent", "no receipt of this box by its key is here")],
        )
        for box, known in (by.known or {}).items()
        if box not in own
    ]  # fmt: skip
