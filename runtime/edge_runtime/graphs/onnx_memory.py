"""What the values of an ONNX graph take: what ONNX Runtime computes and holds at one time.

The int8 weights of a graph are constants that DequantizeLinear turns back into float. Where the
product that reads them reads and gives uint8, ONNX Runtime makes one operator of the whole and
never makes those floats: they are counted by themselves, and bounded as what a graph would take
where that does not happen (decision 84). Any other DequantizeLinear of constants is computed for
each film, and those of all layers are there at once.
"""

from __future__ import annotations

from math import prod

from edge_runtime.graphs.limits import MOST_MEMORY, MOST_WEIGHTS, refuse_unless

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Protocol

    from edge_runtime.graphs.onnx_shapes import Value

    class Node(Protocol):
        """An operator: its key in `OPERATORS`, and the names of what it reads and makes."""

        kind: str
        inputs: list[str]
        outputs: list[str]


_PRODUCTS = frozenset(("Conv", "Gemm", "MatMul"))
_ELEMENTS = "uci"  # of what a quantized product reads: uint8, int8 weights, an int32 bias


def require_room(
    nodes: Sequence[Node], values: Mapping[str, Value], sizes: Mapping[str, int], kept: set[str]
) -> None:
    """Refuse a graph whose computed values take too much memory at one time.

    `nodes` have what each needs before it, `sizes` are the bytes of an element of each type, and
    the values in `kept` are needed at the end.

    Raises:
        GraphFault: they do; the message says how much.
    """

    def size(name: str) -> int:
        value = values[name]
        return 0 if value.constant else prod(value.shape) * sizes[value.kind]

    merged = _merged_weights(nodes, values, kept)
    weights = sum(map(size, merged))
    refuse_unless(weights <= MOST_WEIGHTS, f"its weights take {weights >> 20} MiB as float")
    last = {name: place for place, node in enumerate(nodes) for name in node.inputs}
    made = {name for node in nodes for name in node.outputs}
    live = most = sum(map(size, values.keys() - made))  # the film
    for place, node in enumerate(nodes):
        live += sum(size(name) for name in node.outputs if name not in merged)
        most = max(most, live)
        done = {name for name in (*node.inputs, *node.outputs) if last.get(name, place) == place}
        live -= sum(size(name) for name in done - kept - merged if name)
    refuse_unless(most <= MOST_MEMORY, f"its tensors take {most >> 20} MiB at once")


def _merged_weights(nodes: Sequence[Node], values: Mapping[str, Value], kept: set[str]) -> set[str]:
    """Return the constants in float that ONNX Runtime does not make: those of quantized products.

    Of graphs as we write them, it merges DequantizeLinear, product and QuantizeLinear under these
    conditions on every processor; with int8 in place of uint8 it depends on what else reads the
    same values. A scale that does not fit can hinder it, hence the bound on these weights.
    """
    links = _Links(nodes, values)
    return {
        name
        for node in nodes
        if node.kind in _PRODUCTS and not kept.intersection(node.outputs) and links.quantized(node)
        for name in node.inputs[1:]
        if links.constant(links.makers[name].inputs) and len(links.readers[name]) == 1
    }


class _Links:
    """Who makes a value, and who reads it."""

    def __init__(self, nodes: Sequence[Node], values: Mapping[str, Value]) -> None:
        self._values = values
        self.makers = {name: node for node in nodes for name in node.outputs}
        self.readers: dict[str, list[Node]] = {}
        for node in nodes:
            for name in node.inputs:
                self.readers.setdefault(name, []).append(node)

    def constant(self, names: list[str]) -> bool:
        """Tell whether values are constants, all of them."""
        return all(self._values[name].constant for name in names)

    def quantized(self, product: Node) -> bool:
        """Tell whether a product reads quantized values alone, and its output becomes one."""
        after = self.readers.get(product.outputs[0], [])
        return (
            all(map(self._turned_back, product.inputs, _ELEMENTS))
            and [reader.kind for reader in after] == ["QuantizeLinear"]
            and self._values[after[0].outputs[0]].kind == _ELEMENTS[0]
            and self.constant(after[0].inputs[1:])
        )

    def _turned_back(self, name: str, element: str) -> bool:
        maker = self.makers.get(name)
        return (
            maker is not None
            and maker.kind == "DequantizeLinear"
            and self.constant(maker.inputs[1:])
            and self._values[maker.inputs[0]].kind == element
        )
