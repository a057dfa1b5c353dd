"""A model of channels-first layers, as the same model of channels-last ones.

Such models come from graphics cards. LiteRT computes channels last alone, and TensorFlow on a
processor has no channels-first pooling. The weights are the same in both layouts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

_TO_FIRST, _TO_LAST = (3, 1, 2), (2, 3, 1)
# Layers that act on single values, so that they do not depend on the order of the axes.
_POINTWISE = frozenset(
    (
        *("Activation", "Add", "Average", "Dropout", "ELU", "GaussianDropout", "GaussianNoise"),
        *("Identity", "LeakyReLU", "Maximum", "Minimum", "Multiply", "ReLU", "Subtract"),
    )
)
_NORMALISING = frozenset(("BatchNormalization", "GroupNormalization", "LayerNormalization"))


def has_channels_first(model: keras.Model) -> bool:
    """Tell whether a layer of `model` takes maps of `(n, c, h, w)`."""
    return any(_is_first(layer) for layer in model._flatten_layers(include_self=False))


def channels_last(model: keras.Model) -> keras.Model:
    """Return `model` with layers that take `(n, h, w, c)`, and with weights of its own.

    Transpositions are written only where a layer of neither kind reads a map. An input of
    `(n, c, h, w)` becomes `(n, h, w, c)`.
    """
    import keras

    turned = _turned_model(model)
    _, channels, height, width = model.inputs[0].shape
    if channels not in (1, 3) or width in (1, 3):
        return turned
    image = keras.Input((height, width, channels), name="image")
    first = keras.layers.Permute(_TO_FIRST, name="image_to_first")(image)
    return keras.Model(image, turned(first), name=model.name)


def _is_first(layer: Any) -> bool:
    kind, calls = type(layer).__name__, layer._inbound_nodes  # no public counterpart
    if not calls or not calls[0].input_tensors or len(calls[0].input_tensors[0].shape) != 4:
        return False
    if kind in _NORMALISING:
        return layer.axis in (1, [1], (1,))
    ordered = "2D" in kind or kind == "Flatten"
    return ordered and getattr(layer, "data_format", "") == "channels_first"


def _turned_model(model: keras.Model) -> keras.Model:
    import keras

    flat = keras.Model(model.inputs, model.outputs, name=model.name)
    follower = _Follower()
    turned = keras.models.clone_model(
        flat, clone_function=follower.copied, call_function=follower.called
    )
    for layer in turned.layers:
        if (original := follower.originals.get(layer.name)) is not None:
            layer.set_weights(original.get_weights())
    return turned


class _Follower:
    """Knows for each channels-first tensor the channels-last one that it is a transposition of."""

    def __init__(self) -> None:
        self.originals: dict[str, Any] = {}
        self._first: set[str] = set()
        # The tensors themselves are kept, so that no other gets their identity.
        self._last: dict[int, tuple[Any, Any]] = {}

    def copied(self, layer: Any) -> Any:
        """Return a new layer of the other order, without its weights."""
        import keras

        self.originals[layer.name] = layer
        if isinstance(layer, keras.Model):
            return _turned_model(layer) if has_channels_first(layer) else _same(layer)
        config = layer.get_config()
        if _is_first(layer):
            self._first.add(layer.name)
            key = "axis" if type(layer).__name__ in _NORMALISING else "data_format"
            config[key] = -1 if key == "axis" else "channels_last"
        return type(layer).from_config(config)

    def called(self, layer: Any, *tensors: Any, **options: Any) -> Any:
        """Return what `layer` gives, computed channels last where that is possible."""
        import keras

        taken = tensors[0] if tensors else None
        several = list(taken) if isinstance(taken, list | tuple) else [taken]
        kind = type(layer).__name__
        known = all(id(tensor) in self._last for tensor in several)
        if kind == "Permute" and tuple(layer.dims) == _TO_FIRST:
            return self._transposed(layer, taken)
        if kind == "Permute" and tuple(layer.dims) == _TO_LAST and known:
            return self._last[id(taken)][1]
        if layer.name in self._first:
            return self._turn(layer, [self._as_last(layer, tensor) for tensor in several], taken)
        if known and kind in _POINTWISE:
            return self._turn(layer, [self._last[id(tensor)][1] for tensor in several], taken)
        if known and kind == "Concatenate" and layer.axis in (1, -3):
            joined: Callable[..., Any] = keras.layers.Concatenate(axis=-1, name=layer.name)
            return self._turn(joined, [self._last[id(tensor)][1] for tensor in several], taken)
        return layer(*tensors, **options)

    def _turn(self, layer: Any, several: list[Any], taken: Any) -> Any:
        output = layer(several if isinstance(taken, list | tuple) else several[0])
        if len(output.shape) != 4:
            return output
        import keras

        return self._transposed(
            keras.layers.Permute(_TO_FIRST, name=f"{layer.name}_to_first"), output
        )

    def _transposed(self, permute: Any, last: Any) -> Any:
        first = permute(last)
        self._last[id(first)] = first, last
        return first

    def _as_last(self, layer: Any, tensor: Any) -> Any:
        """Return the channels-last version of a map, written if there is none."""
        import keras

        if id(tensor) not in self._last:
            place = f"{layer.name}_to_last"
            self._last[id(tensor)] = tensor, keras.layers.Permute(_TO_LAST, name=place)(tensor)
        return self._last[id(tensor)][1]


def _same(layer: Any) -> Any:
    import keras

    return keras.models.clone_model(layer)
