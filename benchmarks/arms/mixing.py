"""Layers that change films or features in training, and leave them as they are otherwise.

Import it late: it loads Keras and TensorFlow.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

_SHARE = 0.5
"""Of the films, or of the batches' films, that are changed."""
_HOLE = 0.3  # the longest side of what is cut out, as a share of the film's
_GREY = 128.0
_ALPHA = 0.1  # of the beta distribution, as the authors of MixStyle have it
_LEAST = 1e-6


class _Drawn(keras.layers.Layer):  # type: ignore[misc]  # keras has no types
    """A layer with random numbers of its own, from the seed of the training."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._seeds = keras.random.SeedGenerator()

    def _draws(self, films: Any, count: int) -> Any:
        """Return `count` numbers in [0, 1) for each film, each `(n, 1, 1, 1)`."""
        shape = (tf.shape(films)[0], 1, 1, count)
        return tf.split(keras.random.uniform(shape, seed=self._seeds), count, axis=3)


class Cutout(_Drawn):
    """Every second film has a rectangle of middle grey (DeVries and Taylor 2017)."""

    def call(self, films: Any, training: bool = False) -> Any:
        """Return the films with their holes."""
        if not training:
            return films
        _, height, width, _ = films.shape
        coin, row, column, high, wide = self._draws(films, 5)
        rows = tf.range(height, dtype=tf.float32)[None, :, None, None] - row * height
        columns = tf.range(width, dtype=tf.float32)[None, None, :, None] - column * width
        hole = (tf.abs(rows) < high * _HOLE * height / 2) & (
            tf.abs(columns) < wide * _HOLE * width / 2
        )
        return tf.where(hole & (coin < _SHARE), _GREY, films)


class FourierMix(_Drawn):
    """Every second film has the amplitudes of its spectrum mixed with another's (Xu et al. 2021).

    The phases, which hold where things lie, are its own. The other is the next film of the batch,
    which is shuffled.
    """

    def call(self, films: Any, training: bool = False) -> Any:
        """Return the films with mixed amplitudes, within 0..255."""
        if not training:
            return films
        coin, share = self._draws(films, 2)
        share = tf.where(coin < _SHARE, share, 0.0)[..., 0]
        spectrum = tf.signal.fft2d(tf.cast(films[..., 0], tf.complex64))
        own = tf.abs(spectrum)
        mixed = (1 - share) * own + share * tf.roll(own, 1, axis=0)
        scale = tf.cast(mixed / tf.maximum(own, _LEAST), tf.complex64)
        changed = tf.math.real(tf.signal.ifft2d(spectrum * scale))[..., None]
        return tf.where(coin < _SHARE, tf.clip_by_value(changed, 0.0, 255.0), films)


class MixStyle(_Drawn):
    """Every second film's features have mean and deviation mixed with another's (Zhou et al. 2021).

    The other is the next film of the batch, which is shuffled.
    """

    def call(self, features: Any, training: bool = False) -> Any:
        """Return the features with mixed statistics."""
        if not training:
            return features
        (coin,) = self._draws(features, 1)
        share = keras.random.beta(tf.shape(coin), _ALPHA, _ALPHA, seed=self._seeds)
        share = tf.where(coin < _SHARE, share, 1.0)
        mean, variance = (
            tf.stop_gradient(moment)
            for moment in tf.nn.moments(features, axes=[1, 2], keepdims=True)
        )
        spread = tf.sqrt(variance + _LEAST)
        mixed_mean = share * mean + (1 - share) * tf.roll(mean, 1, axis=0)
        mixed_spread = share * spread + (1 - share) * tf.roll(spread, 1, axis=0)
        return (features - mean) / spread * mixed_spread + mixed_mean
