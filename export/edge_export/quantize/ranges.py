"""The one table of ranges that quantizes both formats."""

from __future__ import annotations

import math

from edge_export.graph.tensors import TFLiteTensors
from edge_export.pixels import Pixels, progress
from edge_export.quiet import quiet
from edge_runtime.errors import DataError

Range = tuple[float, float]
"""The smallest and the largest value that a tensor took."""


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
