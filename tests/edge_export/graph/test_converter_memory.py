"""While ONNX is made of TFLite, no more copies of the network are there than one pass needs."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from edge_export.graph.network import InputRange, network
from edge_export.graph.onnx import to_onnx
from edge_export.graph.tflite import to_tflite
from tiny_network import tiny_network


def test_no_pass_of_the_converter_finds_copies_of_those_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tf2onnx import optimizer
    from tf2onnx.graph import Graph

    counts = list[int]()

    def counting(make: Any) -> Any:
        def made() -> Any:
            counts.append(sum(isinstance(one, Graph) for one in gc.get_objects()))
            return make()

        return made

    passes = {name: counting(make) for name, make in optimizer._optimizers.items()}
    monkeypatch.setattr(optimizer, "_optimizers", passes)
    tflite = to_tflite(network(tiny_network(), InputRange()).logits)
    gc.disable()  # as it is for a few large objects
    try:
        to_onnx(tflite)
    finally:
        gc.enable()
    assert len(counts) > 10
    assert max(counts) == 3  # as it came, as the last pass left it, and the copy to work on
    assert optimizer._optimizers is passes
    assert gc.get_freeze_count() == 0
