"""An ONNX graph as `edge-kit export` writes it, checked before ONNX Runtime reads it.

What is verified: that nothing of it lies in other files; that there are no functions, graphs within
nodes or operators beside those of `onnx_operators`, with their attributes and element types; that
constants are as long as their shapes say; that each value is made once, and nothing waits for
itself; the shape of every value and the multiplications in all, by `onnx_rules`; and memory, by
`onnx_memory`.
"""

from __future__ import annotations

from math import prod

from edge_runtime.graphs.limits import (
    MOST_TENSORS,
    MOST_WORK,
    GraphFault,
    Shape,
    bounded,
    refuse_unless,
)
from edge_runtime.graphs.onnx_memory import require_room
from edge_runtime.graphs.onnx_operators import OPERATORS
from edge_runtime.graphs.onnx_rules import RULES
from edge_runtime.graphs.onnx_shapes import OUTPUTS, Value
from edge_runtime.graphs.protobuf import Message, Span, Wire, signed, varints

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MODEL = {1: "v", 2: "s", 3: "s", 4: "s", 5: "v", 6: "s", 7: "s", 8: "S", 14: "S"}
_GRAPH = {1: "S", 2: "s", 5: "S", 10: "s", 11: "S", 12: "S", 13: "S"}
_NODE = {1: "S", 2: "S", 3: "s", 4: "s", 5: "S", 6: "s", 7: "s"}
_ATTRIBUTE = {1: "s", 2: "f", 3: "v", 4: "s", 8: "V", 13: "s", 20: "v"}
_TENSOR = {1: "V", 2: "v", 4: "F", 5: "S", 7: "S", 8: "s", 9: "s", 12: "s", 14: "v"}
_NAMED, _TYPE, _TENSOR_TYPE = {1: "s", 2: "s", 3: "s"}, {1: "s", 6: "s"}, {1: "v", 2: "s"}
_SHAPE, _DIMENSION, _OPSET, _PAIR = (
    {1: "S"},
    {1: "v", 2: "s", 3: "s"},
    {1: "s", 2: "v"},
    {1: "s", 2: "s"},
)

_FLOAT, _INT, _STRING, _INTS = 1, 2, 3, 7  # AttributeProto.AttributeType
_NUMBERS = {_FLOAT: 2, _INT: 3, _STRING: 4, _INTS: 8}  # the field that holds each
# The letter of an element type, as in `OPERATORS`, its bytes, and the field of its numbers.
_ELEMENTS = {
    1: ("f", 4, 4), 2: ("u", 1, 5), 3: ("c", 1, 5), 4: ("w", 2, 5), 5: ("s", 2, 5), 6: ("i", 4, 5),
    7: ("l", 8, 7), 9: ("b", 1, 5), 10: ("e", 2, 5),
}  # fmt: skip
_BYTES = {letter: size for letter, size, _ in _ELEMENTS.values()}
_OPSETS = {"": range(13, 19), "com.microsoft": range(1, 2)}
_UNKNOWN = -1  # a dimension that has a name in place of a number
_LONGEST = 64
"""Elements of a constant that may decide a shape."""


def require_sound(data: memoryview, pixels: Shape) -> None:
    """Refuse a graph that is none `edge-kit export` would write for uint8 `pixels` (1, h, w, c).

    Raises:
        GraphFault: it is not; the message says why.
    """
    wire = Wire(data)
    model = Message(wire, (0, len(data)), _MODEL)
    refuse_unless(3 <= model.number(1) <= 10, "it is of a version that is not known here")
    refuse_unless(not model.text(4), "it is of a domain of its own")
    for pair in model.spans(14):
        Message(wire, pair, _PAIR)
    domains = set()
    for span in model.spans(8):
        opset = Message(wire, span, _OPSET)
        known = _OPSETS.get(opset.text(1), ())
        refuse_unless(opset.number(2) in known, "operators of a version that is not known here")
        refuse_unless(opset.text(1) not in domains, "a version of operators stands twice")
        domains.add(opset.text(1))
    refuse_unless("" in domains and 7 in model, "it holds no graph")
    _graph(wire, Message(wire, model.span(7) or (0, 0), _GRAPH), pixels)


def _graph(wire: Wire, graph: Message, pixels: Shape) -> None:
    count = sum(len(graph.spans(number)) for number in _GRAPH)
    refuse_unless(count <= MOST_TENSORS, f"{count} nodes and constants")
    values: dict[str, Value] = {}
    for span in graph.spans(5):
        name, value = _constant(wire, span)
        refuse_unless(name and name not in values, "a constant without a name of its own")
        values[name] = value
    inputs = [_stated(wire, span) for span in graph.spans(11)]
    outputs = [_stated(wire, span) for span in graph.spans(12)]
    refuse_unless(len(inputs) == 1 and 1 <= len(outputs) <= 2, "its inputs or outputs are too many")
    ((name, kind, shape),) = inputs
    refuse_unless(name and name not in values, "its input is a constant")
    refuse_unless(kind == "u" and shape == pixels, f"it takes {list(shape)}, not {list(pixels)}")
    values[name] = Value(kind, shape)
    nodes = _in_order([_Node(wire, span) for span in graph.spans(1)], values)
    _follow(nodes, values)
    refuse_unless(all(name in values for name, _, _ in outputs), "an output that nobody makes")
    for name, kind, shape in (*outputs, *(_stated(wire, span) for span in graph.spans(13))):
        # What quantization has taken out of the graph is still stated.
        known = values.get(name)
        fits = known is None or (known.kind == kind and _agree(known.shape, shape))
        refuse_unless(fits, f"it states a shape {list(shape)} that {name!r} does not have")
    refuse_unless(not any(values[name].constant for name, _, _ in outputs), "an output is constant")
    refuse_unless(len({name for name, _, _ in outputs}) == len(outputs), "an output twice")
    require_room(nodes, values, _BYTES, {name for name, _, _ in outputs})


class _Node:
    """An operator: its key in `OPERATORS`, inputs, outputs and attributes."""

    __slots__ = ("attributes", "inputs", "kind", "name", "outputs")

    def __init__(self, wire: Wire, span: Span) -> None:
        node = Message(wire, span, _NODE)
        self.name = node.text(4)
        domain = node.text(7)
        self.kind = f"{domain}.{self.name}" if domain else self.name
        node.text(3)
        refuse_unless(
            self.kind in OPERATORS, f"operator {self.kind!r} is none that edge-kit exports"
        )
        self.inputs, self.outputs = node.texts(1), node.texts(2)
        refuse_unless(all(self.outputs), "an output without a name")
        allowed = OPERATORS[self.kind][0]
        self.attributes: dict[str, Any] = {}
        for place in node.spans(5):
            name, value = _attribute(wire, place, allowed)
            refuse_unless(name not in self.attributes, f"{self.kind}: {name} stands twice")
            self.attributes[name] = value


def _attribute(wire: Wire, span: Span, allowed: dict[str, int]) -> tuple[str, Any]:
    """Return the name of an attribute and what it says."""
    attribute = Message(wire, span, _ATTRIBUTE)
    name, kind = attribute.text(1), attribute.number(20)
    refuse_unless(allowed.get(name) == kind, f"an attribute {name!r} that is not known here")
    others = (number for number in _NUMBERS.values() if number != _NUMBERS[kind])
    refuse_unless(not any(number in attribute for number in others), "an attribute of two kinds")
    if kind == _INT:
        return name, attribute.number(3)
    if kind == _INTS:
        return name, attribute.numbers(8)
    if kind == _STRING:
        return name, attribute.text(4)
    place, data = attribute.span(2), wire.data
    return name, data[place[0] : place[1]].cast("f")[0] if place else 0.0


def _constant(wire: Wire, span: Span) -> tuple[str, Value]:
    """Return the name of a constant and its value, the integers in it where they are few."""
    tensor, data = Message(wire, span, _TENSOR), wire.data
    refuse_unless(not tensor.number(14), "it has weights in another file")
    element = _ELEMENTS.get(tensor.number(2))
    if element is None:
        raise GraphFault("a constant of a type that no graph of ours has")
    kind, size, field = element
    shape = tensor.numbers(1)
    length = prod(shape) if 0 in shape and len(shape) == 1 else bounded(shape, size) // size
    raw, typed = tensor.span(9), tensor.spans(field)
    others = [number for number in (4, 5, 7) if number != field and number in tensor]
    refuse_unless(
        not others and len(typed) <= 1 and not (raw and typed), "a constant in two places"
    )
    place = raw or (typed[0] if typed else (0, 0))
    held = place[1] - place[0]
    if raw or kind == "f":
        fits = held == length * size
    else:
        # A number of a varint ends with a byte below 128.
        ends = len(bytes(data[place[0] : place[1]]).translate(None, _CONTINUED))
        fits = ends == length and (not held or data[place[1] - 1] < 128)
    refuse_unless(fits, f"a constant of {held} bytes for a shape of {list(shape)}")
    integers: list[int] | None = None
    floats = None
    view = data[place[0] : place[1]]
    if kind in "il" and length <= _LONGEST:
        if not raw:
            integers = [signed(number) for number in varints(data, place)]
        else:
            integers = view.cast("i").tolist() if kind == "i" else view.cast("q").tolist()
    elif kind == "f" and length <= _LONGEST:
        floats = list[float](view.cast("f").tolist())
    return tensor.text(8), Value(kind, shape, constant=True, integers=integers, floats=floats)


_CONTINUED = bytes(range(128, 256))


def _stated(wire: Wire, span: Span) -> tuple[str, str, Shape]:
    """Return name, element type and shape of what the graph states of a value."""
    named = Message(wire, span, _NAMED)
    kind = Message(wire, named.span(2) or (0, 0), _TYPE)
    tensor = Message(wire, kind.span(1) or (0, 0), _TENSOR_TYPE)
    refuse_unless(2 in tensor, "a value without a shape")
    element = _ELEMENTS.get(tensor.number(1), ("?", 0, 0))
    dimensions = Message(wire, tensor.span(2) or (0, 0), _SHAPE).spans(1)
    shape = tuple(Message(wire, one, _DIMENSION).number(1, _UNKNOWN) for one in dimensions)
    return named.text(1), element[0], shape


def _agree(known: Shape, stated: Shape) -> bool:
    """Tell whether a shape is the one that was stated, as far as it was."""
    pairs = zip(known, stated, strict=False)
    return len(known) == len(stated) and all(two in (one, _UNKNOWN) for one, two in pairs)


def _in_order(nodes: list[_Node], values: dict[str, Value]) -> list[_Node]:
    """Return the nodes with what each needs before it.

    Raises:
        GraphFault: one waits for what nobody makes or for itself, or a value is made twice.
    """
    makers: dict[str, _Node] = {}
    for node in nodes:
        for name in node.outputs:
            refuse_unless(name not in makers and name not in values, "a value is made twice")
            makers[name] = node
    waiting = {
        id(node): len({id(makers[name]) for name in node.inputs if name in makers})
        for node in nodes
    }
    readers: dict[int, list[_Node]] = {}
    for node in nodes:
        for maker in {id(makers[name]) for name in node.inputs if name in makers}:
            readers.setdefault(maker, []).append(node)
        there = (not name or name in makers or name in values for name in node.inputs)
        refuse_unless(all(there), f"{node.kind} reads what nobody makes")
    ready = [node for node in nodes if not waiting[id(node)]]
    for node in ready:
        for reader in readers.get(id(node), ()):
            waiting[id(reader)] -= 1
            if not waiting[id(reader)]:
                ready.append(reader)
    refuse_unless(len(ready) == len(nodes), "its nodes wait for each other")
    return ready


def _follow(nodes: list[_Node], values: dict[str, Value]) -> None:
    """Give every value its shape."""
    work = 0
    for node in nodes:
        try:
            work += _run(node, values)
        except GraphFault as fault:
            raise GraphFault(f"operator {node.kind}: {fault}") from None
    refuse_unless(work <= MOST_WORK, f"it multiplies {work / 1e9:.0f} thousand million times")


def _run(node: _Node, values: dict[str, Value]) -> int:
    """Give the outputs of a node their types and shapes, and return its multiplications."""
    sources = [values[name] if name else None for name in node.inputs]
    read = "".join([source.kind if source else "-" for source in sources])
    kinds = OPERATORS[node.kind][1].get(squeezed(node.name, read), "")
    if node.name == "Cast":  # of which one type gives several
        wanted, _, _ = _ELEMENTS.get(node.attributes.get("to", 0), ("?", 0, 0))
        kinds = wanted if wanted in kinds else ""
    elif node.name == "Split":  # into any number of one type
        kinds *= len(node.outputs)
    refuse_unless(kinds and len(kinds) == len(node.outputs), f"element types {read}")
    results = RULES[node.name]({**node.attributes, OUTPUTS: len(node.outputs)}, sources)
    refuse_unless(len(results.shapes) == len(node.outputs), "it gives another number")
    for name, kind, shape in zip(node.outputs, kinds, results.shapes, strict=True):
        bounded(shape, _BYTES[kind])
        values[name] = Value(kind, shape)
    values[node.outputs[0]].integers = results.integers
    return results.work


def squeezed(name: str, kinds: str) -> str:
    """Return the letters of what an operator reads, once for all that a concatenation reads."""
    return kinds[:1] if name == "Concat" and len(set(kinds)) == 1 else kinds
