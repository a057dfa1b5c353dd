"""What a model's author did to pixels before the model saw them, as the first layer of a graph."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from edge_runtime.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

Order = Literal["rgb", "bgr", "grey"]
"""Which channels a model takes: in this order, or one of grey, repeated as often as it takes."""


class InputTransform(Protocol):
    """Turns the uint8 pixels of a graph into what a model takes."""

    @property
    def option(self) -> str:
        """How a command line orders it."""

    @property
    def words(self) -> str:
        """What becomes of the pixels, in words."""

    def pixel_channels(self, channels: int) -> int:
        """Return how many channels of pixels it takes for a model of `channels`.

        Raises:
            UsageError: it is not for such a model.
        """

    def symbolic(self, image: Any) -> Any:
        """Return the model's symbolic input for float pixels `(n, h, w, pixel channels)`."""

    def images(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the model's input `(n, h, w, channels)` for pixels."""


@dataclass(frozen=True, slots=True)
class ChannelTransform:
    """A factor and an offset for each of a model's channels, in the order in which it takes them.

    The model's channel `c` is `scale[c] * pixel + offset[c]`, of the pixel's red, green or blue by
    `order`, or of its grey. `name` is what `--preprocessing` is given.
    """

    name: str
    order: Order
    scale: tuple[float, ...]
    offset: tuple[float, ...]

    @classmethod
    def normalising(
        cls,
        name: str,
        order: Order,
        scale: float,
        mean: Sequence[float],
        deviation: Sequence[float],
    ) -> ChannelTransform:
        """Return `(scale * pixel - mean) / deviation`, by channel in the model's order."""
        return cls(
            name,
            order,
            tuple(scale / spread for spread in deviation),
            tuple(-middle / spread for middle, spread in zip(mean, deviation, strict=True)),
        )

    @property
    def option(self) -> str:
        """How a command line orders it."""
        return f"--preprocessing {self.name}"

    @property
    def words(self) -> str:
        """What becomes of the pixels, in words."""
        channels = [
            f"{factor:.6g} pixel {offset:+.6g}"
            for factor, offset in zip(self.scale, self.offset, strict=True)
        ]
        return f"channels {self.order}: {', '.join(channels)}"

    def pixel_channels(self, channels: int) -> int:
        """Return how many channels of pixels it takes for a model of `channels`.

        Raises:
            UsageError: it has not so many channels.
        """
        if channels != len(self.scale):
            problem = f"is for {len(self.scale)} channels, the model takes {channels}"
            raise UsageError(self.option, problem, "state what this model's author did")
        return 1 if self.order == "grey" else channels

    def of_grey(self) -> ChannelTransform:
        """Return the same for films whose channels are all equal, of which one is given."""
        return replace(self, order="grey")

    def symbolic(self, image: Any) -> Any:
        """Return the model's symbolic input for float pixels: a convolution of one pixel.

        One layer says it all, order, factor and offset, and its bias stays exact when quantized.
        """
        import keras

        taken = 1 if self.order == "grey" else len(self.scale)
        kernel = np.zeros((1, 1, taken, len(self.scale)), np.float32)
        for channel, factor in enumerate(self.scale):
            kernel[0, 0, self._pixel_channel(channel), channel] = factor
        layer = keras.layers.Conv2D(len(self.scale), 1, name="input_transform")
        layer.build((None, None, None, taken))
        layer.set_weights([kernel, np.array(self.offset, np.float32)])
        return layer(image)

    def images(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the model's input `(n, h, w, channels)` for pixels."""
        places = [self._pixel_channel(channel) for channel in range(len(self.scale))]
        ordered = pixels[..., places].astype(np.float32)
        scaled: NDArray[np.float32] = ordered * np.array(self.scale, np.float32)
        return scaled + np.array(self.offset, np.float32)

    def _pixel_channel(self, channel: int) -> int:
        """Return the place among the pixel's channels of one of the model's."""
        if self.order == "grey":
            return 0
        return len(self.scale) - 1 - channel if self.order == "bgr" else channel


# The means and deviations of ImageNet, as Keras's `imagenet_utils.preprocess_input` has them.
CAFFE = ChannelTransform.normalising("caffe", "bgr", 1.0, (103.939, 116.779, 123.68), (1, 1, 1))
TORCH = ChannelTransform.normalising(
    "torch", "rgb", 1 / 255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
)
