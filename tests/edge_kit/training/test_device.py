"""Device and precision are those that gain, and the network that is kept is in float32."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
from sklearn.metrics import log_loss

from edge_kit.training.device import (
    BFLOAT16,
    FLOAT32,
    MIXED,
    PRECISIONS,
    Device,
    find_device,
    optimizer,
    placed,
)
from edge_kit.training.watch import predict
from edge_runtime.errors import DataError
from tiny_training import CPU, PLAIN, network, rows, trained

GPU = Device(("/GPU:0",), "1 x GPU", MIXED)


@pytest.mark.parametrize(
    ("features", "precision"),
    [
        (frozenset({"avx512f", "amx_bf16"}), BFLOAT16),
        (frozenset({"avx512f"}), FLOAT32),
        (None, FLOAT32),
    ],
)
def test_a_processor_trains_in_bfloat16_where_it_has_matrix_units_for_it(
    features: frozenset[str] | None, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_kit.training.device.features", lambda: features)
    device = find_device()
    assert device.is_processor
    assert str(device).startswith("CPU with ")
    assert str(device).endswith(f", {precision}")


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_precision_that_was_asked_for_is_taken(
    precision: str, machine: Callable[..., list[Any]]
) -> None:
    machine()
    assert find_device(precision).precision == precision
    machine((9, 0))
    assert find_device(precision).precision == precision


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Any]]:
    """Return what makes TensorFlow tell of GPUs of these compute capabilities."""

    def pretend(*capabilities: tuple[int, int]) -> list[Any]:
        gpus = [SimpleNamespace(name=f"/GPU:{n}", told=one) for n, one in enumerate(capabilities)]
        grown: list[Any] = []

        def grow(gpu: Any, on: bool) -> None:
            assert on
            grown.append(gpu)

        def details(gpu: Any) -> dict[str, Any]:
            return {"device_name": "Card", "compute_capability": gpu.told}

        config = "tensorflow.config."
        for name in ("list_physical_devices", "list_logical_devices"):
            monkeypatch.setattr(config + name, lambda _: gpus)
        monkeypatch.setattr(config + "experimental.set_memory_growth", grow)
        monkeypatch.setattr(config + "experimental.get_device_details", details)
        return grown

    return pretend


@pytest.mark.parametrize(
    ("capabilities", "precision"),
    [([(9, 0)], MIXED), ([(7, 0)] * 2, MIXED), ([(6, 1)], FLOAT32), ([(8, 0), (6, 1)], FLOAT32)],
)
def test_all_gpus_are_used_and_half_precision_where_each_of_them_gains_by_it(
    machine: Callable[..., list[Any]], capabilities: list[tuple[int, int]], precision: str
) -> None:
    grown = machine(*capabilities)
    device = find_device()
    assert device.names == tuple(f"/GPU:{number}" for number in range(len(capabilities)))
    assert str(device) == f"{len(capabilities)} x Card, {precision}"
    assert not device.is_processor
    assert len(grown) == len(capabilities)


@pytest.mark.parametrize("precision", [MIXED, BFLOAT16])
def test_in_mixed_precision_the_answer_and_all_weights_stay_float32(precision: str) -> None:
    model = network()
    copy = placed(model, Device(("/GPU:0",), "1 x GPU", precision))
    computed = {layer.name: layer.compute_dtype for layer in copy.layers}
    assert computed.pop(copy.layers[-1].name) == "float32"
    assert set(computed.values()) == {precision.removeprefix("mixed_")}
    assert {one.dtype for one in copy.weights} == {"float32"}
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    for one, other in zip(model.get_weights(), copy.get_weights(), strict=True):
        assert np.array_equal(one, other)
    assert placed(model, CPU) is model


def test_what_is_no_layer_and_what_lies_in_a_model_within_is_copied_too() -> None:
    from keras import Input, Model, Sequential, layers

    films = Input((8, 8, 1))
    body = Sequential([Input((8, 8, 1)), layers.Conv2D(2, 3, padding="same")], name="body")
    features = body(films)
    answer = layers.Dense(1, activation="sigmoid")(layers.Flatten()(features + 2 * films))
    model = Model(films, answer)
    copy = placed(model, Device(("/CPU:0",), "CPU", BFLOAT16))
    assert {one.compute_dtype for one in copy.get_layer("body").layers} == {"bfloat16"}
    assert copy.layers[-1].compute_dtype == "float32"
    pixels = np.random.default_rng(0).random((3, 8, 8, 1), np.float32)
    found, expected = (one.predict(pixels, verbose=0) for one in (copy, model))
    assert found == pytest.approx(expected, abs=0.02)


def test_a_layer_that_cannot_be_copied_is_one_line() -> None:
    class Own(keras.layers.Layer):  # type: ignore[misc]
        def __init__(self, size: int) -> None:
            super().__init__()
            self.size = size

        def call(self, films: Any) -> Any:
            return films[:, : self.size]

    films = keras.Input((8,))
    model = keras.Model(films, keras.layers.Dense(1, activation="sigmoid")(Own(4)(films)), name="m")
    with pytest.raises(DataError, match="m: cannot be copied for 1 x GPU, mixed_float16"):
        placed(model, GPU)


def test_in_half_precision_the_loss_is_scaled() -> None:
    assert isinstance(optimizer(PLAIN, GPU, 1), keras.optimizers.LossScaleOptimizer)
    bfloat16 = Device(("/CPU:0",), "CPU", BFLOAT16)
    assert isinstance(optimizer(PLAIN, bfloat16, 1), keras.optimizers.Adam)
    assert isinstance(optimizer(PLAIN, CPU, 1), keras.optimizers.Adam)


def test_adam_takes_the_recipes_rate_and_epsilon() -> None:
    adam = optimizer(replace(PLAIN, epsilon=0.1), CPU, 1).get_config()
    assert (adam["learning_rate"], adam["epsilon"]) == (pytest.approx(PLAIN.learning_rate), 0.1)


def test_weights_decay_but_not_those_of_batch_normalisation_or_biases() -> None:
    decaying = optimizer(replace(PLAIN, weight_decay=0.1), CPU, 1)
    assert isinstance(decaying, keras.optimizers.AdamW)
    named = {name: keras.Variable([1.0], name=name) for name in ("kernel", "bias", "gamma", "beta")}
    decaying.build([*named.values()])
    assert {name for name, weight in named.items() if decaying._use_weight_decay(weight)} == {
        "kernel"
    }


def test_a_cosine_rises_in_the_first_epoch_and_ends_at_nothing() -> None:
    recipe = replace(PLAIN, cosine=True, epochs=5, learning_rate=0.01)
    course = optimizer(recipe, CPU, 10)._learning_rate
    rates = [float(course(step)) for step in range(51)]
    assert rates[0] == 0
    assert rates[10] == pytest.approx(0.01)
    assert rates[:11] == sorted(rates[:11])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[50] == pytest.approx(0, abs=1e-9)
    single = optimizer(replace(recipe, epochs=1), CPU, 1)._learning_rate
    assert all(np.isfinite(float(single(step))) for step in range(3))


@pytest.mark.parametrize("precision", [MIXED, BFLOAT16])
def test_a_network_that_was_trained_in_mixed_precision_is_handed_back_in_float32(
    precision: str, tmp_path: Path
) -> None:
    model, device = network(), Device(("/CPU:0",), "CPU", precision)
    history = trained(model, tmp_path / "c.npz", recipe=PLAIN, device=device)
    assert history["loss"][-1] < history["loss"][0]
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    moved = zip(model.get_weights(), network().get_weights(), strict=True)
    assert all((one != other).any() for one, other in moved)
    score = float(log_loss(rows().positive, predict(model, rows().pixels)))
    assert score == pytest.approx(history["val_loss"][-1], abs=0.01)
