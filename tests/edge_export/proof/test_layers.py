"""Each layer's error is that of its definition, and the first layer over the limit is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import onnx
import pytest

from edge_export.films.pixels import Pixels
from edge_export.graph.artefact import Artefact, measure
from edge_export.graph.float_graphs import FloatGraphs, float_graphs
from edge_export.graph.network import Network
from edge_export.graph.quantized_tensors import TensorPair, open_pairs
from edge_export.graph.trace import Step, Values, operators, outputs
from edge_export.proof.layers import (
    DIVERGED_DB,
    EXACT_DB,
    LayerNoise,
    dead_layers,
    first_divergence,
    harmful_layers,
    layer_noise,
)
from edge_export.quantize.convert import quantized
from edge_export.quantize.correct import shift_onnx, shift_tflite
from edge_export.quantize.ranges import Range, measure_ranges
from edge_export.quantize.recipe import (
    DYNAMIC,
    FLOAT32,
    FULL,
    INT8,
    INT16,
    RECIPES,
    Format,
    Recipe,
    Setting,
)
from edge_runtime.errors import DataError
from sabotage import int8, scaled, written_by
from tiny_graphs import onnx_graph, tflite_graph
from tiny_network import SIDE

BOTH = pytest.mark.parametrize("form", ["tflite", "onnx"])


@pytest.fixture(scope="module")
def graphs(candidate: Network, pixels: Pixels) -> FloatGraphs:
    return float_graphs(candidate, pixels)


@pytest.fixture(scope="module")
def ranges(graphs: FloatGraphs, pixels: Pixels) -> dict[str, Range]:
    return measure_ranges(graphs.tflite, pixels)


def error(graphs: FloatGraphs, artefact: Artefact, pixels: Pixels) -> float:
    reference = Artefact("model.f32.tflite", "tflite", FLOAT32.name, graphs.tflite)
    moved = measure(artefact, pixels).logits - measure(reference, pixels).logits
    return float(np.sqrt(np.mean(moved**2)))


@BOTH
def test_a_sound_graph_has_no_layer_to_blame(
    graphs: FloatGraphs, ranges: dict[str, Range], pixels: Pixels, form: Format
) -> None:
    noise = layer_noise(graphs, int8(graphs, ranges, form), pixels[:8])
    assert first_divergence(noise) is None
    assert dead_layers("model.int8.tflite", noise) == []
    assert max(layer.saturation for layer in noise) == 0
    assert all(layer.cosine > 0.995 for layer in noise)


@BOTH
def test_layers_have_the_names_and_the_order_of_the_float_tflite_graph(
    graphs: FloatGraphs, ranges: dict[str, Range], pixels: Pixels, form: Format
) -> None:
    noise = layer_noise(graphs, int8(graphs, ranges, form), pixels[:2])
    made = [(one.outputs[0], one.kind) for one in operators(graphs.tflite)]
    found = [(layer.tensor, layer.operator) for layer in noise]
    assert found == [one for one in made if one in found]
    missing = [kind for tensor, kind in made if (tensor, kind) not in found]
    assert missing == ["RESHAPE", "RESHAPE"]  # which compute nothing
    # Grey levels are integers already, and both heads are float.
    assert (noise[0].sqnr_db, noise[0].quantized) == (EXACT_DB, True)
    floats = {layer.tensor for layer in noise if not layer.quantized}
    assert floats == set(outputs(graphs.tflite))
    assert {layer.tensor for layer in noise if layer.branch} <= graphs.branch
    assert outputs(graphs.tflite)[1] in graphs.branch


@BOTH
def test_the_ratio_is_that_of_its_definition(
    graphs: FloatGraphs, ranges: dict[str, Range], pixels: Pixels, form: Format
) -> None:
    artefact = int8(graphs, ranges, form)
    pairs = open_pairs(graphs, artefact)
    runs = [list(pairs.run(film)) for film in pixels[:3]]
    for place, layer in enumerate(layer_noise(graphs, artefact, pixels[:3])[1:], start=1):
        x = np.stack([run[place].reference for run in runs]).astype(np.float64)
        q = np.stack([run[place].quantized for run in runs]).astype(np.float64)
        ratio = 10 * np.log10((x**2).sum() / ((x - q) ** 2).sum())
        assert layer.sqnr_db == pytest.approx(ratio, abs=0.01)
        cosine = (x * q).sum() / np.sqrt((x**2).sum() * (q**2).sum())
        assert layer.cosine == pytest.approx(cosine, abs=1e-5)
        assert (layer.low, layer.high) == (x.min(), x.max())


@BOTH
@pytest.mark.parametrize("place", [0, 1])
def test_a_range_cut_to_a_tenth_is_found_by_name(
    graphs: FloatGraphs, ranges: dict[str, Range], pixels: Pixels, form: Format, place: int
) -> None:
    tensor = written_by(graphs, "CONV_2D")[place]
    bad = int8(graphs, scaled(ranges, tensor, 0.1), form)
    noise = layer_noise(graphs, bad, pixels[:8])
    diverged = first_divergence(noise)
    assert diverged is not None
    assert (diverged.tensor, diverged.sqnr_db < DIVERGED_DB - 8) == (tensor, True)
    assert diverged.saturation > 0.02
    worst, second, *_ = harmful_layers(graphs, bad, pixels[:8])
    assert worst.tensor == tensor
    assert worst.error > 3 * second.error
    assert worst.rounding == pytest.approx(worst.error, rel=0.1)  # the weights are not to blame


@BOTH
@pytest.mark.parametrize("place", [0, 1])
def test_what_is_to_be_kept_float_takes_the_harm_away(
    graphs: FloatGraphs, ranges: dict[str, Range], pixels: Pixels, form: Format, place: int
) -> None:
    tensor = written_by(graphs, "CONV_2D")[place]
    broken = scaled(ranges, tensor, 0.1)
    bad = int8(graphs, broken, form)
    worst, *_ = harmful_layers(graphs, bad, pixels[:8])
    # The next layers would read it through its range again, pooling in between or not.
    assert {tensor} < worst.keep_float < set(ranges)
    cured = int8(graphs, broken, form, worst.keep_float)
    sound = int8(graphs, ranges, form)
    found = [error(graphs, one, pixels[:16]) for one in (bad, sound, cured)]
    assert found[0] > 4 * found[1]
    assert found[2] < 2 * found[1]


@BOTH
def test_a_dead_layer_is_named(
    graphs: FloatGraphs, ranges: dict[str, Range], pixels: Pixels, form: Format
) -> None:
    tensor = written_by(graphs, "CONV_2D")[1]
    artefact = int8(graphs, scaled(ranges, tensor, 1e4), form)
    faults = dead_layers(artefact.file, layer_noise(graphs, artefact, pixels[:8]))
    assert faults[0].name == "dead_layer"
    assert faults[0].line.startswith(f"{artefact.file}: dead_layer: tensor {tensor} never changes;")


NEVER, ALWAYS = np.zeros((1, 4), np.float32), np.arange(4, dtype=np.float32)[None]
HALF = np.full((1, 4), 0.5, np.float32)
GATE = np.array([[0.499, 0.5, 0.501, 0.5]], np.float32)
QUIET: dict[str, tuple[Values, Values, Step | None, bool]] = {
    "varies": (ALWAYS, ALWAYS, Step(1.0, 0, -128, 127), False),
    "does not vary any more": (ALWAYS, NEVER, Step(1.0, 0, -128, 127), True),
    "has never varied": (NEVER, NEVER, Step(1.0, 0, -128, 127), False),
    "is float": (ALWAYS, NEVER, None, False),
    "hardly varies": (GATE, HALF, Step(1 / 256, -128, -128, 127), False),
    "is stuck at its end": (ALWAYS, HALF, Step(1 / 256, -128, -128, 127), True),
}


@pytest.mark.parametrize(("reference", "found", "step", "dead"), QUIET.values(), ids=QUIET)
def test_a_layer_is_dead_if_quantization_killed_it(
    monkeypatch: pytest.MonkeyPatch,
    graphs: FloatGraphs,
    pixels: Pixels,
    reference: Values,
    found: Values,
    step: Step | None,
    dead: bool,
) -> None:
    class Made:
        def run(self, film: Pixels) -> Iterator[TensorPair]:
            assert film.shape == (SIDE, SIDE, 1)
            yield TensorPair("relu", "CONV_2D", reference, found, step)

    monkeypatch.setattr("edge_export.proof.layers.open_pairs", lambda *_: Made())
    (layer,) = layer_noise(graphs, Artefact("m", "tflite", "x", b""), pixels[:2])
    assert layer.dead is dead


DECIBELS: dict[str, tuple[list[float], int | None]] = {
    "sound": ([144.5, 40, 30, 40], None),
    "at the limit": ([144.5, 20, 20, 40], None),
    "once": ([144.5, 40, 19, 40], 2),
    "the first of two": ([144.5, 12, 5, 3], 1),
    "at the output": ([144.5, 40, 30, 3], None),
}


@pytest.mark.parametrize(("decibels", "place"), DECIBELS.values(), ids=DECIBELS)
def test_the_first_hidden_layer_under_the_limit_diverges(
    decibels: list[float], place: int | None
) -> None:
    noise = [
        LayerNoise(str(number), "CONV_2D", one, 1.0, 0.0, 1.0, 0.0, 0.1, True, False)
        for number, one in enumerate(decibels)
    ]
    diverged = first_divergence(noise)
    assert diverged == (None if place is None else noise[place])


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_every_recipe_is_followed_layer_by_layer(
    graphs: FloatGraphs, ranges: dict[str, Range], pixels: Pixels, recipe: Recipe
) -> None:
    for form in recipe.formats:
        graph = quantized(graphs, recipe, form, ranges if recipe.calibrated else {}, Setting())
        artefact = Artefact(recipe.file(form), form, recipe.name, graph)
        noise = layer_noise(graphs, artefact, pixels[:4])
        assert len(noise) >= 7
        assert first_divergence(noise) is None
        expected = {FULL: {True}, INT8: {True, False}, INT16: {True, False}}.get(recipe, {False})
        assert {layer.quantized for layer in noise} == expected
        exact = recipe == FLOAT32
        decision = [layer for layer in noise if not layer.branch]
        assert all((layer.sqnr_db == EXACT_DB) == exact for layer in decision[1:])
        assert recipe != DYNAMIC or harmful_layers(graphs, artefact, pixels[:4])[0].error > 0


@BOTH
def test_values_that_are_not_finite_are_an_error_that_names_the_layer(
    graphs: FloatGraphs, ranges: dict[str, Range], pixels: Pixels, form: Format
) -> None:
    shift = {"tflite": shift_tflite, "onnx": shift_onnx}[form]
    sound = int8(graphs, ranges, form)
    broken = Artefact(sound.file, form, sound.recipe, shift(sound.graph, (float("nan"), 0.0)))
    with pytest.raises(DataError, match=r"layer 'dense_\d*' .*not finite"):
        layer_noise(graphs, broken, pixels[:2])


def renumbered(graph: bytes) -> bytes:
    """Return an ONNX graph in which two tensors of different shapes have swapped their names."""
    model = onnx.load_model_from_string(graph)
    pooled = [node.output[0] for node in model.graph.node if node.op_type == "MaxPool"]
    names = {pooled[0]: pooled[1], pooled[1]: pooled[0]}
    for node in model.graph.node:
        for tensors in (node.input, node.output):
            tensors[:] = [names.get(name, name) for name in tensors]
    return bytes(model.SerializeToString())


STRANGERS: dict[str, tuple[Format, Callable[[FloatGraphs], bytes]]] = {
    "tflite": ("tflite", lambda _: tflite_graph()),
    "onnx": ("onnx", lambda _: onnx_graph()),
    "onnx, names that meet": ("onnx", lambda graphs: renumbered(graphs.onnx)),
}


@pytest.mark.parametrize(("form", "make"), STRANGERS.values(), ids=STRANGERS)
def test_a_graph_of_another_network_is_refused(
    graphs: FloatGraphs, pixels: Pixels, form: Format, make: Callable[[FloatGraphs], bytes]
) -> None:
    artefact = Artefact("other", form, FLOAT32.name, make(graphs))
    with pytest.raises(DataError, match="other: has other layers than the float graph"):
        layer_noise(graphs, artefact, pixels[:2])


STEPS = {
    "in range": (0.30, 0.25),
    "half": (0.37, 0.25),
    "above": (60.0, 0.25 * 227),
    "below": (-40.0, 0.25 * -28),
}


@pytest.mark.parametrize(("value", "wanted"), STEPS.values(), ids=STEPS)
def test_a_step_rounds_to_the_nearest_value_it_can_store(value: float, wanted: float) -> None:
    step = Step(scale=0.25, zero_point=-100, lowest=-128, highest=127)
    assert step.limits == (0.25 * -28, 0.25 * 227)
    assert step.rounded(np.array([value], np.float32)).tolist() == [wanted]
    assert step.values(np.array([-99], np.int8)).tolist() == [0.25]
