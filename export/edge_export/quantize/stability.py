"""How far ranges and decisions depend on the calibration films, by two disjoint halves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edge_export.films.film import Film
from edge_export.films.pixels import Pixels
from edge_export.graph.artefact import Floats
from edge_export.quantize.ranges import Range, measure_ranges, merge_ranges
from edge_runtime.errors import DataError

Ranges = dict[str, Range]
Halves = tuple[list[int], list[int]]

_STEPS = 255  # of an int8 range


@dataclass(frozen=True, slots=True)
class Stability:
    """How scales and decisions differ between two halves of the calibration films.

    Of each of the `tensors` the ratio of the wider range to the narrower one is taken, 1 or more;
    `tensor` names the one with the largest. On the same `n` films the int8 graphs of the halves
    decide differently `flips` times, and their probabilities differ by at most
    `largest_difference`.
    """

    tensors: int
    median_ratio: float
    largest_ratio: float
    tensor: str
    flips: int
    n: int
    largest_difference: float


def halves(films: Sequence[Film]) -> Halves:
    """Return the indices of every second film of each class, and those of the rest.

    Where classes have odd numbers of films, the extra films go to the halves by turns.

    Raises:
        DataError: there are fewer than two films.
    """
    if len(films) < 2:
        problem = f"{len(films)} films cannot be halved"
        raise DataError("calibration", problem, "give more training films")
    by_class = sorted(range(len(films)), key=lambda index: films[index].label)
    return sorted(by_class[::2]), sorted(by_class[1::2])


def ranges_of_halves(
    graph: bytes, pixels: Pixels, parts: Halves, method: str = "min_max"
) -> tuple[Ranges, Ranges, Ranges]:
    """Return the ranges over all `(n, h, w, c)` pixels, over the first half, and over the second.

    `graph` is a float TFLite graph. Min-max looks at each film once: the extremes of the whole
    are those of its halves.

    Raises:
        DataError: a tensor held a value that is not finite.
    """
    first, second = (measure_ranges(graph, pixels[part], method) for part in parts)
    if method == "min_max":
        return merge_ranges([first, second]), first, second
    return measure_ranges(graph, pixels, method), first, second


def stability(
    first: Mapping[str, Range],
    second: Mapping[str, Range],
    first_probability: Floats,
    second_probability: Floats,
    threshold: float,
) -> Stability:
    """Compare two halves by the ranges they gave and by the answers `(n,)` of their int8 graphs.

    The answers, on the same films, are probabilities, or logits with the `threshold` in logits.

    Raises:
        DataError: the halves have no tensor in common, or an answer is not finite.
    """
    ratios = {name: _ratio(first[name], second[name]) for name in first if name in second}
    if not ratios:
        raise DataError("calibration", "no tensor has a range in both halves")
    if not (np.isfinite(first_probability).all() and np.isfinite(second_probability).all()):
        raise DataError("calibration", "a half answers with numbers that are not finite")
    tensor = max(ratios, key=ratios.__getitem__)
    flipped = (first_probability >= threshold) != (second_probability >= threshold)
    difference = np.abs(first_probability - second_probability)
    return Stability(
        tensors=len(ratios),
        median_ratio=float(np.median(list(ratios.values()))),
        largest_ratio=ratios[tensor],
        tensor=tensor,
        flips=int(flipped.sum()),
        n=len(flipped),
        largest_difference=float(difference.max(initial=0.0)),
    )


def _ratio(first: Range, second: Range) -> float:
    """Return the ratio of the wider range to the narrower, both extended to zero as in int8.

    It is at most 255, where the narrower range is one step of the wider, so that a tensor which is
    zero throughout one half has a ratio too.
    """
    narrow, wide = sorted(max(high, 0.0) - min(low, 0.0) for low, high in (first, second))
    return wide / max(narrow, wide / _STEPS) if wide else 1.0
