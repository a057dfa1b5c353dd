"""Augmentation in the graph: every film is sheared, zoomed and mirrored anew in every epoch.

Import it late: it loads Keras and TensorFlow.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import tensorflow as tf

from edge_kit.models.recipe import Augmentation

DRAWS = 4
"""How many random numbers in [0, 1) a film takes: for angle, two zooms and mirroring."""


class Augment(keras.layers.Layer):  # type: ignore[misc]  # keras has no types
    """Shears, zooms and mirrors films as Keras's `ImageDataGenerator` does, on any device.

    Takes pixels `(n, h, w, c)` and draws `(n, DRAWS)` in [0, 1), gives float32 pixels. With rows
    and columns counted from the centre, the output's row r and column c show what the film has at
    row `cos(angle) * zoom_y * r` and column `zoom_x * c - sin(angle) * zoom_y * r`, interpolated
    bilinearly; beyond the edge the nearest pixel is repeated.
    """

    def __init__(self, augmentation: Augmentation) -> None:
        super().__init__(name="augment", dtype="float32", trainable=False)
        self._augmentation = augmentation

    def call(self, inputs: tuple[Any, Any]) -> Any:
        """Return the films transformed by their draws."""
        films, draws = inputs
        films = tf.cast(films, tf.float32)
        _, height, width, _ = films.shape
        across, down, slope, side = self._transforms(draws)
        row = tf.range(height, dtype=tf.float32) - (height - 1) / 2
        column = tf.range(width, dtype=tf.float32) - (width - 1) / 2
        # The row does not depend on the column, so whole rows are blended first, then columns.
        films = _blended(films, down * row, axis=1)
        columns = (across * side * column)[:, None] + (slope * row)[:, :, None]
        return _blended(films, columns, axis=2)

    def _transforms(self, draws: Any) -> tuple[Any, Any, Any, Any]:
        """Return scale of columns and rows, shift of columns by row, and side, each `(n, 1)`."""
        angle, across, down, coin = tf.split(draws, DRAWS, axis=1)
        angle = (2 * angle - 1) * math.radians(self._augmentation.shear)
        across, down = (1 + (2 * draw - 1) * self._augmentation.zoom for draw in (across, down))
        mirrored = tf.logical_and(coin < 0.5, self._augmentation.horizontal_flip)
        side = tf.where(mirrored, -1.0, 1.0)
        return across, down * tf.cos(angle), -down * tf.sin(angle), side


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
