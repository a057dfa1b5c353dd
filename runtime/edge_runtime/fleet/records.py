"""A box's receipt as a document: what stands in it, and within which bounds.

The box writes it by these records and the workstation reads it by them. There is no place in it for
a name of a host, a user or a patient, for a path or for a film.
"""

# Fields stand in the order they are read in:
# ruff: noqa: RUF023

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from edge_runtime.bundle.schema import (
    Record,
    SchemaError,
    integer,
    mapping,
    number,
    one_of,
    optional,
    record,
    sequence,
    text,
)

if TYPE_CHECKING:
    from edge_runtime.bundle.schema import FieldRule

FORMAT = 1
PAYLOAD_TYPE = "application/vnd.edge-kit.receipt+json"
LARGEST = 1 << 20
"""Bytes of one receipt's file; one with all the rows of counts that it may have takes less."""
BINS = 20
"""Of a histogram of probabilities, each as wide as the others."""
MOST_COUNTS = 120
"""Rows of counts, the newest: each of one bundle in one month."""
MOST_KINDS = 20
"""Labels, or reasons of refusals, in one row."""
MOST_TRAILS = 16
LONGEST_NAME, LONGEST_PROBLEM = 100, 400
"""Characters of a name, such as a label's, and of what is wrong."""
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
_MANY = 10**15


def _matching(pattern: str, what: str) -> FieldRule:
    expression = re.compile(pattern, re.ASCII)

    def rule(value: object) -> object:
        if not isinstance(value, str) or not expression.fullmatch(value):
            raise SchemaError(f"expected {what}")
        return value

    return rule


_flag = one_of(True, False)
_count = integer(0, _MANY)
_name = text(LONGEST_NAME)
_digest = _matching("[0-9a-f]{64}", "64 hexadecimal digits")
_time = _matching(TIME, "a time such as 2026-11-29T12:00:00Z")
_kinds = mapping(_name, _count, 0, MOST_KINDS)


class BoxBundle(Record):
    """The bundle that a box answers by, and the keys that signed it."""

    name: str
    version: str
    identity: str
    verdict: str
    signed_by: tuple[str, ...]
    __slots__ = {
        "name": _name,
        "version": _name,
        "identity": _digest,
        "verdict": _name,
        "signed_by": sequence(_name, 0, 20),
    }


class GoldenResult(Record):
    """By how much one golden film's logit differs from its maker's; none where it is no number."""

    film: str
    difference: float | None
    passed: bool
    __slots__ = {"difference": optional(number(0, 1e6)), "film": _name, "passed": _flag}


class BoxEngine(Record):
    """The engine that answered the golden films, and what it gave."""

    engine: str
    version: str | None
    graph: str
    tolerance: float
    films: tuple[GoldenResult, ...]
    __slots__ = {
        "engine": _name,
        "version": optional(_name),
        "graph": _name,
        "tolerance": number(0, 1e6),
        "films": sequence(record(GoldenResult), 1, 100),
    }

    @property
    def largest(self) -> float | None:
        """The largest difference of a logit; none where a logit is no number."""
        differences = [film.difference for film in self.films]
        numbers = [value for value in differences if value is not None]
        return max(numbers) if len(numbers) == len(differences) else None


class BoxCheck(Record):
    """What `edge-run check` would say: whether the bundle is whole, and answers as its maker's."""

    passed: bool
    problem: str | None
    every_byte_as_written: bool
    engine: BoxEngine | None
    __slots__ = {
        "passed": _flag,
        "problem": optional(text(LONGEST_PROBLEM)),
        "every_byte_as_written": _flag,
        "engine": optional(record(BoxEngine)),
    }


class BoxTrail(Record):
    """The head of one audit trail.

    `first` is the digest of its first line, by which it is known again; none where it cannot be
    read. `whole` says that every line is as it was written, `continued` that the head of the
    receipt before is still in it; none where there was none.
    """

    first: str | None
    counter: int
    digest: str
    answers: int
    whole: bool
    continued: bool | None
    __slots__ = {
        "first": optional(_digest),
        "counter": _count,
        "digest": _digest,
        "answers": _count,
        "whole": _flag,
        "continued": optional(_flag),
    }


class BoxCounts(Record):
    """Decisions by one bundle in one month, in UTC.

    `scores` is a histogram of the probabilities of the answers: `BINS` of the same width from 0
    to 1.
    """

    bundle: str
    month: str
    labels: dict[str, int]
    refused: dict[str, int]
    failed: int
    scores: tuple[int, ...]
    __slots__ = {
        "bundle": _name,
        "month": _matching(r"\d{4}-\d\d", "a month such as 2026-11"),
        "labels": _kinds,
        "refused": _kinds,
        "failed": _count,
        "scores": sequence(_count, BINS, BINS),
    }

    @property
    def answered(self) -> int:
        """How many films have a label."""
        return sum(self.scores)

    def check(self) -> None:
        """Refuse counts of which no film is the reason."""
        if sum(self.labels.values()) != self.answered:
            raise SchemaError("labels and scores are not of the same answers")


class BoxHealth(Record):
    """What else may end a box's work: its disk, its software, its clock; time is in seconds."""

    disk_free: int
    disk_size: int
    uptime: int | None
    bundle_written: str | None
    edge_runtime: str
    clock_plausible: bool
    __slots__ = {
        "disk_free": _count,
        "disk_size": _count,
        "uptime": optional(_count),
        "bundle_written": optional(_time),
        "edge_runtime": _name,
        "clock_plausible": _flag,
    }


class BoxReceipt(Record):
    """All that a box says of itself at `time`; `previous` is the digest of the receipt before."""

    format: int
    box: str
    key: str
    counter: int
    previous: str
    time: str
    bundle: BoxBundle | None
    architecture: str
    processor: str
    check_result: BoxCheck
    trails: tuple[BoxTrail, ...]
    counts: tuple[BoxCounts, ...]
    health: BoxHealth
    __slots__ = {
        "format": one_of(FORMAT),
        "box": _matching("[0-9a-f]{32}", "32 hexadecimal digits"),
        "key": _digest,
        "counter": integer(1, _MANY),
        "previous": _digest,
        "time": _time,
        "bundle": optional(record(BoxBundle)),
        "architecture": _name,
        "processor": _name,
        "check_result": record(BoxCheck),
        "trails": sequence(record(BoxTrail), 0, MOST_TRAILS),
        "counts": sequence(record(BoxCounts), 0, MOST_COUNTS),
        "health": record(BoxHealth),
    }
