"""Scores of a box beside those that its bundle had in its proof, or those of the other boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edge_export.statistics.estimates import Estimate, proportion
from edge_kit.evaluation.score_reference import ScoreReference
from edge_runtime.fleet.records import BINS, BoxCounts, BoxReceipt

RECENT = 3
"""Months whose decisions are judged: the newest that have any."""
_NONE = (0,) * BINS


class FirstScores:
    """The scores of every bundle in the first receipts of all boxes."""

    def __init__(self, firsts: Mapping[str, BoxReceipt]) -> None:
        self._own = {
            (box, identity): summed([row for row in receipt.counts if row.bundle == identity])
            for box, receipt in firsts.items()
            for identity in {row.bundle for row in receipt.counts}
        }
        self._all: dict[str, tuple[int, ...]] = {}
        for (_, identity), counts in self._own.items():
            so_far = self._all.get(identity, _NONE)
            self._all[identity] = tuple(map(sum, zip(so_far, counts, strict=True)))

    def without(self, box: str, identity: str) -> ScoreReference:
        """Return those of all boxes but `box`.

        Its own would make the two samples one, and the index too small.
        """
        whole, own = self._all.get(identity, _NONE), self._own.get((box, identity), _NONE)
        counts = tuple(total - part for total, part in zip(whole, own, strict=True))
        return ScoreReference(counts, "the first receipts of the other boxes")


def summed(rows: Sequence[BoxCounts]) -> tuple[int, ...]:
    """Return the histogram of several rows of counts."""
    return tuple(map(sum, zip(*(row.scores for row in rows), strict=True))) or _NONE


def recent(receipt: BoxReceipt) -> list[BoxCounts]:
    """Return the rows of the bundle that a box runs, of the last months that have any."""
    if receipt.bundle is None:
        return []
    rows = [row for row in receipt.counts if row.bundle == receipt.bundle.identity]
    months = sorted({row.month for row in rows})[-RECENT:]
    return [row for row in rows if row.month in months]


def refusals(rows: Sequence[BoxCounts]) -> Estimate | None:
    """Return which share of films was refused, of those that were read; nothing without any."""
    refused = sum(sum(row.refused.values()) for row in rows)
    films = refused + sum(row.answered for row in rows)
    return proportion(refused, films) if films else None
