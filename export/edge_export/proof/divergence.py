"""How the logit changes as a network is quantized layer by layer.

The float ONNX graph is cut behind a layer, the quantized graph's values are inserted there, and the
rest is computed in float. Where paths run in parallel, a cut goes through all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations
from typing import TYPE_CHECKING

import numpy as np

from edge_export.films.pixels import Pixels
from edge_export.graph.artefact import Artefact, Floats
from edge_export.graph.float_graphs import FloatGraphs
from edge_export.graph.quantized_tensors import TensorPair, open_pairs
from edge_export.graph.trace import OnnxTrace, Values

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True, slots=True)
class Hybrid:
    """The logits `(n,)` with everything up to `tensor` quantized, and the rest in float.

    `before` are the logits of the cut before. For `rounded`, this tensor alone is computed in float
    from that cut, and rounded to the values of its integers. So the tensor's range causes the
    difference from `before` to `rounded`, the layer's weights that from `rounded` to `logits`.
    """

    tensor: str
    operator: str
    logits: Floats
    before: Floats
    rounded: Floats


@dataclass(frozen=True, slots=True)
class _Cut:
    """The tensors alive behind the node of the ONNX graph that wrote `produced`."""

    alive: tuple[str, ...]
    produced: str


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a tensor of the ONNX graph is laid out, seen from a pair named `twin`."""

    twin: str
    axes: tuple[int, ...]
    shape: tuple[int, ...]

    def arrange(self, values: Values) -> Values:
        return np.ascontiguousarray(values.transpose(self.axes).reshape(self.shape))


def hybrids(graphs: FloatGraphs, artefact: Artefact, pixels: Pixels) -> Iterator[Hybrid]:
    """Yield the logits of `(n, h, w, c)` pixels for every cut of the graph, in its order.

    They are the decision's: a film / not-film branch is left out. The last is the quantized graph
    itself. The tensors of all films are held in memory: 10 MB a film for Model 3.

    Raises:
        DataError: `artefact` is not made of these graphs, or a value is not finite.
    """
    import onnx
    from onnx.utils import Extractor

    model = onnx.load_model_from_string(graphs.onnx)
    source, output = model.graph.input[0].name, model.graph.output[0].name
    # The film branch has no part in the decision.
    model = onnx.shape_inference.infer_shapes(Extractor(model).extract_model([source], [output]))
    pairs = open_pairs(graphs, artefact)
    first = {pair.tensor: pair for pair in pairs.run(pixels[0])}
    layouts = _layouts(model, graphs.same, first, pixels[0])
    start, end = _Cut((source,), source), _Cut((output,), output)
    chain = [start, *_cuts(model.graph, layouts), end]
    needed = {name for cut in chain[1:] for name in cut.alive}
    held = [{source: film[None], **_arranged(pairs.run(film), layouts, needed)} for film in pixels]
    extractor = Extractor(model)
    before, rounded = np.empty(0), held
    for cut, after in pairwise(chain):
        fresh = [name for name in after.alive if name not in (*cut.alive, output)]
        names = [output, *fresh]
        rest = OnnxTrace(extractor.extract_model(list(cut.alive), names), names)
        computed = [rest.feed({name: film[name] for name in cut.alive}) for film in held]
        logits = _logits(computed, output)
        if cut is not start:
            again = [rest.feed({name: film[name] for name in cut.alive}) for film in rounded]
            yield _hybrid(first[layouts[cut.produced].twin], logits, before, _logits(again, output))
        before = logits
        rounded = [
            film
            | {
                name: _rounded(values, first[layouts[name].twin])
                for name, values in computed_film.items()
            }
            for film, computed_film in zip(held, computed, strict=True)
        ]
    last = first[layouts[output].twin]
    yield _hybrid(last, _logits(held, output), before, _logits(rounded, output))


def flipped_at(sides: Sequence[bool], reference: bool) -> int | None:
    """Return the index from which on all `sides` differ from the `reference`.

    `None` where the last one agrees with it.
    """
    agreeing = [place for place, side in enumerate(sides) if side == reference]
    first = agreeing[-1] + 1 if agreeing else 0
    return first if first < len(sides) else None


def _hybrid(pair: TensorPair, logits: Floats, before: Floats, rounded: Floats) -> Hybrid:
    return Hybrid(pair.tensor, pair.operator, logits, before, rounded)


def _logits(films: Iterable[Mapping[str, Values]], output: str) -> Floats:
    return np.array([film[output].item() for film in films])


def _rounded(values: Values, pair: TensorPair) -> Values:
    return values if pair.step is None else pair.step.rounded(values)


def _cuts(graph: onnx.GraphProto, layouts: Mapping[str, _Layout]) -> Iterator[_Cut]:
    """Yield the cuts that go through tensors with a layout only."""
    last_use = {name: place for place, node in enumerate(graph.node) for name in node.input}
    alive, seen = [graph.input[0].name], set[str]()
    for place, node in enumerate(graph.node):
        if set(alive).isdisjoint(node.input):
            continue  # it makes a constant
        alive = [name for name in (*alive, *node.output) if last_use.get(name, -1) > place]
        if alive and layouts.keys() >= set(alive):
            # A tensor that only changes the layout of another makes no new cut.
            twins = {layouts[name].twin for name in alive}
            if twins != seen:
                yield _Cut(tuple(alive), node.output[0])
            seen = twins


def _arranged(
    run: Iterable[TensorPair], layouts: Mapping[str, _Layout], names: Collection[str]
) -> dict[str, Values]:
    """Return the quantized values of the ONNX tensors `names`, laid out as that graph has them."""
    quantized = {pair.tensor: pair.quantized for pair in run}
    return {name: layouts[name].arrange(quantized[layouts[name].twin]) for name in names}


def _layouts(
    model: onnx.ModelProto, same: Mapping[str, str], pairs: Mapping[str, TensorPair], film: Pixels
) -> dict[str, _Layout]:
    """Return how each tensor of the ONNX graph that has a pair is laid out.

    Of the orders of axes that give its shape, or else of all, it is the one whose values on `film`
    are nearest.
    """
    here = {name for node in model.graph.node for name in node.output}
    names = [name for name, twin in same.items() if twin in pairs and name in here]
    layouts = {}
    for name, expected in OnnxTrace(model, names).run(film).items():
        values = pairs[same[name]].reference
        orders = list(permutations(range(values.ndim)))
        fitting = [axes for axes in orders if values.transpose(axes).shape == expected.shape]
        layouts[name] = min(
            (_Layout(same[name], axes, expected.shape) for axes in fitting or orders),
            key=lambda layout: float(np.abs(layout.arrange(values) - expected).max()),
        )
    return layouts
