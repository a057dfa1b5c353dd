"""Augmentation in the graph: every film is moved, mirrored, marked and shaded anew in every epoch.

Import it late: it loads Keras and TensorFlow.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import tensorflow as tf

from edge_kit.models.recipe import Augmentation
from edge_kit.training.marks import OF_BORDER, OF_TEXT, bordered, lettered, of_rows

DRAWS = 4
"""How many random numbers in [0, 1) a film of the studies takes: angle, two zooms, mirroring."""
_OF_PLACE, _OF_LEVELS = 3, 5
_MIDDLE, _BRIGHTER, _SEEDS = 128.0, 64.0, 2.0**30


def draws_of(augmentation: Augmentation | None) -> int:
    """Return how many random numbers in [0, 1) each film takes in an epoch."""
    if augmentation is None:
        return 0
    marks = OF_BORDER * bool(augmentation.border) + OF_TEXT * bool(augmentation.text)
    return DRAWS + _OF_PLACE * augmentation.of_place + _OF_LEVELS * augmentation.of_levels + marks


class Augment(keras.layers.Layer):  # type: ignore[misc]  # keras has no types
    """The layer of an `Augmenter`, for a network that is trained by TensorFlow.

    Takes pixels `(n, h, w, c)` and draws `(n, draws_of(augmentation))` in [0, 1), gives float32
    pixels.
    """

    def __init__(self, augmentation: Augmentation) -> None:
        super().__init__(name="augment", dtype="float32", trainable=False)
        self._augmenter = Augmenter(augmentation)
        self.supports_jit = not augmentation.of_place  # XLA has not the operation that moves films

    def call(self, inputs: tuple[Any, Any]) -> Any:
        """Return the films transformed by their draws."""
        return self._augmenter(*inputs)


class Augmenter:
    """Shears, zooms and mirrors films as Keras's `ImageDataGenerator` does, on any device.

    Takes pixels `(n, h, w, c)` and draws `(n, draws_of(augmentation))` in [0, 1), gives float32
    pixels. With rows and columns counted from the centre, the output's row r and column c show what
    the film has at row `cos(angle) * zoom_y * r` and column `zoom_x * c - sin(angle) * zoom_y * r`,
    interpolated bilinearly; beyond the edge the nearest pixel is repeated. A rotation turns (r, c)
    first, a shift is added last.
    """

    def __init__(self, augmentation: Augmentation) -> None:
        self._augmentation = augmentation

    def __call__(self, films: Any, draws: Any, rows: Any = None) -> Any:
        """Return the films transformed by their draws, by operations of TensorFlow.

        Where the films are some `rows` of a batch, the draws are those of the whole one.
        """
        own, end = of_rows(draws, rows), DRAWS + _OF_PLACE * self._augmentation.of_place
        films = tf.cast(films, tf.float32)
        across, down, slope, side = self._transforms(own[:, :DRAWS])
        if self._augmentation.of_place:
            films = self._placed(films, own[:, DRAWS:end], (across * side, down, slope))
        else:
            films = _sheared(films, across * side, down, slope)
        rest, levels = draws[:, end:], _OF_LEVELS * self._augmentation.of_levels
        films = self._marked(films, rest[:, levels:], rows)
        return self._shaded(films, rest[:, :levels], rows) if levels else films

    def _marked(self, films: Any, draws: Any, rows: Any) -> Any:
        """Return `films` with a border and text drawn over them."""
        augmentation = self._augmentation
        if augmentation.border:
            films = bordered(films, of_rows(draws[:, :OF_BORDER], rows), augmentation.border)
            draws = draws[:, OF_BORDER:]
        return lettered(films, draws, augmentation.text, rows) if augmentation.text else films

    def _placed(self, films: Any, draws: Any, scales: tuple[Any, ...]) -> Any:
        """Return `films` turned and moved as well: one affine map, by TensorFlow's own operation.

        With rows and columns from the centre, output (r, c) shows film row `rr * r + rc * c` and
        column `cr * r + cc * c`, plus the shifts.
        """
        _, height, width, _ = films.shape
        across, down, slope = scales
        angle, below, beside = tf.split(2 * draws - 1, _OF_PLACE, axis=1)
        angle = angle * math.radians(self._augmentation.rotation)
        sine, cosine = tf.sin(angle), tf.cos(angle)
        rr, rc = down * cosine, down * sine
        cr, cc = slope * cosine - across * sine, slope * sine + across * cosine
        row, column = (height - 1) / 2, (width - 1) / 2  # of the centre, counted from the corner
        left = column - cc * column - cr * row + beside * self._augmentation.shift * width
        top = row - rc * column - rr * row + below * self._augmentation.shift * height
        nothing = tf.zeros_like(rr)
        return tf.raw_ops.ImageProjectiveTransformV3(
            images=films,
            transforms=tf.concat([cc, cr, left, rc, rr, top, nothing, nothing], axis=1),
            output_shape=(height, width),
            fill_value=0.0,
            interpolation="BILINEAR",
            fill_mode="NEAREST",
        )

    def _shaded(self, films: Any, draws: Any, rows: Any) -> Any:
        """Return `films` with other contrast and mean, softened and with noise, within 0..255."""
        shape = tf.concat([tf.shape(draws)[:1], tf.shape(films)[1:]], axis=0)
        # From the batch's own draws, so that an epoch is the same wherever training began.
        seeds = tf.cast(draws[:2, -1] * _SEEDS, tf.int32)
        seeds = tf.concat([seeds, seeds], axis=0)[:2]  # a last batch may hold one film
        grain = of_rows(tf.random.stateless_normal(shape, seeds), rows)
        draws = of_rows(draws, rows)[:, :, None, None]
        gain, mean, soft, loud, _ = tf.split(draws, _OF_LEVELS, axis=1)
        augmentation = self._augmentation
        share = augmentation.blur * soft
        films = films * (1 - share) + share * tf.nn.avg_pool2d(films, 3, 1, "SAME")
        gain, mean = (augmentation.contrast * (2 * draw - 1) for draw in (gain, mean))
        films = (films - _MIDDLE) * (1 + gain) + _MIDDLE + _BRIGHTER * mean
        return tf.clip_by_value(films + augmentation.noise * loud * grain, 0.0, 255.0)

    def _transforms(self, draws: Any) -> tuple[Any, Any, Any, Any]:
        """Return scale of columns and rows, shift of columns by row, and side, each `(n, 1)`."""
        angle, across, down, coin = tf.split(draws, DRAWS, axis=1)
        angle = (2 * angle - 1) * math.radians(self._augmentation.shear)
        across, down = (1 + (2 * draw - 1) * self._augmentation.zoom for draw in (across, down))
        mirrored = tf.logical_and(coin < 0.5, self._augmentation.horizontal_flip)
        side = tf.where(mirrored, -1.0, 1.0)
        return across, down * tf.cos(angle), -down * tf.sin(angle), side


def _sheared(films: Any, across: Any, down: Any, slope: Any) -> Any:
    """Return `films` with rows scaled by `down`, and columns by `across` and moved by the row."""
    _, height, width, _ = films.shape
    row = tf.range(height, dtype=tf.float32) - (height - 1) / 2
    column = tf.range(width, dtype=tf.float32) - (width - 1) / 2
    # The row does not depend on the column, so whole rows are blended first, then columns.
    films = _blended(films, down * row, axis=1)
    columns = (across * column)[:, None] + (slope * row)[:, :, None]
    return _blended(films, columns, axis=2)


def _blended(films: Any, places: Any, *, axis: int) -> Any:
    """Return `films` interpolated along `axis` at `places`, which are counted from the centre."""
    last = films.shape[axis] - 1
    places = tf.clip_by_value(places + last / 2, 0, last)
    low = tf.floor(places)
    first = tf.cast(low, tf.int32)
    share = (places - low)[(..., *(None,) * (films.shape.rank - axis - 1))]
    near = tf.gather(films, first, axis=axis, batch_dims=axis)
    far = tf.gather(films, tf.minimum(first + 1, last), axis=axis, batch_dims=axis)
    return near + share * (far - near)
