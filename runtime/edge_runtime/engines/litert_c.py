"""LiteRT through its C API: no numpy, no Python wrapper, 8 MB of one shared library.

The functions and structures are those of `litert/c/*.h` of LiteRT 2.3. They changed arguments
between versions (`LiteRtCreateModelFromBuffer` takes the environment first since 2.3), and a wrong
guess is a crash that no `except` catches, so any other version is passed over.
"""
# The C library lies beside its package; loading pathlib to say so would cost more than it is worth.
# ruff: noqa: PTH110, PTH118, PTH120

from __future__ import annotations

import math
import os
import sys
from ctypes import (
    CDLL,
    Structure,
    addressof,
    byref,
    c_char,
    c_float,
    c_int,
    c_int32,
    c_int64,
    c_size_t,
    c_uint32,
    c_void_p,
    create_string_buffer,
    memmove,
    sizeof,
)  # fmt: skip
from importlib.machinery import PathFinder

from edge_runtime.engines.contract import LOGIT, EngineUnavailable, require_signature
from edge_runtime.silence import silence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

KNOWN = "2.3."
_LIBRARY = {"win32": "libLiteRt.dll", "darwin": "libLiteRt.dylib"}.get(sys.platform, "libLiteRt.so")

_PROCESSOR = "/proc/cpuinfo"

_ANY_INT = 2  # LiteRtAnyType
_AUTO_REGISTER_ACCELERATORS, _MIN_LOGGER_SEVERITY = 24, 25  # LiteRtEnvOptionTag
_CPU = 1  # LiteRtHwAccelerators
_SILENT = 4  # LiteRtLogSeverity; what goes wrong comes back as a status
_FLOAT32, _UINT8 = 1, 3  # LiteRtElementType
_ELEMENTS = {_FLOAT32: "float32", _UINT8: "uint8"}
_RANK = 0x7F  # the seven bits of a layout's first word that hold the rank
_ALIGNMENT = 64  # LITERT_HOST_MEMORY_BUFFER_ALIGNMENT


class _Any(Structure):
    _fields_ = (("type", c_int), ("value", c_int64))


class _Option(Structure):
    _fields_ = (("tag", c_int), ("value", _Any))


class _Layout(Structure):
    # The first word is the rank in 7 bits and "has strides" in one: without strides, the rank.
    _fields_ = (("rank", c_uint32), ("dimensions", c_int32 * 8), ("strides", c_uint32 * 8))


class _TensorType(Structure):
    _fields_ = (("element", c_int), ("layout", _Layout))


class LiteRt:
    """A graph compiled for the CPU, with its buffers."""

    name = "litert"

    def __init__(self, library: CDLL, graph: memoryview, pixels: tuple[int, ...]) -> None:
        """Compile `graph` for input of shape `pixels` (uint8).

        Raises:
            EngineUnavailable: LiteRT does not take the graph.
        """
        self._library = library
        self._graph = graph  # LiteRT reads it where it lies: it has to outlive the model
        self._owned: list[tuple[str, c_void_p]] = []
        self._size = math.prod(pixels)
        try:
            self._compile(pixels)
        except EngineUnavailable:
            self.close()
            raise

    def _compile(self, pixels: tuple[int, ...]) -> None:
        if not self._graph:  # which has no address
            raise EngineUnavailable("does not take the graph (it is empty)")
        options = (_Option * 2)(
            # Looking for GPU and NPU costs time and writes to stderr.
            _Option(_AUTO_REGISTER_ACCELERATORS, _Any(_ANY_INT, _CPU)),
            _Option(_MIN_LOGGER_SEVERITY, _Any(_ANY_INT, _SILENT)),
        )
        environment = self._own("Environment", "", c_int(len(options)), options)
        address = c_void_p(addressof(c_char.from_buffer(self._graph)))
        size = c_size_t(len(self._graph))
        model = self._own("Model", "FromBuffer", environment, address, size)
        subgraph = self._handle("LiteRtGetModelSubgraph", model, c_size_t(0))
        outputs = self._tensors("Output", subgraph)
        # C compares no buffer with the graph before writing to it.
        require_signature(self._tensors("Input", subgraph), outputs, pixels)
        compilation = self._own("Options", "")
        self._call("LiteRtSetOptionsHardwareAccelerators", compilation, c_int(_CPU))
        with silence():
            self._compiled = self._own("CompiledModel", "", environment, model, compilation)
        self._input = _Buffer(self, _UINT8, pixels, self._size)
        self._outputs = [_Buffer(self, _FLOAT32, LOGIT, sizeof(c_float)) for _ in outputs]
        self._output_handles = (c_void_p * len(outputs))(
            *(buffer.handle for buffer in self._outputs)
        )

    def logits(self, pixels: bytes) -> tuple[float, ...]:
        """Return the logits of one film, `pixels` row by row.

        Raises:
            EngineUnavailable: LiteRT reports that it failed.
            ValueError: `pixels` are not as many as the graph takes, or the engine is closed.
        """
        if not self._owned:
            raise ValueError("the engine is closed")
        if len(pixels) != self._size:
            raise ValueError(f"{len(pixels)} bytes of pixels, the graph takes {self._size}")
        memmove(self._input.address, pixels, self._size)
        self._call(
            "LiteRtRunCompiledModel", self._compiled, c_size_t(0),
            c_size_t(1), byref(self._input.handle),
            c_size_t(len(self._outputs)), self._output_handles,
        )  # fmt: skip
        return tuple(c_float.from_address(buffer.address).value for buffer in self._outputs)

    def close(self) -> None:
        """Free everything that LiteRT made for this graph, the last first."""
        while self._owned:
            function, handle = self._owned.pop()
            destroy = getattr(self._library, function)
            destroy.restype = None
            destroy(handle)

    __del__ = close  # who forgets it leaks nothing

    def _call(self, function: str, *arguments: Any) -> None:
        try:
            status = getattr(self._library, function)(*arguments)
        except AttributeError as error:
            raise EngineUnavailable(f"its library has no {function}") from error
        if status:
            raise EngineUnavailable(f"{function} returned status {status}")

    def _handle(self, function: str, *arguments: Any) -> c_void_p:
        """Return the handle that `function` writes to its last argument."""
        handle = c_void_p()
        self._call(function, *arguments, byref(handle))
        return handle

    def _own(self, kind: str, source: str, *arguments: Any) -> c_void_p:
        """Return a new LiteRT object, which `close` will destroy."""
        handle = self._handle(f"LiteRtCreate{kind}{source}", *arguments)
        self._owned.append((f"LiteRtDestroy{kind}", handle))
        return handle

    def _tensors(self, side: str, subgraph: c_void_p) -> list[tuple[str, tuple[int, ...]]]:
        """Return the element type and shape of each of the graph's inputs or outputs."""
        count, kind, tensors = c_size_t(), _TensorType(), []
        self._call(f"LiteRtGetNumSubgraph{side}s", subgraph, byref(count))
        for index in range(count.value):
            tensor = self._handle(f"LiteRtGetSubgraph{side}", subgraph, c_size_t(index))
            self._call("LiteRtGetRankedTensorType", tensor, byref(kind))
            element = _ELEMENTS.get(kind.element, f"element type {kind.element}")
            layout = kind.layout
            tensors.append((element, tuple(layout.dimensions[: layout.rank & _RANK])))
        return tensors


class _Buffer:
    """A tensor buffer over memory of our own: its handle, and the address of its bytes."""

    def __init__(self, engine: LiteRt, element: int, shape: tuple[int, ...], size: int) -> None:
        room = -(-size // _ALIGNMENT) * _ALIGNMENT
        self._memory = create_string_buffer(room + _ALIGNMENT)
        self.address = addressof(self._memory) + -addressof(self._memory) % _ALIGNMENT
        kind = _TensorType(element, _Layout(len(shape), (c_int32 * 8)(*shape)))
        self.handle = engine._own(
            "TensorBuffer", "FromHostMemory",
            byref(kind), c_void_p(self.address), c_size_t(size), None,
        )  # fmt: skip


def load(graph: memoryview, pixels: tuple[int, ...]) -> LiteRt:
    """Return `graph` compiled by the installed LiteRT.

    Raises:
        ModuleNotFoundError: LiteRT is not installed.
        EngineUnavailable: it is of a version we do not know, or does not take the graph.
    """
    package = PathFinder.find_spec("ai_edge_litert")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("ai_edge_litert is not there", name="ai_edge_litert")
    if sys.platform == "linux" and not os.path.exists(_PROCESSOR):
        raise EngineUnavailable(f"there is no {_PROCESSOR}, without which it does not start")
    version = _version(package.origin)
    if not version.startswith(KNOWN):
        raise EngineUnavailable(f"LiteRT {version} has an interface we do not know")
    try:
        library = CDLL(os.path.join(os.path.dirname(package.origin), _LIBRARY))
    except OSError as error:
        raise EngineUnavailable(f"its library cannot be loaded ({error})") from error
    return LiteRt(library, graph, pixels)


def _version(origin: str) -> str:
    """Read the package's version from its source, which is cheaper than running it."""
    with open(origin, encoding="utf-8") as source:  # noqa: PTH123
        first = source.readline()
    name, _, value = first.partition("=")
    return value.strip(" \n\"'") if name.strip() == "__version__" else "of unknown version"
