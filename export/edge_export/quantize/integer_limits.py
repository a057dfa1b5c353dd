"""Where integers do not do: ranges that no kernel computes with, and operators that stay float."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edge_export.graph.trace import Operator
from edge_export.quantize.ranges import Range
from edge_runtime.errors import DataError

# LiteRT's quantizer takes a narrower range for this one.
_NARROWEST = 1e-9
# By the place of the input that may not be zero.
_INFINITE_AT_ZERO = {"LOG": 0, "DIV": 1, "POW": 0, "RSQRT": 0}
_SPLITS = ("SPLIT", "SPLIT_V", "UNPACK")


def computable(
    all_operators: Sequence[Operator[str]], ranges: Mapping[str, Range]
) -> dict[str, Range]:
    """Return `ranges` in which what is zero on every calibration film has steps of a size.

    A layer that is never above zero has no range of its own: LiteRT's quantizer makes steps of
    1e-12 of it, with which its kernels cannot be prepared. It gets the width of the widest tensor
    that it is made of; its zero stays exact. Nothing else is changed.
    """
    wide = dict(ranges)
    for operator in all_operators:
        taken = max((_width(wide[name]) for name in operator.inputs if name in wide), default=0.0)
        for name in operator.outputs:
            if name in wide and _width(wide[name]) < _NARROWEST < taken:
                wide[name] = (0.0, taken)
    return wide


def float_operators(all_operators: Sequence[Operator[str]]) -> frozenset[str]:
    """Return the tensors whose operators have to stay float.

    They are those that a logarithm, a power, a root or a division reads, and what these write
    themselves: a zero that was none before it was rounded would be infinite. And the parts of a
    split of which nothing reads one: XNNPack cannot be prepared for its integers.
    """
    read = {name for operator in all_operators for name in operator.inputs}
    makers = {name: operator for operator in all_operators for name in operator.outputs}
    found: set[str] = set()
    for operator in all_operators:
        place = _INFINITE_AT_ZERO.get(operator.kind)
        if place is not None and operator.inputs[place] in makers:
            found |= {operator.inputs[place], *operator.outputs}
        if operator.kind in _SPLITS and not read.issuperset(operator.outputs):
            found |= {*operator.outputs}
    return frozenset(found)


def refuse_loops(all_operators: Sequence[Operator[str]]) -> None:
    """Refuse a layer that is computed step by step, by a graph of its own that nothing quantizes.

    Raises:
        DataError: there is a loop; its subject is a tensor that it writes.
    """
    for operator in all_operators:
        if operator.kind == "WHILE":
            problem = "is computed in a loop, which no graph may hold"
            raise DataError(operator.outputs[0], problem, "build it with unroll=True")


def _width(limits: Range) -> float:
    """Return how much a range spans with zero, which every integer tensor can hold."""
    low, high = limits
    return max(high, 0.0) - min(low, 0.0)
