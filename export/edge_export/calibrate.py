"""Which films calibrate the quantizers, and the one table of ranges that both formats use."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from itertools import islice, zip_longest

from edge_export.film import Film
from edge_export.pixels import Pixels, progress
from edge_export.quiet import quiet
from edge_export.tensors import TFLiteTensors
from edge_runtime.errors import DataError

Range = tuple[float, float]
"""The smallest and the largest value that a tensor took."""


def choose_films(films: Sequence[Film], count: int, seed: int) -> list[Film]:
    """Return `count` of the training films, as many of each class, in a seeded order.

    Where a class has too few, the other fills up. The choice depends on digests and the seed,
    not on names or the order given.

    Raises:
        DataError: the training rows hold fewer than two classes.
    """
    by_class: dict[str, list[Film]] = {}
    for film in sorted(films, key=lambda film: film.sha256):
        if film.split == "train":
            by_class.setdefault(film.label, []).append(film)
    if len(by_class) < 2:
        problem = f"training rows of {len(by_class)} classes, two are needed to calibrate"
        raise DataError("calibration", problem, "give --data with a training split")
    shuffled = [by_class[label] for label in sorted(by_class)]
    order = random.Random(seed)
    for rows in shuffled:
        order.shuffle(rows)
    # Taking turns keeps the classes even for as long as both have rows left.
    turns = (film for turn in zip_longest(*shuffled) for film in turn if film is not None)
    return list(islice(turns, count))


def measure_ranges(graph: bytes, pixels: Pixels) -> dict[str, Range]:
    """Return the smallest and largest value of every float tensor over `(n, h, w, c)` pixels.

    `graph` is a float TFLite graph. The tensor that holds the pixels themselves always gets
    0..255, so that its int8 step is one grey level and no film is clipped.

    Raises:
        DataError: a tensor held a value that is not finite.
    """
    ranges: dict[str, Range] = {}
    with quiet():
        tensors = TFLiteTensors(graph)
    for film in progress(pixels, len(pixels), "calibrating", "film"):
        for name, values in tensors.run(film):
            low, high = float(values.min()), float(values.max())
            # Before they are merged: min() and max() would drop a NaN.
            if not (math.isfinite(low) and math.isfinite(high)):
                raise DataError(name, "takes values that are not finite", "train the model again")
            lowest, highest = ranges.get(name, (low, high))
            ranges[name] = min(low, lowest), max(high, highest)
    ranges[tensors.pixel_tensor] = (0.0, 255.0)
    return ranges
