"""ONNX Runtime, for machines that have it and no LiteRT."""

from __future__ import annotations

import os

import numpy as np

from edge_runtime.engines.contract import EngineUnavailable, require_signature
from edge_runtime.engines.processor import features, is_x86
from edge_runtime.silence import silence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_ADD_IN_32_BITS = frozenset({"avx512_vnni", "avx_vnni"})


class OnnxRuntime:
    """A graph in a session of one thread."""

    name = "onnxruntime"

    def __init__(
        self, runtime: Any, graph: memoryview, pixels: tuple[int, ...], *, exact: bool
    ) -> None:
        """Prepare `graph` for input of shape `pixels`.

        `exact` is for processors that may add int8 products in 16 bits.
        """
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        if exact:
            # Pairs of int8 products that are added in 16 bits come out wrong, by up to 0.27 in
            # probability. This makes the weights uint8, and is exact. It is set where it is needed
            # alone, for it costs a machine with VNNI 1.6 times the time.
            options.add_session_config_entry("session.x64quantprecision", "1")
        self._session: Any
        try:
            with silence():
                self._session = runtime.InferenceSession(
                    bytes(graph), options, providers=["CPUExecutionProvider"]
                )
        except Exception as error:  # its exceptions have no base of their own
            raise EngineUnavailable(f"does not take the graph ({error})") from error
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        require_signature(_signature(inputs), _signature(outputs), pixels)
        self._shape = pixels
        self._input = inputs[0].name

    def logits(self, pixels: bytes) -> tuple[float, ...]:
        """Return the logits of one film, `pixels` row by row.

        Raises:
            EngineUnavailable: the session reports that it failed.
            ValueError: `pixels` are not as many as the graph takes, or the engine is closed.
        """
        if self._session is None:
            raise ValueError("the engine is closed")
        film = np.frombuffer(pixels, np.uint8).reshape(self._shape)
        try:
            outputs = self._session.run(None, {self._input: film})
        except Exception as error:  # its exceptions have no base of their own
            raise EngineUnavailable(f"{self.name} failed ({error})") from error
        return tuple(output.item() for output in outputs)

    def close(self) -> None:
        """Free the session."""
        self._session = None


def _signature(values: list[Any]) -> list[tuple[str, tuple[int, ...]]]:
    elements = {"tensor(uint8)": "uint8", "tensor(float)": "float32"}
    return [(elements.get(value.type, value.type), tuple(value.shape)) for value in values]


def load(graph: memoryview, pixels: tuple[int, ...], *, exact: bool | None = None) -> OnnxRuntime:
    """Return `graph` in an ONNX Runtime session.

    `exact` opens it as x86 without VNNI needs it, or false as all others do; without it, this
    processor decides.

    Raises:
        ModuleNotFoundError: ONNX Runtime or numpy is not installed.
        EngineUnavailable: it does not take the graph.
    """
    # Or it leaves an identifier of the machine and a log of its use in the user's cache folder.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    with silence():  # it complains where there is no /proc
        import onnxruntime

    if exact is None:
        exact = may_saturate()
    return OnnxRuntime(onnxruntime, graph, pixels, exact=exact)


def may_saturate() -> bool:
    """Tell whether the processor may add int8 products in 16 bits: x86, unless known better."""
    return is_x86() and _ADD_IN_32_BITS.isdisjoint(features() or ())
