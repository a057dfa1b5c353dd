"""What an audit trail tells: answers, refusals and their reasons, by day and by model.

The share of answers at or above the threshold is held against that of the films on which the bundle
was proved. It differs where the films do: other patients, another device, another share of disease.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from math import sqrt
from typing import TYPE_CHECKING, Any

from edge_runtime.audit_trail.line import ANSWERED, DELIVERED

if TYPE_CHECKING:
    from edge_runtime.audit_trail.line import Line
    from edge_runtime.bundle import Bundle

    Figures = dict[str, Any]

_Z = 1.959964  # of a two-sided interval of 95 %


@dataclass(frozen=True, slots=True)
class ProofShare:
    """What a bundle's proof says of its films: how many, and which share was called positive."""

    identity: str
    name: str
    threshold: float
    films: int | None = None
    share: float | None = None

    @classmethod
    def of(cls, bundle: Bundle) -> ProofShare:
        """Return what is known; a bundle without a report of its proof has a threshold alone."""
        manifest = bundle.manifest
        name = f"{manifest.name} {manifest.version}"
        known = (bundle.identity, name, manifest.decision.threshold)
        try:
            document = json.loads(bytes(bundle.read("parity.json")))
            rows = document["artefacts"][manifest.graphs[0].file]["rows"]
            metrics = (rows.get("both") or rows["test"])["metrics"]
            hits, rests = metrics["sensitivity"], metrics["specificity"]
            films = int(hits["n"]) + int(rests["n"])
            called = hits["value"] * hits["n"] + (1 - rests["value"]) * rests["n"]
            return cls(*known, films, called / films)
        except (KeyError, ValueError, TypeError, IndexError, ZeroDivisionError):
            return cls(*known)


@dataclass(slots=True)
class Tally:
    """What was decided on one day, or by one model."""

    labels: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    probabilities: float = 0.0
    positive: int = 0

    @property
    def answered(self) -> int:
        """Return how many films have a label."""
        return self.labels.total()

    def add(self, content: Figures, threshold: float | None) -> None:
        """Count one decision."""
        status, probability = content.get("status"), content.get("probability")
        if status == "ok" and isinstance(probability, int | float):
            self.labels[str(content.get("label"))] += 1
            self.probabilities += probability
            self.positive += threshold is not None and probability >= threshold
        elif status == "refused":
            self.refusals[str(content.get("refusal"))] += 1
        else:
            self.failed += 1

    def to_json(self, proof: ProofShare | None) -> Figures:
        """Return the figures, with the share of positive answers where a `proof` says its due."""
        share = None
        if proof is not None and self.answered:
            low, high = interval(self.positive, self.answered)
            differs = proof.share is not None and not low <= proof.share <= high
            share = {"value": self.positive / self.answered, "low": low, "high": high,
                     "differs": differs}  # fmt: skip
        return {
            "decisions": self.answered + self.refusals.total() + self.failed,
            "answered": self.answered,
            "labels": dict(sorted(self.labels.items())),
            "refused": dict(sorted(self.refusals.items())),
            "failed": self.failed,
            "mean_probability": self.probabilities / self.answered if self.answered else None,
            "positive_share": share,
        }


class Report:
    """Decisions as they are read from a trail, counted by day and by model."""

    def __init__(self, proof: ProofShare | None = None) -> None:
        self._proof = proof
        self._days: dict[tuple[str, str], Tally] = {}
        self._models: dict[str, Tally] = {}
        self._users: Counter[str] = Counter()
        self._deliveries: dict[str, Counter[str]] = {}

    def add(self, line: Line) -> None:
        """Count the decision or the delivery that a line holds, if it holds one."""
        if line.kind == DELIVERED:
            to, kind = (str(line.content.get(name)) for name in ("to", "content"))
            self._deliveries.setdefault(to, Counter())[kind] += 1
        if line.kind != ANSWERED:
            return
        content, bundle = line.content, str(line.content.get("bundle"))
        proof = self._proof_of(bundle)
        day = str(content.get("time"))[:10]
        for tally in (
            self._days.setdefault((day, bundle), Tally()),
            self._models.setdefault(bundle, Tally()),
        ):
            tally.add(content, proof.threshold if proof else None)
        if content.get("user") is not None:
            self._users[str(content["user"])] += 1

    def to_json(self) -> Figures:
        """Return all figures as one document."""
        return {
            "models": [
                {"bundle": bundle, **self._known(bundle), **tally.to_json(self._proof_of(bundle))}
                for bundle, tally in sorted(self._models.items())
            ],
            "days": [
                {"day": day, "bundle": bundle, **tally.to_json(self._proof_of(bundle))}
                for (day, bundle), tally in sorted(self._days.items())
            ],
            "users": dict(sorted(self._users.items())),
            "deliveries": {
                to: dict(sorted(counts.items())) for to, counts in sorted(self._deliveries.items())
            },
        }

    def _proof_of(self, bundle: str) -> ProofShare | None:
        return self._proof if self._proof and self._proof.identity == bundle else None

    def _known(self, bundle: str) -> Figures:
        proof = self._proof_of(bundle)
        if proof is None:
            return {"name": None, "proof": None}
        known = proof.share is not None
        told = {"films": proof.films, "positive_share": proof.share} if known else None
        return {"name": proof.name, "proof": told}


def interval(count: int, n: int) -> tuple[float, float]:
    """Return the interval of 95 % of a share (Wilson 1927)."""
    share, wide = count / n, _Z * _Z / n
    middle = share + wide / 2
    half = sqrt(wide * (share * (1 - share) + wide / 4))
    return max(0.0, (middle - half) / (1 + wide)), min(1.0, (middle + half) / (1 + wide))
