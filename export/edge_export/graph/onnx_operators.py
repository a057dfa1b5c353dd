"""Operators of TFLite that tf2onnx does not know, written as those of ONNX."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

import numpy as np


def register() -> None:
    """Teach tf2onnx these operators; a second time changes nothing."""
    from tf2onnx.handler import tfl_op
    from tf2onnx.tflite_handlers import tfl_math, tfl_nn

    tfl_op(["TFL_GELU"])(_Gelu)
    tfl_op(["TFL_RELU_N1_TO_1"])(_HardTanh)
    tfl_op(["TFL_RELU_0_TO_1"])(_UnitRelu)
    # Both modules know the function by a name of their own.
    tfl_math.separate_fused_activation_function = _separate_activation
    tfl_nn.separate_fused_activation_function = _separate_activation


def _separate_activation(ctx: Any, node: Any) -> None:
    """Write the activation that TFLite computes with `node` as a node behind it.

    In place of tf2onnx's own, which knows no hard tanh and goes on with half a translation.

    Raises:
        ValueError: ONNX has no such activation.
    """
    fused = node.attr.pop("fused_activation_function").s
    (given, *_) = node.output
    shape, kind = ctx.get_shape(given), ctx.get_dtype(given)
    if fused == b"RELU6":  # of TensorFlow, which is translated later
        made = ctx.make_node("Relu6", [given], skip_conversion=False, shapes=[shape], dtypes=[kind])
        ctx.insert_node_on_output(made, given)
    elif fused == b"RELU_N1_TO_1":
        limits = [str(ctx.make_const(f"{node.name}_{value}", np.float32(value)).output[0])
                  for value in (-1.0, 1.0)]  # fmt: skip
        made = ctx.make_node("Clip", [given, *limits], shapes=[shape], dtypes=[kind])
        ctx.insert_node_on_output(made, given)
    elif fused in (b"RELU", b"TANH"):
        ctx.insert_new_node_on_output(fused.decode().capitalize(), given)
    elif fused != b"NONE":
        raise ValueError(f"no activation {fused.decode()}")


class _Gelu:
    """Gaussian error linear unit (Hendrycks and Gimpel, 2016), exact or by a tanh."""

    @classmethod
    def version_1(cls, ctx: Any, node: Any, **_: Any) -> None:
        """Write `x * (1 + erf(x / sqrt 2)) / 2`, or what TFLite has in its place."""
        (taken,), (given,) = node.input, node.output
        shape, kind = ctx.get_shape(given), ctx.get_dtype(given)
        approximate = "approximate" in node.attr and bool(node.attr["approximate"].i)
        ctx.remove_node(node.name)

        def add(operator: str, *names: str, **options: Any) -> str:
            made = ctx.make_node(operator, [*names], shapes=[shape], dtypes=[kind], **options)
            return str(made.output[0])

        def number(value: float) -> str:
            return str(ctx.make_const(f"{node.name}_{value}", np.float32(value)).output[0])

        if approximate:
            cubed = add("Mul", add("Mul", taken, taken), taken)
            inner = add("Add", taken, add("Mul", cubed, number(0.044715)))
            bent = add("Tanh", add("Mul", inner, number(sqrt(2 / pi))))
        else:
            bent = add("Erf", add("Mul", taken, number(sqrt(0.5))))
        half = add("Mul", taken, number(0.5))
        add("Mul", half, add("Add", bent, number(1.0)), outputs=[given])


class _HardTanh:
    """Values cut off at -1 and 1."""

    lowest = -1.0

    @classmethod
    def version_1(cls, ctx: Any, node: Any, **_: Any) -> None:
        """Write a clip with its limits as constants."""
        limits = [
            ctx.make_const(f"{node.name}_{value}", np.float32(value)).output[0]
            for value in (cls.lowest, 1.0)
        ]
        (taken,), (given,) = node.input, node.output
        shape, kind = ctx.get_shape(given), ctx.get_dtype(given)
        ctx.remove_node(node.name)
        ctx.make_node("Clip", [taken, *limits], shapes=[shape], dtypes=[kind], outputs=[given])


class _UnitRelu(_HardTanh):
    """Values cut off at 0 and 1."""

    lowest = 0.0
