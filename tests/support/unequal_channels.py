"""A network that static int8 ruins, and that computes the very same function as one it does not.

ReLU and max pooling let a positive factor through, so that the channels of a convolution can be
scaled as one likes if the weights that read them are scaled back. One table of 256 values for all
channels then has no step left for the quiet ones: what trained networks with depthwise layers do
by accident (Nagel et al., ICCV 2019, section 3.1), done here on purpose.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras


def unequal(model: keras.Model, spread: float, seed: int = 0) -> keras.Model:
    """Return a copy of a sequential `model` whose last convolution has very unequal channels.

    Factors are log-uniform from 1 to `spread`; between the convolution and the dense layer that
    reads it there may be pooling and flattening alone.
    """
    import keras

    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    last = max(
        place for place, layer in enumerate(copy.layers) if isinstance(layer, keras.layers.Conv2D)
    )
    reader = next(layer for layer in copy.layers[last:] if isinstance(layer, keras.layers.Dense))
    kernel, bias = copy.layers[last].get_weights()
    factors = np.geomspace(1.0, spread, kernel.shape[-1])
    np.random.default_rng(seed).shuffle(factors)
    copy.layers[last].set_weights([kernel * factors, bias * factors])
    read, offset = reader.get_weights()
    # Flattening leaves the channel as the fastest index.
    reader.set_weights([read / np.tile(factors, len(read) // len(factors))[:, None], offset])
    return copy


def multiplications(graph: bytes) -> dict[str, int]:
    """Return how many multiplications a TFLite graph makes, by the type of what is multiplied.

    Convolutions and dense layers alone, which is where the time goes.
    """
    from ai_edge_litert import schema_py_generated as schema

    types = {code: name for name, code in vars(schema.TensorType).items() if name.isupper()}
    operators = {code: name for name, code in vars(schema.BuiltinOperator).items()}
    subgraph = schema.ModelT.InitFromPackedBuf(graph, 0).subgraphs[0]
    codes = schema.ModelT.InitFromPackedBuf(graph, 0).operatorCodes
    counted: dict[str, int] = {}
    for operator in subgraph.operators:
        name = operators[codes[operator.opcodeIndex].builtinCode]
        if name in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            read, weights = (subgraph.tensors[index] for index in operator.inputs[:2])
            made = subgraph.tensors[operator.outputs[0]]
            each = int(np.prod(weights.shape)) // weights.shape[0]
            element = types[read.type]
            counted[element] = counted.get(element, 0) + each * int(np.prod(made.shape))
    return counted
