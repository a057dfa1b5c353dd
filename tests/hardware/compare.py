"""How far the answers of a box are from this machine's LiteRT, and whether that is too far."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from edge_runtime.answer.decide import UNCERTAIN, calibrated, is_film, label
from edge_runtime.bundle.manifest import Manifest

LARGEST = {"tflite-runtime": 0.05}  # its kernels round differently
LARGEST_OTHERWISE = 0.02  # differences of calibrated probability


@dataclass(frozen=True, slots=True)
class Film:
    """What an engine made of one film: the digest of its pixels, and its logits."""

    pixels: str
    logits: Sequence[float]


Films = Mapping[str, Film]


@dataclass(frozen=True, slots=True)
class Difference:
    """Two runs of the same films, `n` of them.

    `pixels` were prepared otherwise; `flips` changed sides of the threshold, `outside` of them
    where a probability lies outside the uncertain band; `gate` are film on one and no film on the
    other, `None` where the bundle has no gate; the largest differences of `logit` and
    calibrated `probability` are over all films, whatever the gate says.
    """

    n: int
    pixels: int
    logit: float
    probability: float
    flips: int
    outside: int
    gate: int | None


def difference(one: Films, other: Films, manifest: Manifest) -> Difference:
    """Return how far `other` is from `one`, over the films of `other`."""
    decision, gate = manifest.decision, manifest.film_gate
    pairs = [(one[name], film) for name, film in other.items()]
    chances = [tuple(calibrated(film.logits[0], decision.calibration) for film in pair)
               for pair in pairs]  # fmt: skip
    moved = [(a, b) for a, b in chances if (a >= decision.threshold) != (b >= decision.threshold)]
    return Difference(
        n=len(pairs),
        pixels=sum(a.pixels != b.pixels for a, b in pairs),
        logit=largest(
            abs(x - y) for a, b in pairs for x, y in zip(a.logits, b.logits, strict=True)
        ),
        probability=largest(abs(a - b) for a, b in chances),
        flips=len(moved),
        outside=sum(
            any(label(x, decision, manifest.classes) != UNCERTAIN for x in pair) for pair in moved
        ),
        gate=None
        if gate is None
        else sum(is_film(a.logits[1], gate) != is_film(b.logits[1], gate) for a, b in pairs),
    )


def largest(values: Iterable[float]) -> float:
    """Return the largest of `values`, or NaN where one is none: `max` depends on their order."""
    found = list(values)
    return math.nan if any(map(math.isnan, found)) else max(found)


def contradictions(runs: Sequence[Films], manifest: Manifest) -> list[str]:
    """Return the films that one run calls by one class and another run by the other."""
    said: dict[str, set[str]] = {}
    for films in runs:
        for name, film in films.items():
            said.setdefault(name, set()).add(_said(film, manifest))
    both = {manifest.classes.positive, manifest.classes.negative}
    return sorted(name for name, labels in said.items() if both <= labels)


def _said(film: Film, manifest: Manifest) -> str:
    if manifest.film_gate and not is_film(film.logits[1], manifest.film_gate):
        return "refused"
    probability = calibrated(film.logits[0], manifest.decision.calibration)
    return label(probability, manifest.decision, manifest.classes)


def too_far(engine: str, found: Difference) -> list[str]:
    """Return what exceeds its limit."""
    limit = LARGEST.get(engine, LARGEST_OTHERWISE)
    problems = []
    # Written so that a probability that is no number exceeds it.
    if not found.probability <= limit:
        problems.append(f"a probability differs by {found.probability:.3f}, {limit} is allowed")
    if found.pixels:
        problems.append(f"{found.pixels} films have other pixels")
    return problems
