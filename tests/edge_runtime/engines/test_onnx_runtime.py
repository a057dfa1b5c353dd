"""ONNX Runtime is told to be exact where the processor would not be, and nowhere else."""

from __future__ import annotations

from typing import Any

import onnxruntime
import pytest

from edge_runtime.engines import onnx_runtime
from tiny_graphs import SHAPE, onnx_graph

MAY_SATURATE = onnx_runtime.may_saturate  # which `--x64quantprecision` replaces later on
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


@pytest.fixture
def set_to(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what the option was set to for each graph that was opened; empty where it was not."""
    found: list[str] = []

    def session(graph: bytes, options: Any, **settings: Any) -> Any:
        try:
            found.append(options.get_session_config_entry(EXACT))
        except RuntimeError:
            found.append("")
        return real(graph, options, **settings)

    real = onnxruntime.InferenceSession
    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    return found


@pytest.mark.parametrize(("x86", "features", "careful"), PROCESSORS.values(), ids=PROCESSORS)
def test_int8_products_are_added_exactly_where_the_processor_has_no_vnni(
    x86: bool,
    features: frozenset[str] | None,
    careful: bool,
    set_to: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(onnx_runtime, "may_saturate", MAY_SATURATE)
    monkeypatch.setattr(onnx_runtime, "is_x86", lambda: x86)
    monkeypatch.setattr(onnx_runtime, "features", lambda: features)
    onnx_runtime.load(memoryview(onnx_graph()), SHAPE)
    assert set_to == ["1" if careful else ""]


@pytest.mark.parametrize("exact", [False, True])
def test_a_graph_can_be_opened_as_another_processor_would(exact: bool, set_to: list[str]) -> None:
    onnx_runtime.load(memoryview(onnx_graph()), SHAPE, exact=exact)
    assert set_to == ["1" if exact else ""]
