"""The table of ranges that quantizes both formats.

Films stream through the float graph one at a time and leave two numbers, or one histogram, per
tensor behind, so memory does not grow with their number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from edge_export.films.pixels import Pixels, progress
from edge_export.graph.tensors import TFLiteTensors
from edge_export.graph.trace import OnnxTrace, Values, operators, outputs
from edge_export.quiet import one_line, quiet
from edge_runtime.errors import DataError

Range = tuple[float, float]
"""The smallest and the largest value of a tensor, as measured or as int8 is to hold them."""

Counts = NDArray[np.int64]

# From the largest magnitude below zero to the same above it, because the entropy search of ONNX
# Runtime wants zero in the middle. An int8 step of a tensor of one sign is four bins wide.
_BINS = 2048
# Values of one tensor and film beyond which every k-th is counted: a quarter of a million still
# give a tail of one in ten thousand 26 of them on every single film.
_COUNTED = 2**18
# Per cent that lie inside, half of the rest cut off on each side. ONNX Runtime's default, and kind
# to the tails that decide: on Model 3 and 348 real films 99.9, 99.99, 99.999 and 99.9999 miss the
# float logit by 1.50, 0.60, 0.26 and 0.13 (root mean square; min-max by 0.09).
_INSIDE = 99.999
# A range about as narrow as the smallest float has no room for bins, and nothing to clip.
_NARROWEST = 1e-30
# int8 steps of a range, and bins that entropy merges them into: ONNX Runtime's own default.
_STEPS, _MERGED = 255, 128


def measure_ranges(graph: bytes, pixels: Pixels, method: str = "min_max") -> dict[str, Range]:
    """Return the range of every float tensor over `(n, h, w, c)` pixels, by one of `METHODS`.

    `graph` is a float TFLite graph. The tensor that holds the pixels themselves always gets
    0..255, so that its int8 step is one grey level and no film is clipped. `min_max` are the
    extremes, in one pass. The other methods clip rare values to make the steps finer, by a
    histogram that a second pass fills; their ranges contain zero and lie within the extremes.
    The inputs and outputs of a float head keep their extremes, which belong to the surest
    decisions.

    Raises:
        DataError: a tensor held a value that is not finite.
        ValueError: there is no such method.
    """
    if method not in METHODS:
        raise ValueError(f"no calibration method {method!r}, choose from {', '.join(METHODS)}")
    with one_line("graph", "LiteRT cannot run it", "train or save the model again"):
        tensors = TFLiteTensors(graph)
        ranges = _extremes(tensors, pixels)
    if method == "min_max":
        return ranges
    fixed = _head(graph) | {tensors.pixel_tensor}
    wide = {
        name: (min(low, 0.0), max(high, 0.0))
        for name, (low, high) in ranges.items()
        if name not in fixed and high - low > _NARROWEST
    }
    histograms = _histograms(tensors, pixels, wide)
    fitted = progress(wide.items(), len(wide), method, "tensor")
    clipped = {
        name: _within(_CLIPPED[method](histograms[name], _edges(limits)), limits)
        for name, limits in fitted
    }
    return ranges | clipped


def measure_onnx(graph: bytes, names: Sequence[str], pixels: Pixels) -> dict[str, Range]:
    """Return the extremes of the tensors `names` of a float ONNX graph over `(n, h, w, c)` pixels.

    Raises:
        DataError: a tensor held a value that is not finite.
    """
    if not names:
        return {}
    import onnx

    trace = OnnxTrace(onnx.load_model_from_string(graph), names)
    films = progress(pixels, len(pixels), "calibrating", "film")
    return merge_ranges(
        {name: _finite(name, values) for name, values in trace.run(film).items()} for film in films
    )


def merge_ranges(tables: Iterable[Mapping[str, Range]]) -> dict[str, Range]:
    """Return the smallest range of every tensor that contains those of all `tables`."""
    merged: dict[str, Range] = {}
    for table in tables:
        for name, (low, high) in table.items():
            lowest, highest = merged.get(name, (low, high))
            merged[name] = min(low, lowest), max(high, highest)
    return merged


def _extremes(tensors: TFLiteTensors, pixels: Pixels) -> dict[str, Range]:
    films = progress(pixels, len(pixels), "calibrating", "film")
    ranges = merge_ranges(
        {name: _finite(name, values) for name, values in tensors.run(film)} for film in films
    )
    return ranges | {tensors.pixel_tensor: (0.0, 255.0)}


def _finite(name: str, values: Values) -> Range:
    """Return the extremes of one film, refusing a NaN, which merging would drop."""
    low, high = float(values.min()), float(values.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise DataError(
            name, "takes values that are not finite", "replace that layer, or train again"
        )
    return low, high


def _head(graph: bytes) -> set[str]:
    """Return the tensors that the operators before the outputs, which stay float, read and write.

    Constants may be among them.
    """
    ends = set(outputs(graph))
    heads = [operator for operator in operators(graph) if ends.intersection(operator.outputs)]
    return {name for operator in heads for name in (*operator.inputs, *operator.outputs)}


def _edges(limits: Range) -> NDArray[np.float64]:
    reach = max(-limits[0], limits[1])
    return np.linspace(-reach, reach, _BINS + 1)


def _histograms(
    tensors: TFLiteTensors, pixels: Pixels, wide: Mapping[str, Range]
) -> dict[str, Counts]:
    """Return the counts of every tensor in `wide` between its `_edges`, `(_BINS,)` each."""
    histograms = {name: np.zeros(_BINS, np.int64) for name in wide}
    for film in progress(pixels, len(pixels), "counting", "film"):
        for name, values in tensors.run(film):
            if name in wide:
                reach = max(-wide[name][0], wide[name][1])
                counted = values.ravel()[:: _stride(values)]
                histograms[name] += np.histogram(counted, _BINS, (-reach, reach))[0]
    return histograms


def _stride(values: Values) -> int:
    """Return the distance of counted values, coprime to the channels so that all are counted."""
    stride = 1 + values.size // _COUNTED
    while math.gcd(stride, values.shape[-1]) > 1:
        stride += 1
    return stride


def _within(clipped: Range, limits: Range) -> Range:
    """Return the clipped range, extended to zero and cut to the measured extremes."""
    return max(limits[0], min(clipped[0], 0.0)), min(limits[1], max(clipped[1], 0.0))


def _percentile(counts: Counts, edges: NDArray[np.float64]) -> Range:
    """Return the range that leaves out as many of the smallest values as of the largest."""
    from scipy.stats import rv_histogram

    cut = (100 - _INSIDE) / 200
    low, high = rv_histogram((counts, edges), density=False).ppf([cut, 1 - cut])
    return float(low), float(high)


def _entropy(counts: Counts, edges: NDArray[np.float64]) -> Range:
    """Return the range whose counts, merged to few bins, lose the least information.

    ONNX Runtime's search for the smallest Kullback-Leibler divergence (Migacz, "8-bit inference
    with TensorRT", GTC 2017), about a second a tensor.
    """
    with quiet():
        from onnxruntime.quantization.calibrate import HistogramCollector

        collector = HistogramCollector("entropy", False, _BINS, _MERGED, _INSIDE, "same")
        extremes = (edges[0], edges[-1], edges[-1])
        low, high = collector.get_entropy_threshold((counts, edges, *extremes), _MERGED)
    return float(low), float(high)


def _mse(counts: Counts, edges: NDArray[np.float64]) -> Range:
    """Return the range of the smallest expected squared error of int8, over all pairs of edges.

    With steps of `d = (high - low) / 255` a value inside errs by `d**2 / 12` on average, one
    outside by the square of its distance (Banner et al., NeurIPS 2019). Values in
    the bin at zero were cut off by an activation, and are exact.
    """
    middle = _BINS // 2
    below, inside_below = _tail(counts[:middle][::-1], edges[middle:])
    above, inside_above = _tail(counts[middle:], edges[middle:])
    reach = edges[middle:]
    step = (reach[:, None] + reach) / _STEPS
    rounding = step**2 / 12 * (inside_below[:, None] + inside_above)
    low, high = np.unravel_index(np.argmin(below[:, None] + above + rounding), step.shape)
    return -float(reach[low]), float(reach[high])


def _tail(
    counts: Counts, edges: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return for every edge, outwards from zero, the squared error of clipping and the rest's size.

    `counts` are those of `(k,)` bins between `(k + 1,)` edges; values lie in the middle of a bin.
    """
    centres = (edges[1:] + edges[:-1]) / 2

    def beyond(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum the bins that lie outside each edge."""
        return np.append(np.cumsum(weights[::-1])[::-1], 0.0)

    outside = beyond(counts.astype(np.float64))
    # The sum of (x - edge)**2, multiplied out so that it needs no loop over edges.
    clipping = beyond(counts * centres**2) - 2 * edges * beyond(counts * centres)
    clipping += edges**2 * outside
    return clipping, np.maximum(counts[1:].sum() - outside, 0.0)


_CLIPPED: dict[str, Callable[[Counts, NDArray[np.float64]], Range]] = {
    "percentile": _percentile,
    "entropy": _entropy,
    "mse": _mse,
}
METHODS = ("min_max", *_CLIPPED)
"""The names of the calibration methods; the first is the default."""
