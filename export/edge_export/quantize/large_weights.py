"""Quantize large weights channel by channel, for which the library itself takes minutes.

Above 32 MiB `litert_quantizer` 0.11 goes through a tensor in steps of a few rows, and counts them
by elements instead of rows: for a dense layer of 50 million weights 25 million steps do nothing.
Convolutions of that size it cannot do at all (google-ai-edge/ai-edge-quantizer, issue 512).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

LARGEST = 32 << 20
"""Bytes of a tensor that the library still quantizes in one step."""


@contextmanager
def row_by_row() -> Iterator[None]:
    """Let the library quantize large tensors by their rows, one step each, inside the block.

    Every integer is the same as the library gives to a small tensor.
    """
    from litert_quantizer.algorithms.uniform_quantize import uniform_quantize_tensor as library

    whole = library.uniform_quantize

    def quantize(tensor: Any, params: Any, is_blockwise_quant: bool = False) -> Any:
        of_rows = params.quantized_dimension == 0 and not is_blockwise_quant
        if tensor.nbytes <= LARGEST or not of_rows:
            return whole(tensor, params, is_blockwise_quant)
        scales, zeros = params.scale.ravel(), params.zero_point.ravel()
        rows = [  # of one dimension, which the library takes in one step whatever their size
            whole(row.ravel(), replace(params, scale=scales[at : at + 1],
                                       zero_point=zeros[at : at + 1], quantized_dimension=None))
            for at, row in enumerate(tensor)
        ]  # fmt: skip
        return np.stack(rows).reshape(tensor.shape)

    library.uniform_quantize = quantize
    try:
        yield
    finally:
        library.uniform_quantize = whole
