"""A graph of any recipe and format stores what the recipe says, and answers like the float one."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from ai_edge_litert.interpreter import Interpreter
from onnx import numpy_helper

from edge_export.films.pixels import Pixels
from edge_export.graph.artefact import Artefact, Floats, integer_outputs, measure
from edge_export.graph.float_graphs import FloatGraphs, float_graphs
from edge_export.graph.network import Network, network
from edge_export.quantize.convert import quantized
from edge_export.quantize.ranges import Range, measure_ranges
from edge_export.quantize.recipe import (
    DYNAMIC,
    FLOAT16,
    FLOAT32,
    FULL,
    INT8,
    INT16,
    RECIPES,
    WEIGHTS8,
    Format,
    Recipe,
    Setting,
)
from edge_runtime.errors import DataError
from zoo import ZOO, ZooModel, zoo_pixels

if TYPE_CHECKING:
    import keras

CASES = [(recipe, form) for recipe in RECIPES.values() for form in recipe.formats]
IDS = [f"{recipe.stem}.{form}" for recipe, form in CASES]
WITHOUT_FULL = [case for case in CASES if case[0] != FULL]

BOUNDS: dict[Recipe, float] = {
    FLOAT32: 1e-4,
    FLOAT16: 0.01,
    WEIGHTS8: 0.1,
    DYNAMIC: 0.25,
    INT8: 0.25,
    INT16: 0.1,
    FULL: 0.25,
}
"""The largest error of a logit, by the standard deviation of the float ones.

These networks have random weights: nobody taught them to forgive rounding.
"""

SIZES: dict[Recipe, float] = {FLOAT32: 1.0, FLOAT16: 0.51}
"""The largest file by the float one, 0.28 for any recipe that is not named.

The network is nearly all weights; the int8 ONNX graph spends 2 % on its scales.
"""

WEIGHTS: dict[Recipe, str] = {FLOAT32: "float32", FLOAT16: "float16"}
"""How weights are stored, int8 if not named; see ONNX's dynamic recipe for its exception."""


class Quantized:
    """A network's float graphs, its films and ranges, and its graph by any recipe."""

    def __init__(self, candidate: Network, pixels: Pixels) -> None:
        self.pixels = pixels
        self.graphs: FloatGraphs = float_graphs(candidate, pixels)
        self.ranges: dict[str, Range] = measure_ranges(self.graphs.tflite, pixels)
        self.made: dict[tuple[str, str], bytes] = {}

    def graph(self, recipe: Recipe, form: Format) -> bytes:
        key = recipe.name, form
        if key not in self.made:
            self.made[key] = self.again(recipe, form)
        return self.made[key]

    def again(self, recipe: Recipe, form: Format, *keep_float: str) -> bytes:
        ranges = self.ranges if recipe.calibrated else {}
        setting = Setting(keep_float=frozenset(keep_float))
        return quantized(self.graphs, recipe, form, ranges, setting)

    def logits(self, recipe: Recipe, form: Format, graph: bytes | None = None) -> Floats:
        graph = graph or self.graph(recipe, form)
        artefact = Artefact(recipe.file(form), form, recipe.name, graph)
        return measure(artefact, self.pixels).logits


def mixed(channels: int) -> keras.Model:
    """Return a network of layers that one format, the other, or neither has integers for."""
    from keras import Input, Model, layers

    image = Input((64, 64, channels))
    x = layers.Conv2D(8, 3, 2, "same")(layers.Rescaling(1 / 127.5, -1.0)(image))
    x = layers.LeakyReLU(negative_slope=0.2, name="leaky")(x)  # ONNX Runtime alone
    y = layers.BatchNormalization()(layers.SeparableConv2D(8, 3, padding="same")(x))
    x = layers.Add()([x, layers.ReLU(max_value=6.0)(y)])
    x = layers.Concatenate()([x, layers.Conv2D(4, 1)(x)])
    x = layers.Activation("elu")(layers.ZeroPadding2D(1)(x))  # neither
    x = layers.AveragePooling2D(2)(layers.Conv2D(8, 3, activation="relu")(x))
    x = layers.Dense(128, activation="relu")(layers.Flatten()(x))
    return Model(image, layers.Dense(1, "sigmoid")(x), name="mixed")


def gated(channels: int) -> keras.Model:
    """Return a network with swish, squeeze-and-excite, and a softmax inside."""
    from keras import Input, Model, layers

    image = Input((64, 64, channels))
    x = layers.Conv2D(8, 3, 2, "same", activation="swish")(layers.Rescaling(1 / 255)(image))
    gate = layers.Conv2D(8, 1, activation="relu")(layers.GlobalAveragePooling2D(keepdims=True)(x))
    x = layers.Multiply()([x, layers.Conv2D(8, 1, activation="sigmoid")(gate)])
    x = layers.Multiply()([x, layers.Softmax()(layers.Conv2D(8, 1)(x))])
    x = layers.Flatten()(layers.AveragePooling2D(4)(x))
    return Model(image, layers.Dense(1, "sigmoid")(x), name="gated")


NETWORKS = {"mixed": ZooModel(mixed, 3), "gated": ZooModel(gated), "depthwise": ZOO["depthwise"]}


@functools.cache
def prepared(name: str) -> Quantized:
    kind = NETWORKS[name]
    return Quantized(network(kind.build(), kind.input_range), zoo_pixels(kind.channels, 12))


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(("recipe", "form"), CASES, ids=IDS)
def test_logits_stay_near_the_float_ones(name: str, recipe: Recipe, form: Format) -> None:
    if (name, recipe) == ("mixed", FULL):
        return  # refused, see below
    made = prepared(name)
    reference = made.logits(FLOAT32, "tflite")
    error = np.abs(made.logits(recipe, form) - reference).max() / reference.std()
    assert error <= BOUNDS[recipe]


@pytest.mark.parametrize(("recipe", "form"), CASES, ids=IDS)
def test_the_same_bytes_come_out_twice(recipe: Recipe, form: Format) -> None:
    made = prepared("gated")
    assert made.graph(recipe, form) == made.again(recipe, form)


@pytest.mark.parametrize(("recipe", "form"), WITHOUT_FULL, ids=IDS[:-1])
def test_the_file_is_as_small_as_its_weights(recipe: Recipe, form: Format) -> None:
    made = prepared("mixed")
    ratio = len(made.graph(recipe, form)) / len(made.graph(FLOAT32, form))
    assert ratio <= SIZES.get(recipe, 0.28)


def tflite_layers(graph: bytes) -> list[tuple[str, str]]:
    """Return for each layer how its weights are stored and what kind of tensor it writes."""
    interpreter = Interpreter(model_content=graph)
    kinds = {one["index"]: one["dtype"].__name__ for one in interpreter.get_tensor_details()}
    operators = interpreter._get_ops_details()
    stored = {
        one["outputs"][0]: one["inputs"][0] for one in operators if one["op_name"] == "DEQUANTIZE"
    }
    return [
        (kinds[stored.get(one["inputs"][1], one["inputs"][1])], kinds[one["outputs"][0]])
        for one in operators
        if one["op_name"] in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
    ]


def onnx_weights(graph: bytes) -> list[str]:
    """Return for each layer how its weights are stored."""
    model = onnx.load_model_from_string(graph)
    held = {one.name: numpy_helper.to_array(one).dtype.name for one in model.graph.initializer}
    stored = {one.output[0]: one.input[0] for one in model.graph.node if "Dequant" in one.op_type}
    return [
        held[stored.get(one.input[1], one.input[1])]
        for one in model.graph.node
        if one.op_type in ("Conv", "ConvInteger", "Gemm", "MatMul", "MatMulInteger")
    ]


@pytest.mark.parametrize(("recipe", "form"), WITHOUT_FULL, ids=IDS[:-1])
def test_all_weights_but_the_head_s_are_stored_as_the_recipe_says(
    recipe: Recipe, form: Format
) -> None:
    graph = prepared("mixed").graph(recipe, form)
    # ONNX Runtime has a dynamic convolution for unsigned weights alone.
    wanted = "uint8" if (recipe, form) == (DYNAMIC, "onnx") else WEIGHTS.get(recipe, "int8")
    if form == "tflite":
        found = [weights for weights, _ in tflite_layers(graph)]
    else:
        found = onnx_weights(graph)
    assert found == [wanted] * 6 + ["float32"]


@pytest.mark.parametrize(
    ("recipe", "kind"),
    [(FLOAT16, "float32"), (DYNAMIC, "float32"), (INT8, "int8"), (INT16, "int16")],
)
def test_activations_are_of_the_recipe_s_kind(recipe: Recipe, kind: str) -> None:
    written = [output for _, output in tflite_layers(prepared("mixed").graph(recipe, "tflite"))]
    assert written == [kind] * 6 + ["float32"]


def test_a_full_integer_graph_has_no_float_tensor_and_takes_the_pixels_themselves() -> None:
    graph = prepared("gated").graph(FULL, "tflite")
    interpreter = Interpreter(model_content=graph)
    assert np.float32 not in {one["dtype"] for one in interpreter.get_tensor_details()}
    (taken,), (given,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert (taken["dtype"], taken["quantization"]) == (np.uint8, (1.0, 0))
    (meaning,) = integer_outputs(Artefact("m", "tflite", FULL.name, graph))
    assert (given["dtype"], given["quantization"]) == (np.int8, (meaning.scale, meaning.zero_point))
    assert interpreter.get_signature_list() == {
        "serving_default": {"inputs": ["pixels"], "outputs": ["logit"]}
    }


def test_what_litert_has_no_integers_for_is_named_where_all_must_be_integers() -> None:
    with pytest.raises(DataError, match=r"layer 'leaky' .*has no integer LEAKY_RELU in LiteRT"):
        prepared("mixed").graph(FULL, "tflite")


def test_a_recipe_that_a_format_does_not_have_is_an_error() -> None:
    with pytest.raises(DataError, match="float16: does not exist for onnx; it makes tflite only"):
        prepared("gated").graph(FLOAT16, "onnx")


@pytest.mark.parametrize("form", ["tflite", "onnx"])
@pytest.mark.parametrize("recipe", [DYNAMIC, INT8, INT16])
def test_with_every_tensor_kept_float_nothing_is_quantized(recipe: Recipe, form: Format) -> None:
    made = prepared("mixed")
    kept = made.again(recipe, form, *made.ranges)
    assert made.logits(recipe, form, kept) == pytest.approx(made.logits(FLOAT32, form), abs=1e-5)


@pytest.mark.parametrize("form", ["tflite", "onnx"])
@pytest.mark.parametrize("layer", range(6))
def test_the_layer_that_is_kept_float_is_the_only_one(form: Format, layer: int) -> None:
    made = prepared("mixed")
    tensor = weighted_tensors(made.graphs.tflite)[layer]
    kept = made.again(INT8, form, tensor)
    wanted = ["int8"] * 6 + ["float32"]
    wanted[layer] = "float32"
    found = [one for one, _ in tflite_layers(kept)] if form == "tflite" else onnx_weights(kept)
    assert found == wanted


def weighted_tensors(graph: bytes) -> list[str]:
    interpreter = Interpreter(model_content=graph)
    names = {one["index"]: str(one["name"]) for one in interpreter.get_tensor_details()}
    return [
        names[one["outputs"][0]]
        for one in interpreter._get_ops_details()
        if one["op_name"] in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
    ]


def test_a_tensor_to_keep_float_that_nothing_writes_is_an_error() -> None:
    with pytest.raises(DataError, match="no/such/tensor: is written by no operator"):
        prepared("gated").again(INT8, "tflite", "no/such/tensor")
