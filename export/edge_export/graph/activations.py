"""Activations written so that no number of theirs overflows in TFLite.

The converter writes softplus as `log(exp(x) + 1)` and selu with an `exp(x)` of every `x`. Both are
infinite above 88 in float32: a network on grey levels 0..255 gets there, and Keras, whose own
kernels are exact, does not. What is written here differs from Keras by the rounding of a float.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Klambauer et al., NeurIPS 2017.
_SELU_SCALE, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


@contextmanager
def finite_activations() -> Iterator[None]:
    """Let Keras write these activations, and those that are made of them, anew inside the block.

    Mish and the logarithm of a sigmoid are made of softplus.
    """
    import tensorflow as tf

    math, nn = tf.math, tf.nn
    kept = math.softplus, math.log_sigmoid, nn.selu
    math.softplus, math.log_sigmoid, nn.selu = _softplus, _log_sigmoid, _selu
    try:
        yield
    finally:
        math.softplus, math.log_sigmoid, nn.selu = kept


def _softplus(features: Any, name: str | None = None) -> Any:
    """Return `relu(x) - log(sigmoid(|x|))`, the logarithm of one half to 1 whatever `x` is."""
    import tensorflow as tf

    bent = tf.math.log(tf.math.sigmoid(tf.math.abs(features)))
    return tf.math.subtract(tf.nn.relu(features), bent, name=name)


def _log_sigmoid(x: Any, name: str | None = None) -> Any:
    import tensorflow as tf

    return tf.math.negative(_softplus(-x), name=name)


def _selu(features: Any, name: str | None = None) -> Any:
    """Return `scale * (relu(x) + alpha * elu(min(x, 0)))`."""
    import tensorflow as tf

    below = tf.nn.elu(tf.math.minimum(features, 0.0))
    bent = tf.math.add(tf.nn.relu(features), _SELU_ALPHA * below)
    return tf.math.multiply(bent, _SELU_SCALE, name=name)
