"""One graph of a network in one format, and its answers through a clinic's engine."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge_export.pixels import Pixels, progress
from edge_export.quiet import quiet
from edge_runtime.engines import first_engine
from edge_runtime.errors import ParityFailed
from edge_runtime.manifest import IntegerOutput

if TYPE_CHECKING:
    from edge_runtime.engines import Engine

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Artefact:
    """One graph to be proved: its file name in the bundle, its format and its bytes."""

    file: str
    format: str
    recipe: str
    graph: bytes


@dataclass(frozen=True, slots=True)
class Measured:
    """The logits `(n,)` that an artefact gave, and the median milliseconds of one film."""

    logits: Floats
    milliseconds: float
    engine: str


def open_artefact(artefact: Artefact, shape: tuple[int, ...]) -> Engine:
    """Return `artefact` in the first of the runtime's engines that runs it, for `shape` pixels.

    A graph that gives an integer, which those engines leave to others, runs in an interpreter
    that turns it back into a logit.

    Raises:
        NoEngine: nothing on this machine runs the graph.
    """
    if integer := integer_output(artefact):
        return _IntegerGraph(artefact.graph, shape, integer)
    # A copy, because engines want memory they may write to.
    graphs: dict[str, memoryview] = {artefact.format: memoryview(bytearray(artefact.graph))}
    return first_engine(graphs.get, shape, artefact.file)


def integer_output(artefact: Artefact) -> IntegerOutput | None:
    """Return what the int8 output of a TFLite `artefact` means, if it has one."""
    if artefact.format != "tflite":
        return None
    from ai_edge_litert.interpreter import Interpreter

    try:
        with quiet():
            output = Interpreter(model_content=artefact.graph).get_output_details()[0]
    except ValueError:  # it is no graph, as every engine will say of it
        return None
    if output["dtype"] is not np.int8:
        return None
    scale, zero_point = output["quantization"]
    return IntegerOutput(scale=float(scale), zero_point=int(zero_point))


class _IntegerGraph:
    """A full-integer TFLite graph in LiteRT's own interpreter."""

    name = "litert-python"

    def __init__(self, graph: bytes, shape: tuple[int, ...], output: IntegerOutput) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._shape, self._meaning = shape, output
        with quiet():
            self._interpreter = Interpreter(model_content=graph, num_threads=1)
            self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]

    def logits(self, pixels: bytes) -> tuple[float, ...]:
        film = np.frombuffer(pixels, np.uint8).reshape(self._shape)
        self._interpreter.set_tensor(self._input, film)
        self._interpreter.invoke()
        found = int(self._interpreter.get_tensor(self._output).item())
        return (self._meaning.scale * (found - self._meaning.zero_point),)


def measure(artefact: Artefact, pixels: Pixels) -> Measured:
    """Run `artefact` on `(n, h, w, c)` pixels, one thread, one film at a time.

    Raises:
        ParityFailed: an answer is not finite.
        NoEngine: nothing on this machine runs the graph.
    """
    engine = open_artefact(artefact, (1, *pixels.shape[1:]))
    logits, seconds = np.empty(len(pixels)), np.empty(len(pixels))
    for index, film in enumerate(progress(pixels, len(pixels), artefact.file, "film")):
        encoded = film.tobytes()
        started = perf_counter()
        logits[index] = engine.logits(encoded)[0]
        seconds[index] = perf_counter() - started
    if not np.isfinite(logits).all():
        bad = int((~np.isfinite(logits)).sum())
        problem = f"not_finite: {bad} of {len(logits)} answers are not finite"
        raise ParityFailed(artefact.file, problem, "choose another recipe, or train again")
    return Measured(logits, 1000 * float(np.median(seconds)), engine.name)
