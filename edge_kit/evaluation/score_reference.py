"""What scores are held against: those of a bundle's proof; and the index between the two."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edge_export.statistics.drift import MARK, population_stability
from edge_export.statistics.estimates import Estimate
from edge_runtime.audit_trail.report import ProofShare
from edge_runtime.bundle import Bundle
from edge_runtime.errors import NotABundle
from edge_runtime.fleet.records import BINS

LEAST_ANSWERS = 30
"""Answers below which no index is computed."""
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

    def joined(self, scores: Sequence[int]) -> list[int]:
        """Return a histogram of `BINS` in the bins of the reference."""
        ends = (*self.edges[1:], BINS)
        return [sum(scores[a:b]) for a, b in zip(self.edges, ends, strict=True)]

    def compare(self, scores: Sequence[int]) -> Estimate | None:
        """Return the population stability index of `scores`, or nothing where they are too few."""
        if min(sum(scores), sum(self.counts)) < LEAST_ANSWERS:
            return None
        return population_stability(self.counts, self.joined(scores))


def drifts(index: Estimate | None) -> bool:
    """Tell whether an index is to be looked at: all of its interval above the customary mark."""
    return index is not None and bool(index.low > MARK)


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
