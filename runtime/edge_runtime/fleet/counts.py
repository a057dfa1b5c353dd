"""Decisions of audit trails as counts by bundle and month, with nothing of a film or a user."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from edge_runtime.audit_trail.line import ANSWERED
from edge_runtime.fleet.records import BINS, LONGEST_NAME, MOST_COUNTS, MOST_KINDS, BoxCounts
from edge_runtime.text import printable

if TYPE_CHECKING:
    from edge_runtime.audit_trail.line import Line

_REST = "other"


class MonthCount:
    """What was decided by one bundle in one month."""

    def __init__(self) -> None:
        self._labels: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._failed = 0
        self._scores = [0] * BINS

    def add(self, status: object, label: object, probability: object, refusal: object) -> None:
        """Count one decision."""
        if status == "ok" and isinstance(probability, int | float) and 0 <= probability <= 1:
            self._labels[_name(label)] += 1
            self._scores[score_bin(probability)] += 1
        elif status == "refused":
            self._refused[_name(refusal)] += 1
        else:
            self._failed += 1

    def record(self, bundle: str, month: str) -> BoxCounts:
        """Return the counts as they stand in a receipt."""
        return BoxCounts(
            bundle=bundle,
            month=month,
            labels=_few(self._labels),
            refused=_few(self._refused),
            failed=self._failed,
            scores=tuple(self._scores),
        )


class DecisionCounts:
    """The decisions of any number of trails, line by line."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], MonthCount] = {}

    def add(self, line: Line) -> None:
        """Count the decision that a line holds, if it holds one."""
        content = line.content
        month = str(content.get("time"))[:7]
        if line.kind != ANSWERED or not re.fullmatch(r"\d{4}-\d\d", month, re.ASCII):
            return
        row = self._rows.setdefault((month, _name(content.get("bundle"))), MonthCount())
        row.add(*(content.get(key) for key in ("status", "label", "probability", "refusal")))

    def records(self) -> tuple[BoxCounts, ...]:
        """Return the newest rows, oldest first."""
        newest = sorted(self._rows)[-MOST_COUNTS:]
        return tuple(self._rows[month, bundle].record(bundle, month) for month, bundle in newest)


def score_bin(probability: float) -> int:
    """Return the bin of a probability; 1 is in the last one."""
    return min(int(probability * BINS), BINS - 1)


def _name(value: object) -> str:
    return printable(value)[:LONGEST_NAME] or "-"


def _few(counts: Counter[str]) -> dict[str, int]:
    """Return the most common, and all others as one."""
    kept = counts.most_common(MOST_KINDS - 1)
    rest = counts.total() - sum(count for _, count in kept)
    few = dict(sorted(kept))
    if rest:
        few[_REST] = few.get(_REST, 0) + rest
    return few
