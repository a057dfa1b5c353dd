"""The noise that quantization adds, layer by layer, on films."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from edge_export.films.pixels import Pixels, progress
from edge_export.graph.artefact import Artefact, Floats
from edge_export.graph.float_graphs import FloatGraphs
from edge_export.graph.layer_names import naming_layers
from edge_export.graph.quantized_tensors import TensorPair, open_pairs
from edge_export.graph.trace import Operator, operators
from edge_export.proof.divergence import hybrids
from edge_export.proof.faults import Fault

EXACT_DB = 144.5
"""Twenty times the logarithm of 2 ** 24: float32 itself holds no more."""

DIVERGED_DB = 20.0
"""An error of a tenth of the signal.

The noisiest hidden tensor of five sound int8 networks (Model 3, 29 held-out X-rays each, both
formats) has 28.5 dB; one whose range is cut to a tenth, 2 to 11 dB (12 tensors of two of them).
"""

# The outputs of these layers share scale and zero point with their inputs.
_SHARING = ("MAX_POOL_2D", "PAD", "RESHAPE", "SQUEEZE", "STRIDED_SLICE", "TRANSPOSE")


@dataclass(frozen=True, slots=True)
class LayerNoise:
    """How one tensor of a quantized graph differs from the float graph's, over all films.

    `tensor` and `operator` are those of the float TFLite graph, whatever the format. `sqnr_db` is
    the signal-to-quantization-noise ratio, `10 log10(sum(x ** 2) / sum((x - q) ** 2))`, within
    +-`EXACT_DB`; `cosine` that of the angle between both; `low` and `high` are the ends of the
    float values. `saturation` is the share of values stored as the lowest or highest integer
    though the float value lies more than half a step beyond it, which a ReLU's zero does not.
    `scale` is the step of the integers, `None` where the tensor is not `quantized`. `dead` tells
    that the integers are all the same, far from the float values (`DIVERGED_DB`), and that those
    are not: a gate that stays within one step of one half says as little in float. The decision
    does not depend on a tensor of the film `branch`.
    """

    tensor: str
    operator: str
    sqnr_db: float
    cosine: float
    low: float
    high: float
    saturation: float
    scale: float | None
    quantized: bool
    dead: bool
    branch: bool = False


@dataclass(frozen=True, slots=True)
class HarmfulLayer:
    """By how much one layer alone moves the logit, as root mean square over films.

    `error` is what the layer adds; `rounding` is the part caused by its tensor's range, the rest
    is caused by its weights. `keep_float` are the tensors whose operators have to stay float to
    avoid the error: its own, and where the range causes it those that read it too.
    """

    tensor: str
    operator: str
    error: float
    rounding: float
    keep_float: frozenset[str]


def layer_noise(graphs: FloatGraphs, artefact: Artefact, pixels: Pixels) -> tuple[LayerNoise, ...]:
    """Return the noise of every tensor of `artefact` over `(n, h, w, c)` pixels, in order.

    Raises:
        DataError: `artefact` is not made of these graphs, or a value is not finite.
    """
    pairs = open_pairs(graphs, artefact)
    sums: dict[str, _Sums] = {}
    with naming_layers(graphs.layers):
        for film in progress(pixels, len(pixels), f"layers of {artefact.file}", "film"):
            for pair in pairs.run(film):
                if pair.tensor not in sums:
                    sums[pair.tensor] = _Sums(pair, branch=pair.tensor in graphs.branch)
                sums[pair.tensor].add(pair)
    return tuple(tensor_sums.result() for tensor_sums in sums.values())


def first_divergence(
    noise: Sequence[LayerNoise], limit_db: float = DIVERGED_DB
) -> LayerNoise | None:
    """Return the first layer whose signal-to-noise ratio lies under `limit_db`, if there is one.

    The output is left out: large terms may cancel there, and it is judged by its decisions. So is
    a film branch, which has no part in them.
    """
    *body, _ = (layer for layer in noise if not layer.branch)
    return next((layer for layer in body if layer.sqnr_db < limit_db), None)


def dead_layers(
    file: str, noise: Iterable[LayerNoise], names: Mapping[str, str] = MappingProxyType({})
) -> list[Fault]:
    """Return a fault for every tensor of `file` that answers one value whatever it is shown.

    `names` tells by tensor the layer that it belongs to, as far as it is known.
    """
    cure = "calibrate on more films, or leave that layer float"

    def subject(tensor: str) -> str:
        return names.get(tensor, f"tensor {tensor}")

    return [
        Fault("dead_layer", f"{file}: dead_layer: {subject(layer.tensor)} never changes; {cure}")
        for layer in noise
        if layer.dead
    ]


def harmful_layers(
    graphs: FloatGraphs, artefact: Artefact, pixels: Pixels
) -> tuple[HarmfulLayer, ...]:
    """Return the layers with the error that each adds to the logit, the largest first.

    The network is quantized layer by layer (`hybrids`): the change of the logit from one layer
    to the next is caused by that layer, and errors of earlier layers are in both. The output is
    left out, because only the full-integer recipe quantizes it.

    Raises:
        DataError: `artefact` is not made of these graphs, or a value is not finite.
    """
    all_operators = operators(graphs.tflite)
    with naming_layers(graphs.layers):
        *body, _ = hybrids(graphs, artefact, pixels)
    layers = []
    for hybrid in body:
        error = _root_mean_square(hybrid.logits - hybrid.before)
        rounding = _root_mean_square(hybrid.rounded - hybrid.before)
        keep = {hybrid.tensor} | (
            _readers(all_operators, hybrid.tensor) if 2 * rounding > error else set()
        )
        layers.append(
            HarmfulLayer(hybrid.tensor, hybrid.operator, error, rounding, frozenset(keep))
        )
    return tuple(sorted(layers, key=lambda layer: -layer.error))


class _Sums:
    """What is kept of a tensor from film to film, so that memory does not grow with them."""

    def __init__(self, pair: TensorPair, *, branch: bool) -> None:
        self._branch = branch
        self._tensor, self._operator, self._step = pair.tensor, pair.operator, pair.step
        self._signal = self._noise = self._square = self._product = 0.0
        self._count = self._clipped = 0
        self._low = self._lowest = math.inf
        self._high = self._highest = -math.inf

    def add(self, pair: TensorPair) -> None:
        signal, quantized = pair.reference.ravel(), pair.quantized.ravel()
        error = signal - quantized
        self._signal += float(signal @ signal)
        self._noise += float(error @ error)
        self._square += float(quantized @ quantized)
        self._product += float(signal @ quantized)
        self._low = min(self._low, float(signal.min()))
        self._high = max(self._high, float(signal.max()))
        self._lowest = min(self._lowest, float(quantized.min()))
        self._highest = max(self._highest, float(quantized.max()))
        self._count += signal.size
        if pair.step is not None:
            low, high = pair.step.limits
            half = pair.step.scale / 2
            # The stored value is the limit itself, but for its rounding to float32.
            self._clipped += int(((signal < low - half) & (quantized < low + half)).sum())
            self._clipped += int(((signal > high + half) & (quantized > high - half)).sum())

    def result(self) -> LayerNoise:
        decibels = _decibels(self._signal, self._noise)
        norm = math.sqrt(self._signal * self._square)
        alike = self._product / norm if norm else float(self._signal == self._square)
        return LayerNoise(
            tensor=self._tensor,
            operator=self._operator,
            sqnr_db=decibels,
            cosine=min(1.0, alike),
            low=self._low,
            high=self._high,
            saturation=self._clipped / self._count,
            scale=None if self._step is None else self._step.scale,
            quantized=self._step is not None,
            dead=self._step is not None
            and self._lowest == self._highest
            and self._low < self._high
            and decibels < DIVERGED_DB,
            branch=self._branch,
        )


def _decibels(signal: float, noise: float) -> float:
    if noise == 0 or signal == 0:
        return EXACT_DB if noise == 0 else -EXACT_DB
    return min(EXACT_DB, max(-EXACT_DB, 10 * math.log10(signal / noise)))


def _readers(all_operators: Sequence[Operator[str]], tensor: str) -> set[str]:
    """Return what is computed from `tensor`, and from whatever shares its integers."""
    readers = set[str]()
    for operator in all_operators:
        if tensor in operator.inputs:
            readers.update(operator.outputs)
            if operator.kind in _SHARING:
                readers.update(*(_readers(all_operators, written) for written in operator.outputs))
    return readers


def _root_mean_square(differences: Floats) -> float:
    return float(np.sqrt(np.mean(differences**2)))
