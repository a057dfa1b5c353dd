"""Every int8 graph of the zoo opens as processors with VNNI and those without it open it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from edge_export.graph.artefact import Artefact, measure, require_openable
from edge_export.graph.float_graphs import FloatGraphs, float_graphs
from edge_export.graph.network import network
from edge_export.quantize.convert import quantized
from edge_export.quantize.ranges import Range, measure_ranges
from edge_export.quantize.recipe import DYNAMIC, FLOAT32, INT8, INT16, Recipe, Setting
from edge_runtime.engines.onnx_runtime import load
from zoo import ZOO, zoo_pixels

RECIPES = [FLOAT32, DYNAMIC, INT8, INT16]
SHARING = {("recurrent", INT8), ("recurrent", INT16)}
"""The networks that have int8 constants with several readers, and by which recipes."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A network of the zoo, its films `(n, h, w, c)`, float graphs and ranges."""

    name: str
    pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
    graphs: FloatGraphs
    ranges: dict[str, Range]

    def graph(self, recipe: Recipe) -> bytes:
        ranges = self.ranges if recipe.calibrated else {}
        return quantized(self.graphs, recipe, "onnx", ranges, Setting())

    @property
    def shape(self) -> tuple[int, ...]:
        return (1, *self.pixels.shape[1:])


@pytest.fixture(scope="module", params=ZOO)
def prepared(request: pytest.FixtureRequest) -> Prepared:
    kind = ZOO[request.param]
    pixels = zoo_pixels(kind.channels, 12)
    graphs = float_graphs(network(kind.build(), kind.input_range), pixels)
    return Prepared(request.param, pixels, graphs, measure_ranges(graphs.tflite, pixels))


def int8_constants(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    """Return the nodes that dequantize an int8 constant."""
    held = {one.name for one in model.graph.initializer if one.data_type == onnx.TensorProto.INT8}
    nodes = [node for node in model.graph.node if node.op_type == "DequantizeLinear"]
    return [node for node in nodes if node.input[0] in held]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda one: one.stem)
def test_an_int8_constant_has_one_reader_and_so_has_what_dequantizes_it(
    recipe: Recipe, prepared: Prepared
) -> None:
    model = onnx.load_model_from_string(prepared.graph(recipe))
    reads = Counter(name for node in model.graph.node for name in node.input)
    for node in int8_constants(model):
        values, _, zero_points = node.input
        assert [reads[name] for name in (values, zero_points, node.output[0])] == [1, 1, 1]
    made = [node.output[0] for node in model.graph.node]
    held = [one.name for one in model.graph.initializer]
    assert (len(set(made)), len(set(held))) == (len(made), len(held))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda one: one.stem)
def test_it_opens_in_both_ways(recipe: Recipe, prepared: Prepared) -> None:
    graph = prepared.graph(recipe)
    require_openable(Artefact("g.onnx", "onnx", recipe.name, graph), prepared.shape)


def test_added_exactly_its_answers_are_those_of_the_tflite_graph(prepared: Prepared) -> None:
    engine = load(memoryview(prepared.graph(INT8)), prepared.shape, exact=True)
    answers = np.array([engine.logits(film.tobytes())[0] for film in prepared.pixels])
    graph = quantized(prepared.graphs, INT8, "tflite", prepared.ranges, Setting())
    expected = measure(Artefact("g.tflite", "tflite", INT8.name, graph), prepared.pixels).logits
    # They round alike but for a few products, which move a logit by a step or two of a layer.
    assert np.abs(answers - expected).max() <= 0.25 * expected.std()


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda one: one.stem)
def test_where_no_constant_is_shared_no_byte_changes(
    recipe: Recipe, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = prepared.graph(recipe)
    monkeypatch.setattr("edge_export.quantize.onnx.separate_constants", lambda _: None)
    assert (graph != prepared.graph(recipe)) == ((prepared.name, recipe) in SHARING)


@pytest.mark.parametrize("recipe", [INT8, INT16], ids=lambda one: one.stem)
def test_all_but_the_copies_is_what_the_quantizer_wrote(
    recipe: Recipe, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    parted = onnx.load_model_from_string(prepared.graph(recipe))
    monkeypatch.setattr("edge_export.quantize.onnx.separate_constants", lambda _: None)
    plain = onnx.load_model_from_string(prepared.graph(recipe))
    # A copy is called by the name of its original, a colon and a number.
    for node in parted.graph.node:
        node.input[:] = [name.partition(":")[0] for name in node.input]
    kept = [node for node in parted.graph.node if ":" not in node.name]
    assert kept == list(plain.graph.node)
    held = {one.name: numpy_helper.to_array(one) for one in plain.graph.initializer}
    for one in parted.graph.initializer:
        np.testing.assert_array_equal(numpy_helper.to_array(one), held[one.name.partition(":")[0]])
