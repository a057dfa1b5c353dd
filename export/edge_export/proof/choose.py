"""Which of the graphs that passed to ship: the smallest of the fast ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge_export.proof.latency import Latency
from edge_export.proof.verdict import Outcome
from edge_runtime.errors import DataError

_AS_FAST = 1.05


@dataclass(frozen=True, slots=True)
class Candidate:
    """A graph by its file name, its size in bytes, its latency, and the verdict's answer on it."""

    file: str
    bytes: int
    latency: Latency
    answer: Outcome


def choose(candidates: Sequence[Candidate]) -> str:
    """Return the file of the smallest candidate that passes and is as fast as the fastest.

    As fast means that the median time is at most 5 % longer, or that the 95 % intervals overlap.
    Of equally small candidates the faster one is taken, then the first by name.

    Raises:
        DataError: none passes.
    """
    passed = [candidate for candidate in candidates if candidate.answer == "pass"]
    if not passed:
        answers = (
            ", ".join(f"{candidate.file}: {candidate.answer}" for candidate in candidates)
            or "there is none"
        )
        raise DataError("--choose", f"no graph passes ({answers})", "see the report for why")
    fastest = min(
        (candidate.latency for candidate in passed), key=lambda latency: latency.milliseconds
    )
    as_fast = [
        candidate
        for candidate in passed
        if candidate.latency.milliseconds <= _AS_FAST * fastest.milliseconds
        or candidate.latency.low <= fastest.high
    ]
    return min(
        as_fast,
        key=lambda candidate: (candidate.bytes, candidate.latency.milliseconds, candidate.file),
    ).file
