"""Every operator that a graph may hold has a rule, and a rule takes what fits and nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edge_runtime.graphs.limits import GraphFault
from edge_runtime.graphs.onnx_operators import OPERATORS as ONNX
from edge_runtime.graphs.onnx_rules import RULES as ONNX_RULES
from edge_runtime.graphs.onnx_shapes import Value
from edge_runtime.graphs.tflite_operators import OPERATORS as TFLITE
from edge_runtime.graphs.tflite_operators import OPTIONS
from edge_runtime.graphs.tflite_rules import RULES as TFLITE_RULES


def test_every_operator_has_a_rule_and_options_of_a_known_kind() -> None:
    assert {name for name, _, _ in TFLITE.values()} <= set(TFLITE_RULES)
    assert {kind for _, kind, _ in TFLITE.values()} <= set(OPTIONS)
    assert {name.rpartition(".")[2] for name in ONNX} <= set(ONNX_RULES)


def test_the_docs_list_every_operator() -> None:
    page = (Path(__file__).parents[3] / "docs" / "bundle-format.md").read_text(encoding="utf-8")
    tflite, onnx = (
        re.findall(r"`(\w+)`", part) for part in page.split("**TFLite**: ")[1].split("**ONNX**")
    )
    assert tflite == sorted(name for name, _, _ in TFLITE.values())
    assert {name for name in ONNX if "." not in name} <= set(onnx)


def tensor(shape: tuple[int, ...], integers: list[int] | None = None, scale: float = 0.0) -> Any:
    """Return what a rule for TFLite takes for a tensor; with `scale`, of int8."""
    return SimpleNamespace(
        shape=shape, integers=lambda: integers, kind="c" if scale else "f", scale=scale,
        scales=1 if scale else 0, axis=0, start=8 if integers else 0,
    )  # fmt: skip


def index(*integers: int) -> Any:
    """Return a constant of indices."""
    return tensor((len(integers),), list(integers))


MAP = (1, 8, 8, 4)
# Operator, options, inputs, the shape that it gives; and options or inputs that do not fit.
CASES: list[tuple[str, tuple[Any, ...], list[Any], tuple[int, ...], list[Any]]] = [
    ("ADD", (0, 1), [tensor(MAP), tensor((4,))], MAP,
     [((9, 1), None), (None, [tensor(MAP), tensor((3,))]),
      (None, [tensor(MAP, scale=1.0), tensor(MAP, scale=1.0)])]),
    ("CONV_2D", (0, 2, 2, 1, 1, 1, 0), [tensor(MAP), tensor((6, 3, 3, 4)), tensor((6,))],
     (1, 4, 4, 6),
     [((0, 0, 2, 1, 1, 1, 0), None), ((2, 2, 2, 1, 1, 1, 0), None), ((0, 2, 2, 1, 0, 1, 0), None),
      (None, [tensor(MAP), tensor((6, 3, 3, 3)), tensor((6,))]),
      (None, [tensor(MAP), tensor((6, 3, 3, 4)), tensor((5,))])]),
    ("DEPTHWISE_CONV_2D", (1, 1, 1, 2, 0, 1, 1), [tensor(MAP), tensor((1, 3, 3, 8)), tensor((8,))],
     (1, 6, 6, 8),
     [((1, 1, 1, 3, 0, 1, 1), None), (None, [tensor(MAP), tensor((1, 9, 9, 8)), tensor((8,))])]),
    ("TRANSPOSE_CONV", (0, 2, 2, 0, 0), [index(1, 16, 16, 3), tensor((3, 2, 2, 4)), tensor(MAP)],
     (1, 16, 16, 3),
     [((0, 1, 2, 0, 0), None), (None, [index(1, 99, 16, 3), tensor((3, 2, 2, 4)), tensor(MAP)])]),
    ("FULLY_CONNECTED", (0, 0, 0, 0, 0), [tensor((1, 4)), tensor((3, 4)), None], (1, 3),
     [((0, 1, 0, 0, 0), None), (None, [tensor((1, 5)), tensor((3, 4)), None])]),
    ("BATCH_MATMUL", (0, 1, 0), [tensor((1, 2, 3)), tensor((1, 5, 3))], (1, 2, 5),
     [((0, 0, 0), None), (None, [tensor((3,)), tensor((3,))])]),
    ("MAX_POOL_2D", (1, 2, 2, 2, 2, 0), [tensor(MAP)], (1, 4, 4, 4),
     [((1, 0, 2, 2, 2, 0), None), ((1, 2, 2, 9, 2, 0), None), (None, [tensor((8, 8))])]),
    ("MEAN", (1,), [tensor(MAP), index(1, 2)], (1, 1, 1, 4), [(None, [tensor(MAP), index(4)])]),
    ("RESHAPE", ((),), [tensor(MAP), index(1, 256)], (1, 256),
     [(None, [tensor(MAP), index(1, 255)]), (None, [tensor((1, 8, 8, 3)), index(1, -1)])]),
    ("TRANSPOSE", (), [tensor((1, 2, 3)), index(2, 0, 1)], (3, 1, 2),
     [(None, [tensor((1, 2, 3)), index(2, 2, 1)]), (None, [tensor((1, 2, 3)), index(0, 1, 3)])]),
    ("PAD", (), [tensor((2, 2)), tensor((2, 2), [0, 1, 1, 0])], (3, 3),
     [(None, [tensor((2, 2)), tensor((2, 2), [0, -1, 1, 0])]),
      (None, [tensor((2, 2)), tensor((4,), [0, 1, 1, 0])])]),
    ("CONCATENATION", (1, 0), [tensor((1, 2)), tensor((1, 3))], (1, 5),
     [((2, 0), None), (None, [tensor((1, 2)), tensor((2, 3))])]),
    ("GATHER", (1, 0), [tensor((2, 5)), index(0, 4)], (2, 2),
     [((1, 1), None), (None, [tensor((2, 5)), index(0, 5)]),
      (None, [tensor((2, 5)), index(-1, 0)])]),
    ("SLICE", (), [tensor((4, 4)), index(1, 0), index(2, -1)], (2, 4),
     [(None, [tensor((4, 4)), index(3, 0), index(2, -1)])]),
    ("STRIDED_SLICE", (0, 0, 0, 0, 2, 0), [tensor((4, 4)), index(0, 1), index(4, 2), index(2, 1)],
     (2,), [((0, 0, 1, 0, 2, 0), None),
            (None, [tensor((4, 4)), index(0, 9), index(4, 9), index(2, 1)]),
            (None, [tensor((4, 4)), index(0, 1), index(4, 2), index(0, 1)])]),
    ("SOFTMAX", (0x3F800000,), [tensor((1, 4))], (1, 4),
     [((0x7FC00000,), None), (None, [tensor((1, 4), scale=1e-9)])]),
    ("RESIZE_BILINEAR", (0, 0, 0, 1), [tensor(MAP), index(5, 6)], (1, 5, 6, 4),
     [(None, [tensor((8, 8)), index(5, 6)]), (None, [tensor(MAP), index(5, 7)])]),
    ("SQUEEZE", ((1,),), [tensor((3, 1))], (3,), [(((0,),), None), (((5,),), None)]),
    ("SPLIT", (1,), [index(1), tensor((2, 4))], (2, 4), [((0,), None), ((2,), None)]),
    ("TILE", (), [tensor((2, 3)), index(2, 1)], (4, 3), [(None, [tensor((2, 3)), index(2, 0)])]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options", "sources", "shape", "others"), CASES,
                         ids=[case[0] for case in CASES])  # fmt: skip
def test_a_rule_for_tflite_takes_what_fits_and_nothing_else(
    name: str, options: tuple[Any, ...], sources: list[Any], shape: tuple[int, ...],
    others: list[tuple[tuple[Any, ...] | None, list[Any] | None]],
) -> None:  # fmt: skip
    scale = 1e-12 if name == "ADD" else 0.0
    TFLITE_RULES[name](options, sources, [tensor(shape)])
    with pytest.raises(GraphFault):
        TFLITE_RULES[name](options, sources, [tensor((*shape, 2))])
    for other, parts in others:
        with pytest.raises((GraphFault, ZeroDivisionError)) as caught:
            TFLITE_RULES[name](other or options, parts or sources, [tensor(shape, scale=scale)])
        assert isinstance(caught.value, GraphFault)


def value(*shape: int, integers: list[int] | None = None, floats: list[float] | None = None) -> Any:
    return Value("f", shape, constant=integers is not None, integers=integers, floats=floats)


def known(*integers: int) -> Any:
    return value(len(integers), integers=list(integers))


IMAGE = value(1, 4, 8, 8)
ONNX_CASES: list[tuple[str, dict[str, Any], list[Any], tuple[int, ...], list[Any]]] = [
    ("Conv", {"strides": (2, 2), "pads": (0, 0, 1, 1)}, [IMAGE, value(6, 4, 3, 3), value(6)],
     (1, 6, 4, 4),
     [({"strides": (0, 2)}, None), ({"pads": (0, 0, -1, 1)}, None), ({"group": 3}, None),
      ({"kernel_shape": (5, 5)}, None), ({}, [IMAGE, value(6, 4, 9, 9), value(6)]),
      ({}, [IMAGE, value(6, 4, 3, 3), value(5)])]),
    ("ConvTranspose", {"strides": (2, 2), "auto_pad": "SAME_UPPER"}, [IMAGE, value(4, 3, 2, 2)],
     (1, 3, 16, 16), [({"auto_pad": "SOME"}, None), ({}, [IMAGE, value(5, 3, 2, 2)])]),
    ("MaxPool", {"kernel_shape": (2, 2), "strides": (2, 2)}, [IMAGE], (1, 4, 4, 4),
     [({"kernel_shape": (9, 9)}, None), ({"kernel_shape": (2,)}, None),
      ({"kernel_shape": (2, 2), "pads": (2, 2, 0, 0)}, None)]),
    ("Gemm", {"transB": 1}, [value(2, 3), value(5, 3), value(5)], (2, 5),
     [({}, None), ({"transB": 1}, [value(2, 3), value(5, 3), value(4)])]),
    ("MatMul", {}, [value(7, 2, 3), value(3, 4)], (7, 2, 4), [({}, [value(2, 3), value(4, 4)])]),
    ("Reshape", {}, [value(2, 6), known(0, -1, 3)], (2, 2, 3),
     [({"allowzero": 1}, None), ({}, [value(2, 6), known(-1, -1)]),
      ({}, [value(2, 6), known(5, -1)]), ({}, [value(2, 6), value(2)])]),
    ("Transpose", {"perm": (1, 0)}, [value(2, 3)], (3, 2), [({"perm": (1, 1)}, None)]),
    ("Concat", {"axis": 1}, [value(1, 2), value(1, 3)], (1, 5), [({"axis": 2}, None)]),
    ("Gather", {"axis": 1}, [value(2, 5), known(0, -5)], (2, 2),
     [({"axis": 1}, [value(2, 5), known(5)]), ({"axis": 7}, None)]),
    ("Slice", {}, [value(4, 4), known(1), known(9), known(-1), known(2)], (4, 2),
     [({}, [value(4, 4), known(1), known(9), known(2), known(2)]),
      ({}, [value(4, 4), known(1), known(9), known(1), known(0)])]),
    ("Pad", {}, [value(2, 2), known(0, 1, 1, 0)], (3, 3),
     [({}, [value(2, 2), known(0, -1, 1, 0)]), ({}, [value(2, 2), known(1)])]),
    ("Resize", {"mode": "linear"}, [IMAGE, None, value(4, floats=[1.0, 1.0, 2.0, 0.5])],
     (1, 4, 16, 4), [({"mode": "other"}, None),
                     ({}, [IMAGE, None, value(4, floats=[1.0, 1.0, float("nan"), 1.0])]),
                     ({}, [IMAGE, None, value(4, floats=[1.0, 1.0, 1e30, 1.0])])]),
    ("ReduceMean", {"axes": (2, 3), "keepdims": 0}, [IMAGE], (1, 4),
     [({"axes": (4,)}, None), ({}, None)]),
    ("DequantizeLinear", {"axis": 1}, [IMAGE, value(4), value(4)], (1, 4, 8, 8),
     [({"axis": 2}, None), ({"axis": 1}, [IMAGE, value(4), value(3)])]),
    ("Expand", {}, [value(1, 3), known(5, 3)], (5, 3), [({}, [value(2, 3), known(5, 3)])]),
    ("Squeeze", {}, [value(1, 3), known(0)], (3,), [({}, [value(1, 3), known(1)])]),
    ("Unsqueeze", {}, [value(3), known(0, 2)], (1, 3, 1), [({}, [value(3), known(0, 0)])]),
    ("TopK", {}, [value(3), known(2)], (2,), [({}, [value(3), known(4)])]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "attributes", "sources", "shape", "others"), ONNX_CASES,
                         ids=[case[0] for case in ONNX_CASES])  # fmt: skip
def test_a_rule_for_onnx_gives_the_shape_and_refuses_what_does_not_fit(
    name: str, attributes: dict[str, Any], sources: list[Any], shape: tuple[int, ...],
    others: list[tuple[dict[str, Any], list[Any] | None]],
) -> None:  # fmt: skip
    assert ONNX_RULES[name](attributes, sources).shapes[0] == shape
    for other, parts in others:
        with pytest.raises(GraphFault):
            ONNX_RULES[name](other, parts or sources)
