"""A float graph that no file of a bundle holds keeps nothing but itself from being shipped."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from edge_export.examine import examine
from edge_export.films.film import Film
from edge_export.films.pixels import Pixels
from edge_export.graph import taken
from edge_export.graph.float_graphs import float_graphs
from edge_export.graph.network import InputRange, network
from edge_export.quantize.quantizer import Quantizer
from edge_export.quantize.recipe import FLOAT32, INT8, Setting
from edge_runtime.errors import DataError
from tiny_network import SIDE, tiny_plan

if TYPE_CHECKING:
    import keras


@pytest.fixture(scope="module")
def wide() -> keras.Model:
    """Return a network of 131,105 weights: half a megabyte in float, an eighth in int8."""
    from keras import Input, Sequential, layers

    body = [layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(32, activation="relu")]
    return Sequential([Input((SIDE, SIDE, 1)), *body, layers.Dense(1, activation="sigmoid")])


def test_a_large_float_graph_is_measured_beside_the_int8_graphs_that_are_shipped(
    wide: keras.Model, pixels: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    quantizer = Quantizer(float_graphs(network(wide, InputRange()), pixels[:12]), pixels[:12])
    monkeypatch.setattr(taken, "LARGEST_MEMBER", 300_000)
    floats, integers = (quantizer.artefacts(recipe, Setting())[0] for recipe in (FLOAT32, INT8))
    assert min(len(one.graph) for one in floats) > 300_000 > max(len(one.graph) for one in integers)
    monkeypatch.setattr(taken, "LARGEST_MEMBER", 100_000)
    with pytest.raises(DataError, match=r"^model\.int8\.tflite: has 0 MiB, a file of a bundle"):
        quantizer.artefacts(INT8, Setting())


def test_a_large_float_graph_that_is_ordered_is_refused_before_any_film_is_answered(
    wide: keras.Model, films: list[Film], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taken, "LARGEST_MEMBER", 300_000)
    plan, said = replace(tiny_plan(), recipes=(INT8.name, FLOAT32.name)), list[str]()
    with pytest.raises(DataError) as caught:
        examine(wide, films, plan, said.append)
    line = "model.f32.tflite: has 1 MiB, a file of a bundle has 0 at most; order --int8 alone, or "
    assert str(caught.value).startswith(line)
    assert [line.split()[0] for line in said] == ["converting,"]


def test_more_weights_than_edge_run_takes_are_refused_before_any_film_is_answered(
    wide: keras.Model, films: list[Film], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taken, "MOST_WEIGHTS", 500_000)
    said: list[str] = []
    with pytest.raises(DataError) as caught:
        examine(wide, films, replace(tiny_plan(), recipes=(INT8.name,)), said.append)
    line = "model.int8.onnx: would hold 1 MiB of float weights, 0 at most; train a smaller network"
    assert str(caught.value) == line
    assert [line.split()[0] for line in said] == ["converting,"]
