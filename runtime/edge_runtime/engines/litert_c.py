"""LiteRT through its C API: no numpy, no Python wrapper, 8 MB of one shared library.

The functions and structures are those of `litert/c/*.h` of LiteRT 2.3. They changed arguments
between versions (`LiteRtCreateModelFromBuffer` takes the environment first since 2.3), and a wrong
guess is a crash that no `except` catches, so any other version is passed over.
"""
# The C library lies beside its package; loading pathlib to say so would cost more than it is worth.
# ruff: noqa: PTH118, PTH120

from __future__ import annotations

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

from edge_runtime.engines import EngineUnavailable
from edge_runtime.engines.silence import silence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

KNOWN = "2.3."
_LIBRARY = {"win32": "libLiteRt.dll", "darwin": "libLiteRt.dylib"}.get(sys.platform, "libLiteRt.so")

_ANY_INT = 2  # LiteRtAnyType
_AUTO_REGISTER_ACCELERATORS, _MIN_LOGGER_SEVERITY = 24, 25  # LiteRtEnvOptionTag
_CPU = 1  # LiteRtHwAccelerators
_SILENT = 4  # LiteRtLogSeverity; what goes wrong comes back as a status
_FLOAT32, _UINT8 = 1, 3  # LiteRtElementType
_ALIGNMENT = 64  # LITERT_HOST_MEMORY_BUFFER_ALIGNMENT


class _Any(Structure):
    _fields_ = (("type", c_int), ("value", c_int64))


class _Option(Structure):
    _fields_ = (("tag", c_int), ("value", _Any))


class _Layout(Structure):
    # The first word is rank in 7 bits and "has strides" in one; without strides it is the rank.
    _fields_ = (("rank", c_uint32), ("dimensions", c_int32 * 8), ("strides", c_uint32 * 8))


class _TensorType(Structure):
    _fields_ = (("element", c_int), ("layout", _Layout))


class LiteRt:
    """A graph compiled for the CPU, with its two buffers."""

    name = "litert"

    def __init__(self, library: CDLL, graph: memoryview, pixels: tuple[int, ...]) -> None:
        """Compile `graph` for input of shape `pixels` (uint8) and one float32 output `(1, 1)`."""
        self._library = library
        self._graph = graph  # LiteRT reads it where it lies: it has to outlive the model
        options = (_Option * 2)(
            # Looking for GPU and NPU costs time and writes to stderr.
            _Option(_AUTO_REGISTER_ACCELERATORS, _Any(_ANY_INT, _CPU)),
            _Option(_MIN_LOGGER_SEVERITY, _Any(_ANY_INT, _SILENT)),
        )
        self._environment = self._create("Environment", c_int(len(options)), options)
        address = c_void_p(addressof(c_char.from_buffer(graph)))
        size = c_size_t(len(graph))
        self._model = self._create("ModelFromBuffer", self._environment, address, size)
        compilation = self._create("Options")
        self._call("LiteRtSetOptionsHardwareAccelerators", compilation, c_int(_CPU))
        with silence():
            self._compiled = self._create(
                "CompiledModel", self._environment, self._model, compilation
            )
        self._size = 1
        for side in pixels:
            self._size *= side
        self._check_size("Input", self._size)
        self._check_size("Output", sizeof(c_float))
        self._input, self._input_address = self._buffer(_UINT8, pixels, self._size)
        self._output, self._output_address = self._buffer(_FLOAT32, (1, 1), sizeof(c_float))

    def logits(self, pixels: bytes) -> tuple[float, ...]:
        """Return the logit of one film, `pixels` row by row."""
        if len(pixels) != self._size:
            raise ValueError(f"{len(pixels)} bytes of pixels, the graph takes {self._size}")
        memmove(self._input_address, pixels, self._size)
        self._call(
            "LiteRtRunCompiledModel", self._compiled, c_size_t(0), c_size_t(1), byref(self._input),
            c_size_t(1), byref(self._output),
        )  # fmt: skip
        return (c_float.from_address(self._output_address).value,)

    def _call(self, function: str, *arguments: Any) -> None:
        status = getattr(self._library, function)(*arguments)
        if status:
            raise EngineUnavailable(f"{function} returned status {status}")

    def _create(self, what: str, *arguments: Any) -> c_void_p:
        handle = c_void_p()
        self._call(f"LiteRtCreate{what}", *arguments, byref(handle))
        return handle

    def _check_size(self, side: str, expected: int) -> None:
        """Compare a buffer with what the graph will read or write: C does not."""
        requirements, size = c_void_p(), c_size_t()
        self._call(
            f"LiteRtGetCompiledModel{side}BufferRequirements",
            self._compiled, c_size_t(0), c_size_t(0), byref(requirements),
        )  # fmt: skip
        self._call("LiteRtGetTensorBufferRequirementsBufferSize", requirements, byref(size))
        if size.value < expected or size.value >= expected + _ALIGNMENT:
            raise EngineUnavailable(
                f"the graph's {side.lower()} has {size.value} bytes, not {expected}"
            )

    def _buffer(self, element: int, shape: tuple[int, ...], size: int) -> tuple[c_void_p, int]:
        """Return a tensor buffer over memory of our own, and that memory's address."""
        room = -(-size // _ALIGNMENT) * _ALIGNMENT
        memory = create_string_buffer(room + _ALIGNMENT)
        address = addressof(memory) + -addressof(memory) % _ALIGNMENT
        kind = _TensorType(element, _Layout(len(shape), (c_int32 * 8)(*shape)))
        handle = self._create(
            "TensorBufferFromHostMemory", byref(kind), c_void_p(address), c_size_t(size), None
        )
        handle._memory = memory  # type: ignore[attr-defined]  # lives as long as the handle
        return handle, address


def load(graph: memoryview, pixels: tuple[int, ...]) -> LiteRt:
    """Return `graph` compiled by the installed LiteRT.

    Raises:
        ModuleNotFoundError: LiteRT is not installed.
        EngineUnavailable: it is of a version we do not know, or does not take the graph.
    """
    package = PathFinder.find_spec("ai_edge_litert")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("ai_edge_litert")
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
