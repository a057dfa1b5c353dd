"""A TFLite graph that an engine must not be given is refused, and by a line that says why."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatbuffers  # type: ignore[import-untyped]
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as tfl

from edge_runtime.bundle import open_bundle
from edge_runtime.graphs import tflite
from edge_runtime.graphs.limits import GraphFault
from edge_runtime.graphs.tflite import require_sound
from graph_edits import edited_tflite
from tiny_graphs import SHAPE, SIDE, tflite_graph

SHIPPED = Path(__file__).parents[3] / "models" / "model3-xray-0.2.2.edge"


def graph(model: Any) -> Any:
    return model.subgraphs[0]


def constant(model: Any, number: int, values: list[int], element: str = "<i4") -> None:
    """Let the constant tensor `number` hold `values`."""
    tensor = graph(model).tensors[number]
    tensor.shape = [len(values)]
    model.buffers[tensor.buffer].data = np.frombuffer(np.array(values, element).tobytes(), np.uint8)


def quantize(model: Any, number: int, **fields: Any) -> None:
    """Give the tensor `number` a quantization of `fields`."""
    quantization = tfl.QuantizationParametersT()
    vars(quantization).update(fields)
    graph(model).tensors[number].quantization = quantization


def add_variable(model: Any) -> None:
    graph(model).tensors[3].isVariable = True


def second_signature(model: Any) -> None:
    model.signatureDefs = [tfl.SignatureDefT(), tfl.SignatureDefT()]


EDITS: dict[str, tuple[Callable[[Any], object], str]] = {
    "an input out of range": (
        lambda model: vars(graph(model).operators[1]).update(inputs=[1, 99]),
        "operator 1: it names a tensor that is not there",
    ),
    "an output out of range": (
        lambda model: vars(graph(model).operators[0]).update(outputs=[-1]),
        "operator 0: it names a tensor that is not there",
    ),
    "no inputs": (
        lambda model: vars(graph(model).operators[0]).update(inputs=None),
        "operator 0: it names a tensor that is not there",
    ),
    "an operator code out of range": (
        lambda model: vars(graph(model).operators[0]).update(opcodeIndex=9),
        "operator 0: it is of no kind",
    ),
    "another number of inputs": (
        lambda model: vars(graph(model).operators[0]).update(inputs=[0, 0]),
        "operator 0 CAST: element types uu>f that edge-kit does not export",
    ),
    "what is read before it is written": (
        lambda model: graph(model).operators.reverse(),
        "it reads what nobody has written",
    ),
    "what is written twice": (
        lambda model: vars(graph(model).operators[3]).update(outputs=[3]),
        "it writes what is there already",
    ),
    "a constant that is written": (
        lambda model: vars(graph(model).operators[3]).update(outputs=[4]),
        "it writes what is there already",
    ),
    "an output that nobody writes": (
        lambda model: graph(model).operators.pop(),
        "an output that nobody writes",
    ),
    "a constant as input": (
        lambda model: vars(graph(model)).update(inputs=[4]),
        "it takes [1, 1], not [1, 64, 64, 1]",
    ),
    "a constant as output": (
        lambda model: vars(graph(model)).update(outputs=[4]),
        "an output is a constant",
    ),
    "three outputs": (
        lambda model: vars(graph(model)).update(outputs=[7, 5, 3]),
        "3 numbers in a vector",
    ),
    "a loop": (
        lambda model: vars(model.operatorCodes[1]).update(
            builtinCode=119, deprecatedBuiltinCode=119
        ),
        "operator 1: number 119 is none that edge-kit exports",
    ),
    "an operator of one's own": (
        lambda model: vars(model.operatorCodes[1]).update(customCode=b"mine"),
        "it has an operator of somebody's own",
    ),
    "two graphs": (
        lambda model: model.subgraphs.append(model.subgraphs[0]),
        "it has 2 graphs, as a loop has, and not one",
    ),
    "a negative dimension": (
        lambda model: vars(graph(model).tensors[1]).update(shape=[1, -64, 64, 1]),
        "a tensor of shape [1, -64, 64, 1]",
    ),
    "a tensor of a gigabyte": (
        lambda model: vars(graph(model).tensors[1]).update(shape=[1, 1 << 14, 1 << 14, 1]),
        "a tensor of 1024 MiB",
    ),
    "nine dimensions": (
        lambda model: vars(graph(model).tensors[1]).update(shape=[1] * 9),
        "9 numbers in a vector",
    ),
    "a type that is not known": (
        lambda model: vars(graph(model).tensors[1]).update(type=5),
        "a tensor of a type or with a buffer that no graph of ours has",
    ),
    "a buffer out of range": (
        lambda model: vars(graph(model).tensors[4]).update(buffer=77),
        "a tensor of a type or with a buffer that no graph of ours has",
    ),
    "a variable": (add_variable, "a tensor of a type or with a buffer that no graph of ours has"),
    "a constant that is too short": (
        lambda model: vars(graph(model).tensors[4]).update(shape=[1, 4]),
        "a constant of 4 bytes in place of 16",
    ),
    "an axis that is not there": (
        lambda model: constant(model, 2, [1, 7]),
        "operator 1 MEAN: axis 7 of 4",
    ),
    "a shape that is not given": (
        lambda model: vars(graph(model).tensors[3]).update(shape=[1, 9]),
        "operator 1 MEAN: gives [1, 1], not [1, 9]",
    ),
    "shapes that do not fit each other": (
        lambda model: constant(model, 4, [0, 0, 0], "<f4"),
        "operator 2 MUL: gives [1, 3], not [1, 1]",
    ),
    "an activation that is none": (
        lambda model: vars(graph(model).operators[3].builtinOptions).update(
            fusedActivationFunction=77
        ),
        "operator 3 ADD: its activation",
    ),
    "options of another operator": (
        lambda model: vars(graph(model).operators[3]).update(builtinOptionsType=1),
        "operator 3: its options",
    ),
    "intermediate tensors": (
        lambda model: vars(graph(model).operators[0]).update(intermediates=[1]),
        "operator 0: it changes its inputs",
    ),
    "a scale of zero": (
        lambda model: quantize(model, 3, scale=[0.0], zeroPoint=[0]),
        "a scale out of bounds",
    ),
    "a scale that is not finite": (
        lambda model: quantize(model, 3, scale=[float("nan")], zeroPoint=[0]),
        "a scale out of bounds",
    ),
    "a zero point out of bounds": (
        lambda model: quantize(model, 0, scale=[1.0], zeroPoint=[256]),
        "a zero point out of bounds",
    ),
    "scales without zero points": (
        lambda model: quantize(model, 3, scale=[1.0]),
        "as many zero points as scales are wanted",
    ),
    "scales of an axis that is not there": (
        lambda model: quantize(
            model, 1, scale=[1.0, 1.0], zeroPoint=[0, 0], quantizedDimension=9
        ),
        "scales that do not fit the shape",
    ),
    "integers without a scale": (
        lambda model: vars(graph(model).tensors[1]).update(type=9),
        "scales that are missing",
    ),
    "another version": (lambda model: vars(model).update(version=4), "another version than 3"),
    "two signatures": (second_signature, "2 tables where there may be 1"),
    "data in another file": (
        lambda model: vars(graph(model).tensors[4]).update(externalBuffer=1),
        "a tensor whose data lie elsewhere",
    ),
    "a buffer behind the end": (
        lambda model: vars(model.buffers[1]).update(data=None, offset=1 << 20, size=8),
        "a buffer out of it",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EDITS)
def test_what_no_engine_should_get_is_refused(name: str) -> None:
    edit, problem = EDITS[name]
    with pytest.raises(GraphFault) as caught:
        require_sound(edited_tflite(edit), SHAPE)
    assert problem in str(caught.value)


def test_the_tiny_graph_is_taken_as_it_is_and_as_it_is_packed_again() -> None:
    require_sound(memoryview(tflite_graph()), SHAPE)
    require_sound(memoryview(tflite_graph(outputs=2)), SHAPE)
    require_sound(edited_tflite(lambda _: None), SHAPE)


def test_data_may_lie_behind_the_flatbuffer_as_in_large_graphs() -> None:
    def moved(model: Any) -> None:
        vars(model.buffers[2]).update(data=None, offset=offset, size=4)

    offset = 1 << 12
    short = edited_tflite(moved)
    data = bytes(short).ljust(offset, b"\0") + struct.pack("<f", 0.5)
    require_sound(memoryview(data), SHAPE)
    with pytest.raises(GraphFault, match="a buffer out of it"):
        require_sound(memoryview(data[:-1]), SHAPE)


def shipped() -> bytearray:
    with open_bundle(SHIPPED) as bundle:
        return bytearray(bundle.read("model.int8.tflite"))


def test_the_input_index_that_ended_the_process_is_refused() -> None:
    data = shipped()
    require_sound(memoryview(data), (1, 224, 224, 1))
    assert data[2_528_048] == 49
    data[2_528_048] = 32
    with pytest.raises(GraphFault) as caught:
        require_sound(memoryview(data), (1, 224, 224, 1))
    assert caught.value.place is not None


def test_outputs_that_a_signature_names_alike_and_that_ended_the_process_are_refused() -> None:
    def named(*names: bytes) -> memoryview:
        model = tfl.ModelT.InitFromObj(tfl.Model.GetRootAs(bytes(shipped())))
        for output, name in zip(model.signatureDefs[0].outputs, names, strict=True):
            output.name = name
        builder = flatbuffers.Builder(1 << 22)
        builder.Finish(model.Pack(builder), b"TFL3")
        return memoryview(bytearray(builder.Output()))

    require_sound(named(b"logit", b"logit_film"), (1, 224, 224, 1))
    with pytest.raises(GraphFault, match="a signature names two tensors alike"):
        require_sound(named(b"logit", b"logit"), (1, 224, 224, 1))
    with pytest.raises(GraphFault, match="a string holds a zero"):
        require_sound(named(b"logit", b"logit\0film"), (1, 224, 224, 1))


@pytest.mark.parametrize("length", [0, 7, 8, 63, 64, 500, -1])
def test_a_graph_that_is_cut_short_is_refused(length: int) -> None:
    with pytest.raises(GraphFault):
        require_sound(memoryview(tflite_graph()[:length]), SHAPE)


def test_other_pixels_than_the_manifest_has_are_refused() -> None:
    with pytest.raises(GraphFault, match="it takes"):
        require_sound(memoryview(tflite_graph()), (1, 64, 64, 3))


def test_tensors_are_counted_while_they_are_needed_and_so_is_the_film(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    film_and_floats = SIDE * SIDE * (1 + 4)
    data = memoryview(bytearray(tflite_graph()))
    monkeypatch.setattr(tflite, "MOST_MEMORY", film_and_floats)
    require_sound(data, SHAPE)
    monkeypatch.setattr(tflite, "MOST_MEMORY", film_and_floats - 1)
    with pytest.raises(GraphFault, match="its tensors take 0 MiB at once"):
        require_sound(data, SHAPE)
