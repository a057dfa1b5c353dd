"""ONNX Runtime is told to be exact where the processor would not be, and nowhere else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import onnxruntime
import pytest

from edge_runtime.engines import onnx_runtime
from tiny_graphs import SHAPE, onnx_graph

EXACT = "session.x64quantprecision"
# Is it an x86 -> what it says of itself, whether the option is set.
PROCESSORS: dict[str, tuple[bool, frozenset[str] | None, bool]] = {
    "Nehalem": (True, frozenset({"sse4_2"}), True),
    "Haswell": (True, frozenset({"sse4_2", "avx2"}), True),
    "Skylake server": (True, frozenset({"sse4_2", "avx2", "avx512f"}), True),
    "Ice Lake": (True, frozenset({"sse4_2", "avx2", "avx512f", "avx512_vnni"}), False),
    "Alder Lake": (True, frozenset({"sse4_2", "avx2", "avx_vnni"}), False),
    "an x86 that does not say": (True, None, True),
    "ARM": (False, frozenset(), False),
}


@pytest.mark.parametrize(("x86", "features", "careful"), PROCESSORS.values(), ids=PROCESSORS)
def test_int8_products_are_added_exactly_where_the_processor_has_no_vnni(
    x86: bool, features: frozenset[str] | None, careful: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_to: list[str] = []

    def session(graph: bytes, options: Any, **settings: Any) -> Any:
        try:
            set_to.append(options.get_session_config_entry(EXACT))
        except RuntimeError:
            set_to.append("")
        return onnxruntime.InferenceSession(graph, options, **settings)

    monkeypatch.setattr(onnx_runtime, "is_x86", lambda: x86)
    monkeypatch.setattr(onnx_runtime, "features", lambda: features)
    runtime = SimpleNamespace(SessionOptions=onnxruntime.SessionOptions, InferenceSession=session)
    onnx_runtime.OnnxRuntime(runtime, memoryview(onnx_graph()), SHAPE)
    assert set_to == ["1" if careful else ""]
