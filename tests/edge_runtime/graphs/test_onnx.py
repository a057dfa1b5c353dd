"""An ONNX graph that needs other files, or time or memory without end, is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

from edge_runtime.bundle import open_bundle
from edge_runtime.graphs.limits import GraphFault
from edge_runtime.graphs.onnx import require_sound
from graph_edits import edited_onnx
from tiny_graphs import SHAPE, onnx_graph

SHIPPED = Path(__file__).parents[3] / "models" / "model3-xray-0.2.2.edge"


def elsewhere(model: Any) -> None:
    """Let the weights lie in another file, whose digest no manifest has."""
    tensor = model.graph.initializer[1]
    tensor.ClearField("float_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")


def located(model: Any) -> None:
    model.graph.initializer[1].data_location = TensorProto.EXTERNAL


def node(model: Any, kind: str, inputs: list[str], outputs: list[str], **options: Any) -> None:
    model.graph.node.append(helper.make_node(kind, inputs, outputs, **options))


def loop(model: Any) -> None:
    body = helper.make_graph([], "body", [], [])
    node(model, "Loop", ["", ""], ["never"], body=body)


def fill(model: Any) -> None:
    model.graph.initializer.append(
        helper.make_tensor("wide", TensorProto.INT64, [2], [1 << 15, 1 << 15])
    )
    node(model, "ConstantOfShape", ["wide"], ["filled"])


def tile(model: Any) -> None:
    times = [1, 1 << 12, 1 << 12, 1 << 12]
    model.graph.initializer.append(helper.make_tensor("times", TensorProto.INT64, [4], times))
    node(model, "Tile", ["float", "times"], ["tiled"])


def sparse(model: Any) -> None:
    model.graph.sparse_initializer.add()


def waits_for_itself(model: Any) -> None:
    model.graph.node[1].input[0] = "mean"


def axis(model: Any) -> None:
    model.graph.initializer[0].CopyFrom(helper.make_tensor("axes", TensorProto.INT64, [1], [9]))


def longer(model: Any) -> None:
    model.graph.initializer[1].dims[:] = [1, 5]


def twice(model: Any) -> None:
    model.graph.node[2].output[0] = "mean"


EDITS: dict[str, tuple[Callable[[Any], object], str]] = {
    "weights in another file": (elsewhere, "a field 13 that is not known here"),
    "weights that are said to lie elsewhere": (located, "it has weights in another file"),
    "a loop": (loop, "operator 'Loop' is none that edge-kit exports"),
    "four gigabytes of zeros": (fill, "operator 'ConstantOfShape' is none"),
    "a tensor of gigabytes": (tile, "operator Tile: a tensor of"),
    "a function": (
        lambda model: model.functions.add(name="mine"),
        "a field 25 that is not known here",
    ),
    "a training": (lambda model: model.training_info.add(), "a field 20 that is not known here"),
    "sparse weights": (sparse, "a field 15 that is not known here"),
    "operators of another maker": (
        lambda model: model.opset_import.add(domain="mine", version=1),
        "operators of a version that is not known here",
    ),
    "operators of tomorrow": (
        lambda model: setattr(model.opset_import[0], "version", 99),
        "operators of a version that is not known here",
    ),
    "a node that waits for itself": (waits_for_itself, "its nodes wait for each other"),
    "what nobody makes": (
        lambda model: model.graph.initializer.pop(),
        "reads what nobody makes",
    ),
    "a value that is made twice": (twice, "a value is made twice"),
    "a constant that is too short": (longer, "a constant of 4 bytes for a shape of [1, 5]"),
    "an axis that is not there": (axis, "operator ReduceMean: axis 9 of 4"),
    "an attribute that is not known": (
        lambda model: model.graph.node[2].attribute.append(helper.make_attribute("axis", 1)),
        "an attribute 'axis' that is not known here",
    ),
    "an attribute with a graph": (
        lambda model: model.graph.node[2].attribute.append(
            helper.make_attribute("body", helper.make_graph([], "g", [], []))
        ),
        "is not known here",
    ),
    "another type": (
        lambda model: setattr(model.graph.node[0].attribute[0], "i", TensorProto.DOUBLE),
        "operator Cast: element types u",
    ),
    "two inputs": (
        lambda model: model.graph.input.append(model.graph.input[0]),
        "its inputs or outputs are too many",
    ),
    "an output that nobody makes": (
        lambda model: setattr(model.graph.output[0], "name", "nothing"),
        "an output that nobody makes",
    ),
    "a shape that is not given": (
        lambda model: setattr(model.graph.output[0].type.tensor_type.shape.dim[1], "dim_value", 7),
        "it states a shape [1, 7] that 'logit0' does not have",
    ),
    "a name that is no text": (
        lambda model: setattr(model, "domain", "mine"),
        "it is of a domain of its own",
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_what_no_engine_should_get_is_refused(name: str) -> None:
    edit, problem = EDITS[name]
    with pytest.raises(GraphFault) as caught:
        require_sound(edited_onnx(edit), SHAPE)
    assert problem in str(caught.value)


def test_the_tiny_graph_and_the_shipped_one_are_taken() -> None:
    require_sound(memoryview(onnx_graph()), SHAPE)
    require_sound(memoryview(onnx_graph(outputs=2)), SHAPE)
    with open_bundle(SHIPPED) as bundle:
        require_sound(bundle.read("model.int8.onnx"), (1, 224, 224, 1))


@pytest.mark.parametrize("length", [0, 1, 20, 100, -10, -1])
def test_a_graph_that_is_cut_short_is_refused(length: int) -> None:
    with pytest.raises(GraphFault):
        require_sound(memoryview(onnx_graph()[:length]), SHAPE)


def test_nodes_may_stand_in_any_order() -> None:
    def turned(model: Any) -> None:
        nodes = list(model.graph.node)[::-1]
        del model.graph.node[:]
        model.graph.node.extend(nodes)

    require_sound(edited_onnx(turned), SHAPE)


def test_a_field_that_stands_twice_is_refused_and_not_merged() -> None:
    data = onnx_graph()
    again = onnx.load_from_string(data)
    with pytest.raises(GraphFault, match="a field 7 that stands twice"):
        require_sound(memoryview(data + _graph_again(again)),
                      SHAPE)  # fmt: skip


def _graph_again(model: Any) -> bytes:
    """Return a message that holds the graph of a model and nothing else."""
    alone = onnx.ModelProto()
    alone.graph.CopyFrom(model.graph)
    return bytes(alone.SerializeToString())
