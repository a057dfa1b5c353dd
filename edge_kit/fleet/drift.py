"""Scores of a box beside those that its bundle had in its proof, or those of the other boxes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edge_export.statistics.drift import MARK, population_stability
from edge_export.statistics.estimates import Estimate, proportion
from edge_runtime.audit_trail.report import ProofShare
from edge_runtime.bundle import Bundle
from edge_runtime.errors import NotABundle
from edge_runtime.fleet.records import BINS, BoxCounts, BoxReceipt

RECENT = 3
"""Months whose decisions are judged: the newest that have any."""
LEAST_ANSWERS = 30
"""Answers below which no index is computed."""
_NONE = (0,) * BINS
SCORES = "scores"
"""The key of parity.json that has the histogram of the proof's probabilities."""


@dataclass(frozen=True, slots=True)
class ScoreReference:
    """What scores of a bundle are held against: a histogram, and whose it is in words.

    `edges` are the bins, of `BINS`, with which its bins begin.
    """

    counts: tuple[int, ...]
    words: str
    edges: tuple[int, ...] = tuple(range(BINS))

    def compare(self, scores: Sequence[int]) -> Estimate | None:
        """Return the population stability index of `scores`, or nothing where they are too few."""
        if min(sum(scores), sum(self.counts)) < LEAST_ANSWERS:
            return None
        ends = (*self.edges[1:], BINS)
        joined = [sum(scores[a:b]) for a, b in zip(self.edges, ends, strict=True)]
        return population_stability(self.counts, joined)


def drifts(index: Estimate | None) -> bool:
    """Tell whether an index is to be looked at: all of its interval above the customary mark."""
    return index is not None and index.low > MARK


def reference_of(bundle: Bundle) -> ScoreReference:
    """Return what the proof in a bundle says of scores.

    Bundles of older versions tell the share of positive answers alone, which makes two bins.

    Raises:
        NotABundle: it tells nothing of the kind.
    """
    if reference := _histogram(bundle):
        return reference
    proof = ProofShare.of(bundle)
    edge = proof.threshold * BINS
    if proof.films is None or proof.share is None or edge != int(edge):
        problem = "has no scores in its proof"
        raise NotABundle(bundle.path, problem, "leave out --bundle, or export it again")
    positive = round(proof.share * proof.films)
    words = (
        f"the {proof.films} held-out films of {proof.name}, of which its proof tells the share "
        f"from {proof.threshold:g} on alone, hence two bins"
    )
    return ScoreReference((proof.films - positive, positive), words, (0, int(edge)))


def _histogram(bundle: Bundle) -> ScoreReference | None:
    """Return the histogram of the proof, if it is there and of the bundle's own calibration."""
    manifest = bundle.manifest
    try:
        document: dict[str, Any] = json.loads(bytes(bundle.read("parity.json")))
        counts = tuple(document[SCORES])
        same = document["decision"]["calibration"] == manifest.decision.calibration.to_json()
    except (KeyError, ValueError, TypeError):
        return None
    if not same or len(counts) != BINS or any(type(count) is not int for count in counts):
        return None
    words = f"the {sum(counts)} held-out films of the proof of {manifest.name} {manifest.version}"
    return ScoreReference(counts, words)


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
