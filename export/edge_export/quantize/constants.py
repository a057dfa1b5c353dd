"""int8 constants of an ONNX graph that ONNX Runtime can open on every processor."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx


def separate_constants(graph: onnx.GraphProto) -> None:
    """Give every reader of an int8 constant an initializer and a DequantizeLinear of its own.

    With `session.x64quantprecision`, which processors without VNNI need, ONNX Runtime replaces an
    int8 constant and its zero points by unsigned ones, once for every reader, and at the second one
    it fails: it opens no such graph. It merges DequantizeLinear nodes of one constant, so constant
    and node both have to be copied. Weights of a layer that is called twice are constants with
    several readers, and so are the numbers of a hard sigmoid. Nothing else is changed.
    """
    import onnx

    held = {
        initializer.name: initializer
        for initializer in graph.initializer
        if initializer.data_type == initializer.INT8
    }
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        nodes.append(node)
        if node.op_type != "DequantizeLinear" or node.input[0] not in held:
            continue
        for number, (reader, place) in enumerate(_reads(graph, node.output[0])[1:], 2):
            another = onnx.NodeProto()
            another.CopyFrom(node)
            another.name = f"{node.name}:{number}"
            another.output[0] = reader.input[place] = f"{node.output[0]}:{number}"
            nodes.append(another)
    del graph.node[:]
    graph.node.extend(nodes)
    taken: Counter[str] = Counter()
    for node in graph.node:
        if node.op_type != "DequantizeLinear" or node.input[0] not in held:
            continue
        for place in (0, 2):  # the constant itself, and its zero points
            name = node.input[place]
            taken[name] += 1
            if taken[name] > 1:
                own = graph.initializer.add()
                own.CopyFrom(held[name])
                own.name = node.input[place] = f"{name}:{taken[name]}"


def _reads(graph: onnx.GraphProto, tensor: str) -> list[tuple[onnx.NodeProto, int]]:
    """Return what reads `tensor`: the nodes, and the places among their inputs."""
    return [
        (node, place)
        for node in graph.node
        for place, name in enumerate(node.input)
        if name == tensor
    ]
