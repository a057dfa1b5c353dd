"""What a training runs on, and how: GPUs with mixed precision and XLA, or the processor.

Precision is mixed where matrix units gain by it: half precision on GPUs with tensor cores, bfloat16
on processors with AMX. Weights, optimizer, loss and the layers that answer are float32 everywhere.

XLA is Keras's own choice: on one GPU, where every layer can, and not with op determinism.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge_runtime.engines.processor import features
from edge_runtime.errors import DataError

if TYPE_CHECKING:
    import keras

    from edge_kit.models.recipe import TrainingRecipe

FLOAT32, MIXED, BFLOAT16 = "float32", "mixed_float16", "mixed_bfloat16"
PRECISIONS = (FLOAT32, MIXED, BFLOAT16)
_TENSOR_CORES = (7, 0)  # compute capability; below it half precision is no faster


@dataclass(frozen=True, slots=True)
class Device:
    """The logical devices of a training as TensorFlow names them, in words, and the precision."""

    names: tuple[str, ...]
    words: str
    precision: str = FLOAT32

    @property
    def is_processor(self) -> bool:
        """Tell whether there is no GPU."""
        return not any("GPU" in name for name in self.names)

    def __str__(self) -> str:
        return f"{self.words}, {self.precision}"


def find_device(precision: str | None = None) -> Device:
    """Return all GPUs of this machine, or its processor; with `None` it chooses the precision.

    GPUs are set to take memory as they need it. `CUDA_VISIBLE_DEVICES` chooses among them. Where
    Keras runs on JAX, it is all devices of all processes.
    """
    import tensorflow as tf

    if backend_packages():
        return _of_jax(precision)

    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        with suppress(RuntimeError):  # in use already
            tf.config.experimental.set_memory_growth(gpu, True)
    if not gpus:
        fastest = BFLOAT16 if "amx_bf16" in (features() or ()) else FLOAT32
        words = f"CPU with {os.cpu_count()} processors"
        return Device(("/CPU:0",), words, precision or fastest)
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    modern = all(detail.get("compute_capability", (0, 0)) >= _TENSOR_CORES for detail in details)
    return Device(
        tuple(gpu.name for gpu in tf.config.list_logical_devices("GPU")),
        f"{len(gpus)} x {details[0].get('device_name', 'GPU')}",
        precision or (MIXED if modern else FLOAT32),
    )


def backend_packages() -> tuple[str, ...]:
    """Return the packages that a training needs beside those of every one."""
    import keras

    return ("jax", "jaxlib") if keras.backend.backend() == "jax" else ()


def _of_jax(precision: str | None) -> Device:
    """Return the devices of all processes of a shared training.

    Machines differ, so what one of them would gain by chooses no precision.
    """
    import jax

    devices = jax.devices()
    names = tuple(f"/{device.platform.upper()}:{device.id}" for device in devices)
    count = jax.process_count()
    processes = f"{count} process{'es' if count > 1 else ''}"
    words = f"JAX in {processes}, {len(devices)} x {devices[0].device_kind}"
    return Device(names, words, precision or FLOAT32)


def strategy(device: Device) -> Any:
    """Return the strategy of `device`: mirrored over several devices, else the default one."""
    import tensorflow as tf

    if len(device.names) > 1:
        return tf.distribute.MirroredStrategy(list(device.names))
    return tf.distribute.get_strategy()


def placed(model: keras.Model, device: Device) -> keras.Model:
    """Return a copy of `model` for `device`, the model itself where nothing has to change.

    Call it in the scope of the strategy.

    Raises:
        DataError: a layer of somebody's own cannot be copied.
    """
    if device.precision == FLOAT32 and len(device.names) == 1:
        return model
    return copied(model, device)


def copied(model: keras.Model, device: Device) -> keras.Model:
    """Return a copy of `model` for `device`, see `placed`.

    Raises:
        DataError: a layer of somebody's own cannot be copied.
    """
    import keras

    heads = {output._keras_history.operation.name for output in model.outputs}

    def copy_of(layer: Any) -> Any:
        config = layer.get_config()
        if isinstance(layer, keras.Layer):  # and not the bare operation of "x + y"
            config["dtype"] = FLOAT32 if layer.name in heads else device.precision
        return type(layer).from_config(config)

    try:
        copy = keras.models.clone_model(model, clone_function=copy_of, recursive=True)
    except (TypeError, ValueError, NotImplementedError) as error:
        first, *_ = str(error).splitlines() or [type(error).__name__]
        cure = "see get_config of its layers, or train on one device with --precision float32"
        raise DataError(model.name, f"cannot be copied for {device} ({first})", cure) from error
    copy.set_weights(model.get_weights())
    return copy


def optimizer(recipe: TrainingRecipe, device: Device, steps: int) -> keras.Optimizer:
    """Return Adam for epochs of `steps` batches, or AdamW where weights are to decay.

    In half precision the loss is scaled, or small gradients would be zero; the exponent of bfloat16
    is that of float32.
    """
    import keras

    rate = _rate(recipe, steps)
    if recipe.weight_decay:
        adam = keras.optimizers.AdamW(
            rate, weight_decay=recipe.weight_decay, epsilon=recipe.epsilon
        )
        adam.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    else:
        adam = keras.optimizers.Adam(rate, epsilon=recipe.epsilon)
    if device.precision == MIXED:
        return keras.optimizers.LossScaleOptimizer(adam)
    return adam


def _rate(recipe: TrainingRecipe, steps: int) -> Any:
    """Return the learning rate, or its course: an epoch of rising, and half a cosine down to 0."""
    import keras

    if not recipe.cosine:
        return recipe.learning_rate
    rising = min(steps, steps * recipe.epochs - 1)
    return keras.optimizers.schedules.CosineDecay(
        0.0,
        steps * recipe.epochs - rising,
        warmup_target=recipe.learning_rate,
        warmup_steps=rising,
    )
