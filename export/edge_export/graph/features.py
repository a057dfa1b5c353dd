"""What a classifier makes of a film just before it decides: its penultimate features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge_export.films.pixels import Pixels
from edge_export.graph.artefact import Floats
from edge_export.graph.head import find_head
from edge_export.graph.input_transform import InputTransform
from edge_export.graph.network import OUTPUTS, network, predicted
from edge_runtime.errors import DataError

if TYPE_CHECKING:
    import keras

_BATCH = 32


def penultimate(model: keras.Model, transform: InputTransform, pixels: Pixels) -> Floats:
    """Return the features `(n, m)` of which the last dense layer of `model` makes its logit.

    `pixels` are `(n, height, width, channels)` uint8, of which `transform` makes its input.

    Raises:
        DataError: it has no last dense layer, or `network` refuses it.
    """
    import keras

    if find_head(model).dense is None:
        problem = "has no dense layer at its end, so no features before one"
        raise DataError(model.name, problem, "leave out what asks for them")
    whole = network(model, transform).logits
    last = whole.get_layer(OUTPUTS[0])
    body = keras.Model(whole.inputs, last.input, name="pixels_to_features")
    batches = (pixels[start : start + _BATCH] for start in range(0, len(pixels), _BATCH))
    return np.concatenate([predicted(body, batch)[0] for batch in batches]).astype(np.float64)
