"""What is drawn over films in training, and tells nothing of the lungs: borders and burnt-in text.

Import it late: it loads TensorFlow.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

OF_BORDER, OF_TEXT = 6, 6
"""How many random numbers in [0, 1) a film takes for each."""
_GREYEST, _WHITE, _SEEDS = 128.0, 255.0, 2.0**30
_HIGH, _WIDE, _LETTERS = 5, 4, 16  # cells of a letter, the blank column beside it, letters at most
_CELL, _INSET = 128, 0.06  # a cell is a pixel or two of a film of 128; the way from the edge


def of_rows(values: Any, rows: Any) -> Any:
    """Return the `rows` of what a whole batch has, all of it where there are none."""
    return values if rows is None else tf.gather(values, rows)


def bordered(films: Any, draws: Any, most: float) -> Any:
    """Return `films` of which every second has its edges covered, up to the share `most` of each.

    The border is of one level, from black to middle grey: films that are normalised locally have a
    middle grey where they were even, as a black border is.
    """
    _, height, width, _ = films.shape
    coin, level, top, bottom, left, right = tf.split(draws, OF_BORDER, axis=1)
    row, column = tf.range(height, dtype=tf.float32), tf.range(width, dtype=tf.float32)
    down, across = most * height, most * width
    rows = (row < top * down - 0.5) | (row > height - 0.5 - bottom * down)
    columns = (column < left * across - 0.5) | (column > width - 0.5 - right * across)
    covered = (rows[:, :, None] | columns[:, None, :]) & (coin < 0.5)[:, :, None]
    return tf.where(covered[..., None], (_GREYEST * level)[:, :, None, None], films)


def lettered(films: Any, draws: Any, share: float, own: Any = None) -> Any:
    """Return `films` of which the `share` shows a line of white letters in one of its corners.

    A letter is 5 x 3 cells, each white or not by chance: what is shown says nothing, as no label
    does. Lines have up to 16 letters, of cells of one to three pixels at 128 pixels a side.
    Where the films are the rows `own` of a batch, the draws are those of the whole one.
    """
    every = _cells(draws[:, -1:], tf.shape(draws)[0])
    draws = of_rows(draws, own)
    _, height, width, _ = films.shape
    coin, place, size, length, inset, _ = tf.split(draws, OF_TEXT, axis=1)
    cell = (1 + 2 * size) * max(1.0, min(height, width) / _CELL)
    letters = tf.floor(1 + length * _LETTERS)
    below, beside = tf.floor(2 * place), tf.math.floormod(tf.floor(4 * place), 2.0)
    long, high = cell * _WIDE * letters, cell * _HIGH
    top = inset * _INSET * height + below * (height * (1 - 2 * inset * _INSET) - high)
    left = inset * _INSET * width + beside * (width * (1 - 2 * inset * _INSET) - long)
    row = tf.floor((tf.range(height, dtype=tf.float32) - top) / cell)
    column = tf.floor((tf.range(width, dtype=tf.float32) - left) / cell)
    rows = (row >= 0) & (row < _HIGH) & (coin < share)
    columns = (column >= 0) & (column < _WIDE * letters)
    columns &= tf.math.floormod(column, float(_WIDE)) < _WIDE - 1
    cells = of_rows(every, own)
    cells = tf.gather(cells, tf.clip_by_value(tf.cast(row, tf.int32), 0, _HIGH - 1), batch_dims=1)
    last = _WIDE * _LETTERS - 1
    cells = tf.gather(
        cells, tf.clip_by_value(tf.cast(column, tf.int32), 0, last), axis=2, batch_dims=1
    )
    white = cells & rows[:, :, None] & columns[:, None, :]
    return tf.where(white[..., None], _WHITE, films)


def _cells(seed: Any, count: Any) -> Any:
    """Return which cells of each film's letters are white, from the batch's own draws."""
    seeds = tf.cast(seed[:2, 0] * _SEEDS, tf.int32)
    seeds = tf.concat([seeds, seeds], axis=0)[:2]  # a last batch may hold one film
    return tf.random.stateless_uniform((count, _HIGH, _WIDE * _LETTERS), seeds) < 0.6
