"""What a network is taught beside the truth: further terms of the loss.

Import it late: it loads Keras and TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

TRUTH, SOURCE = 0, 1
"""Columns of what is told of a film: whether it is positive, and the number of its source."""

Outputs = Mapping[str, Any]
Lesson = Callable[[Outputs, Any], Any]
"""Gives a term of the loss for the outputs of a training's graph and what is told `(n, 2)`."""

REVERSED = 0.3
"""How much of the adversary's gradient the features get, with its sign changed."""
_TAUGHT = 0.5  # the share of the teachers' answers in what is learnt
_FAR = -1e9
_LEAST = 1e-12


class Reversed(keras.layers.Layer):  # type: ignore[misc]  # keras has no types
    """Gives features as they are, and the gradient with its sign changed (Ganin et al. 2016)."""

    def call(self, features: Any) -> Any:
        """Return the features."""
        return _reversed(features)


@tf.custom_gradient  # type: ignore[untyped-decorator]  # tensorflow has no types
def _reversed(features: Any) -> tuple[Any, Callable[[Any], Any]]:
    return tf.identity(features), lambda gradient: -REVERSED * gradient


def truth(outputs: Outputs, told: Any) -> Any:
    """Return the loss of the answers, as all trainings have it."""
    return keras.losses.BinaryCrossentropy()(told[:, TRUTH : TRUTH + 1], outputs["answer"])


def truth_and_teachers(outputs: Outputs, told: Any) -> Any:
    """Return the loss against the truth and against what the teachers say of the same films."""
    answers = keras.losses.BinaryCrossentropy()(outputs["taught"], outputs["answer"])
    return (1 - _TAUGHT) * truth(outputs, told) + _TAUGHT * answers


@dataclass(frozen=True, slots=True, eq=False)
class OtherSources:
    """The loss of telling a film's source among those of its class, from reversed features.

    Each source has films of one class alone, so that features without any source would tell nothing
    of the class: only those of one class are to be alike. `positive` tells the class of each.
    """

    positive: NDArray[np.bool_]

    def __call__(self, outputs: Outputs, told: Any) -> Any:
        """Return the adversary's loss."""
        own_class = tf.equal(told[:, TRUTH, None] > 0.5, tf.constant(self.positive)[None])
        scores = tf.where(own_class, outputs["source"], _FAR)
        number = tf.cast(told[:, SOURCE], tf.int32)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=number, logits=scores)
        return tf.reduce_mean(losses)


@dataclass(frozen=True, slots=True, eq=False)
class OutsideLungs:
    """The share of the squared input gradient outside the lungs, of films with a mask of them.

    After Ross, Hughes and Doshi-Velez 2017, but as a share, so that a network is not taught to
    answer less. The gradient is that of the logit of the network as it answers, without dropout.
    """

    logit: keras.Model

    def __call__(self, outputs: Outputs, told: Any) -> Any:
        """Return the mean share over the films that have a mask."""
        del told
        films, outside = outputs["films"], 1 - outputs["masks"] / 255
        with tf.GradientTape() as tape:
            tape.watch(films)
            logit = self.logit(films, training=False)
        squared = tape.gradient(logit, films) ** 2
        places = (1, 2, 3)
        share = tf.reduce_sum(squared * outside, places) / (tf.reduce_sum(squared, places) + _LEAST)
        masked = tf.cast(tf.reduce_sum(outside, places) > 0, tf.float32)
        return tf.reduce_sum(share * masked) / tf.maximum(tf.reduce_sum(masked), 1.0)


@dataclass(frozen=True, slots=True)
class AlikeInItsSource:
    """The contrastive loss of two views of each film (Chen et al. 2020), within its source.

    Views of films of other sources do not count: what tells sources apart teaches nothing then.
    """

    temperature: float = 0.2

    def __call__(self, outputs: Outputs, told: Any) -> Any:
        """Return the loss of taking the other view for one of another film."""
        views = tf.math.l2_normalize(outputs["views"], axis=1)
        source = tf.tile(told[:, SOURCE], (2,))
        count = tf.shape(views)[0]
        likeness = tf.matmul(views, views, transpose_b=True) / self.temperature
        others = tf.equal(source[:, None], source[None]) & ~tf.eye(count, dtype=tf.bool)
        other_view = tf.math.floormod(tf.range(count) + count // 2, count)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
            labels=other_view, logits=tf.where(others, likeness, _FAR)
        )
        return tf.reduce_mean(losses)
