"""Weights that are quantized row by row become the same integers as the library's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edge_export.quantize import large_weights
from edge_export.quantize.large_weights import row_by_row


def quantized(tensor: Any, dimension: int | None, library: Any) -> Any:
    from litert_quantizer import qtyping

    channels = tensor.shape[dimension] if dimension is not None else 1
    scale = np.linspace(0.01, 0.02, channels, dtype=np.float32)
    params = qtyping.UniformQuantParams(
        num_bits=8, quantized_dimension=dimension, scale=scale,
        zero_point=np.zeros(channels, np.int32), symmetric=True,
    )  # fmt: skip
    return library.uniform_quantize(tensor, params)


@pytest.mark.parametrize(
    ("shape", "dimension", "steps"),
    [
        ((5, 40), 0, 5),
        ((5, 3, 3, 8), 0, 5),
        ((1, 3, 3, 8), 3, 1),
        ((200,), None, 1),
        ((2, 9), 0, 1),
    ],
)
def test_the_integers_are_the_library_s_in_one_step_for_each_row_of_a_large_tensor(
    shape: tuple[int, ...], dimension: int | None, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from litert_quantizer.algorithms.uniform_quantize import uniform_quantize_tensor as library

    seen: list[int] = []
    whole = library.uniform_quantize

    def counted(tensor: Any, params: Any, is_blockwise_quant: bool = False) -> Any:
        seen.append(tensor.ndim)
        return whole(tensor, params, is_blockwise_quant)

    tensor = np.random.default_rng(0).normal(0, 1, shape).astype(np.float32)
    expected = quantized(tensor, dimension, library)
    monkeypatch.setattr(library, "uniform_quantize", counted)
    monkeypatch.setattr(large_weights, "LARGEST", 100)
    with row_by_row():
        found = quantized(tensor, dimension, library)
    assert found.dtype == np.int8
    assert (found == expected).all()
    assert seen == [1 if steps > 1 else len(shape)] * steps
    assert library.uniform_quantize is counted
