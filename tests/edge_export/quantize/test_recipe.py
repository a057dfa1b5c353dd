"""A recipe has one name, the quantizer library's own, and one file."""

from __future__ import annotations

import pytest

from edge_export.quantize.recipe import FLOAT16, FLOAT32, FULL, RECIPES, Recipe

OURS = (FLOAT32, FLOAT16, FULL)
"""Recipes that the library has no function for."""


@pytest.mark.parametrize("recipe", [one for one in RECIPES.values() if one not in OURS])
def test_recipes_have_the_names_of_the_litert_quantizer(recipe: Recipe) -> None:
    from litert_quantizer import recipe as library

    rules = getattr(library, recipe.name)()
    activations = [rule["op_config"].get("activation_tensor_config") for rule in rules]
    assert (activations != [None]) == recipe.calibrated


def test_no_two_recipes_write_the_same_file() -> None:
    files = [recipe.file(form) for recipe in RECIPES.values() for form in recipe.formats]
    assert sorted(files) == [
        "model.dynamic.onnx", "model.dynamic.tflite", "model.f16.tflite", "model.f32.onnx",
        "model.f32.tflite", "model.int16x8.onnx", "model.int16x8.tflite", "model.int8-full.tflite",
        "model.int8.onnx", "model.int8.tflite", "model.weights8.tflite",
    ]  # fmt: skip


def test_every_recipe_is_found_by_its_name() -> None:
    assert all(recipe.name == name for name, recipe in RECIPES.items())
    assert [recipe.name for recipe in RECIPES.values() if not recipe.float_logit] == [FULL.name]
