"""Fold a network of three channels into one, for films that are grey in all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.errors import DataError

if TYPE_CHECKING:
    import keras

# Layers that treat every channel like the others, by the names of Keras: grey stays grey.
_ALIKE = frozenset(
    (
        *("Activation", "AveragePooling2D", "CenterCrop", "Cropping2D", "ELU", "LeakyReLU"),
        *("MaxPooling2D", "ReLU", "Resizing", "UpSampling2D", "ZeroPadding2D"),
    )
)
_AFFINE = frozenset(("Normalization", "Rescaling"))
_INERT = frozenset(("Dropout", "GaussianDropout", "GaussianNoise", "Identity"))


@dataclass(frozen=True, slots=True)
class _Affine:
    """The factor and the offset that each channel has had since all were equal."""

    scale: NDArray[np.float64] = field(default_factory=lambda: np.ones(3))
    offset: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))

    @property
    def alike(self) -> bool:
        """Whether all channels still hold the same values."""
        return bool(np.ptp(self.scale) == 0 and np.ptp(self.offset) == 0)

    @property
    def identity(self) -> bool:
        """Whether nothing has been multiplied or added yet."""
        return bool((self.scale == 1).all() and (self.offset == 0).all())

    def then(self, after: _Affine) -> _Affine:
        """Return both, one after the other."""
        return _Affine(self.scale * after.scale, self.offset * after.scale + after.offset)


def fold_grey(model: keras.Model) -> keras.Model:
    """Return a network of one channel that equals `model` where all three channels are equal.

    The kernels of the first convolutions are summed over their input channels. Factors and
    offsets by channel before them go into kernel and bias, because a convolution is linear; an
    offset only where no zeros are padded behind it. Nested models are entered. `model` is not
    changed.

    Raises:
        DataError: `model` does not take three channels, or a layer before its convolutions tells
            them apart in a way that does not fold; it is named.
    """
    if model.input_shape[-1] != 3:
        cure = "only a model of 3 channels can be folded"
        raise DataError(model.name, f"takes {model.input_shape[-1]} channels", cure)
    return _Front(model, _Affine()).folded()


class _Front:
    """The part of a model in which all channels hold the same grey, up to its convolutions."""

    def __init__(self, model: keras.Model, before: _Affine) -> None:
        self._model = model
        self._grey: dict[int, _Affine] = {id(model.inputs[0]): before}
        # None: it is part of the convolutions behind it.
        self._affine: dict[str, _Affine | None] = {}
        self._convolutions: dict[str, _Affine] = {}
        self._nested: dict[str, _Front] = {}
        # A sequential model keeps the calls of its layers in a functional one.
        for operation in getattr(model, "_functional", model).operations:
            for node in operation._inbound_nodes:  # no public counterpart
                taken = [tensor for tensor in node.input_tensors if id(tensor) in self._grey]
                if taken:
                    after = self._follow(operation, self._grey[id(taken[0])])
                    if after is not None:
                        self._grey[id(node.output_tensors[0])] = after

    def _follow(self, layer: Any, before: _Affine) -> _Affine | None:
        """Return factor and offset behind `layer`, or None if its channels differ in other ways.

        Raises:
            DataError: the layer cannot be folded.
        """
        import keras

        kind = type(layer).__name__
        if isinstance(layer, keras.Model) and len(layer.inputs) == len(layer.outputs) == 1:
            inner = self._nested[layer.name] = _Front(layer, before)
            return inner._grey.get(id(layer.outputs[0]))
        if kind in _AFFINE:
            own = _measured(layer)
            stays = own.alike and before.identity
            self._affine[layer.name] = own if stays else None
            return before if stays else before.then(own)
        pads_nothing = kind == "ZeroPadding2D" and not before.offset.any()
        if kind in _INERT or (kind in _ALIKE and (before.identity or pads_nothing)):
            return before
        because = ""
        if kind == "Conv2D" and layer.groups == 1:
            if layer.padding == "valid" or set(layer.kernel_size) == {1} or not before.offset.any():
                self._convolutions[layer.name] = before
                return None
            because = ", padding zeros behind an offset"
        problem = f"layer {layer.name!r} ({kind}{because}) cannot be folded to one channel"
        raise DataError(self._model.name, problem, "export it with three channels")

    def folded(self) -> keras.Model:
        """Return the model of one channel, with layers and weights of its own."""
        import keras

        image = keras.Input((*self._model.input_shape[1:3], 1), name="grey")
        # A clone has to be given its input in the model's own structure, which is nowhere public.
        listed = isinstance(getattr(self._model, "_inputs_struct", None), list)
        folded = keras.models.clone_model(
            self._model, [image] if listed else image, self._replacement
        )
        for layer in folded.layers:
            if isinstance(layer, keras.layers.InputLayer):
                continue
            original = self._model.get_layer(layer.name)
            if layer.name in self._convolutions:
                layer.set_weights(_summed(original, self._convolutions[layer.name]))
            elif layer.name not in self._affine and layer.name not in self._nested:
                layer.set_weights(original.get_weights())
        return folded

    def _replacement(self, layer: Any) -> Any:
        """Return the layer that replaces `layer`, still without its weights."""
        import keras

        if layer.name in self._nested:
            return self._nested[layer.name].folded()
        if layer.name in self._affine:
            own = self._affine[layer.name]
            if own is None:
                return keras.layers.Activation("linear", name=layer.name)
            return keras.layers.Rescaling(own.scale[0], own.offset[0], name=layer.name)
        config = layer.get_config()
        if layer.name in self._convolutions:
            config["use_bias"] |= bool(self._convolutions[layer.name].offset.any())
        return type(layer).from_config(config)


def _measured(layer: Any) -> _Affine:
    """Return what an affine layer does to each channel, from its output for black and white."""
    black, white = (
        np.asarray(layer(np.full((1, 1, 1, 3), value, np.float32)), np.float64).reshape(3)
        for value in (0, 255)
    )
    return _Affine((white - black) / 255, black)


def _summed(layer: Any, before: _Affine) -> list[NDArray[np.float64]]:
    """Return kernel and bias of a convolution for one channel with `before` folded into them."""
    kernel, *bias = layer.get_weights()
    summed = [np.einsum("hwcf,c->hwf", kernel, before.scale)[:, :, None]]
    if bias or before.offset.any():
        offset = np.einsum("hwcf,c->f", kernel, before.offset)
        summed.append(offset + bias[0] if bias else offset)
    return summed
