"""Quantization recipes, by the LiteRT quantizer's names, and what a remedy may change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Format = Literal["tflite", "onnx"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way to store a network; `stem` is its part of the file name `model.STEM.FORMAT`.

    A `calibrated` recipe needs a table of ranges. The graph takes uint8 pixels and gives a float
    logit; without `float_logit` the logit is an int8 with a scale and a zero point.
    """

    name: str
    stem: str
    formats: tuple[Format, ...]
    calibrated: bool
    float_logit: bool = True

    def file(self, form: Format) -> str:
        """Return the name of its file in a bundle."""
        return f"model.{self.stem}.{form}"


FLOAT32 = Recipe("float32", "f32", ("tflite", "onnx"), calibrated=False)
FLOAT16 = Recipe("float16", "f16", ("tflite",), calibrated=False)
WEIGHTS8 = Recipe("weight_only_wi8_afp32", "weights8", ("tflite",), calibrated=False)
DYNAMIC = Recipe("dynamic_wi8_afp32", "dynamic", ("tflite", "onnx"), calibrated=False)
INT8 = Recipe("static_wi8_ai8", "int8", ("tflite", "onnx"), calibrated=True)
INT16 = Recipe("static_wi8_ai16", "int16x8", ("tflite", "onnx"), calibrated=True)
FULL = Recipe("static_wi8_ai8_full", "int8-full", ("tflite",), calibrated=True, float_logit=False)
RECIPES: dict[str, Recipe] = {
    recipe.name: recipe for recipe in (FLOAT32, FLOAT16, WEIGHTS8, DYNAMIC, INT8, INT16, FULL)
}


@dataclass(frozen=True, slots=True)
class Setting:
    """The choices for one quantization beside its recipe, the same for both formats.

    `method` is the method of calibration; `keep_float` names tensors of the float TFLite
    graph whose operators stay float.
    """

    method: str = "min_max"
    keep_float: frozenset[str] = frozenset()
