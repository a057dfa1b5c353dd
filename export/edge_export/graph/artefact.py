"""One graph of a network in one format, and its logits in an engine that clinics run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge_export.films.pixels import FilmPixels, progress
from edge_export.quiet import first_line, one_line, quiet
from edge_runtime.bundle.records import IntegerOutput
from edge_runtime.engines import EngineUnavailable, first_engine
from edge_runtime.engines.onnx_runtime import load
from edge_runtime.errors import NoEngine, ParityFailed

if TYPE_CHECKING:
    from edge_runtime.engines import Engine

Floats = NDArray[np.float64]
_ANOTHER_RECIPE = "choose another recipe, or replace the layer"


@dataclass(frozen=True, slots=True)
class Artefact:
    """One graph to be proved: its file name in the bundle, its format, its recipe and its bytes."""

    file: str
    format: str
    recipe: str
    graph: bytes


@dataclass(frozen=True, slots=True)
class Measured:
    """The outputs `(n, outputs)` of an artefact, and the median milliseconds of one film."""

    outputs: Floats
    milliseconds: float
    engine: str

    @property
    def logits(self) -> Floats:
        """The decision's logits `(n,)`."""
        return self.outputs[:, 0]


def open_artefact(artefact: Artefact, shape: tuple[int, ...]) -> Engine:
    """Return `artefact` in the first of the runtime's engines that runs it, for `shape` pixels.

    A graph with integer outputs, which those engines do not run, runs in an interpreter whose
    integers are turned into logits here.

    Raises:
        NoEngine: nothing on this machine runs the graph.
        NotABundle: it is none that the runtime would give to an engine.
    """
    if integers := integer_outputs(artefact):
        return _IntegerGraph(artefact.graph, shape, integers)
    # A copy, because engines want memory they may write to.
    graphs: dict[str, memoryview] = {artefact.format: memoryview(bytearray(artefact.graph))}
    return first_engine(graphs.get, shape, artefact.file)


def require_openable(artefact: Artefact, shape: tuple[int, ...]) -> None:
    """Refuse an ONNX graph that ONNX Runtime opens on some processors only, for `shape` pixels.

    On x86 without VNNI, ONNX Runtime rewrites the graph before it opens it, which may fail. Here
    both ways are tried, whichever this processor needs.

    Raises:
        NoEngine: it does not open in both ways.
    """
    if artefact.format != "onnx":
        return
    for exact in (False, True):
        try:
            load(memoryview(artefact.graph), shape, exact=exact).close()
        except EngineUnavailable as error:
            where = " on x86 processors without VNNI" if exact else ""
            problem = f"ONNX Runtime cannot run it{where} ({first_line(error)})"
            raise NoEngine(artefact.file, problem, _ANOTHER_RECIPE) from error


def engine_of(artefacts: Sequence[Artefact], shape: tuple[int, ...], subject: object) -> Engine:
    """Return the engine that `edge-run` would choose for a bundle of `artefacts`, with its graph.

    `shape` is that of one film, `(1, h, w, c)`; `subject` is named where none can be used.

    Raises:
        NoEngine: nothing on this machine runs one of the graphs.
    """
    graphs: dict[str, memoryview] = {}
    for artefact in artefacts:
        if artefact.format not in graphs and not integer_outputs(artefact):
            graphs[artefact.format] = memoryview(bytearray(artefact.graph))
    return first_engine(graphs.get, shape, subject)


def integer_outputs(artefact: Artefact) -> tuple[IntegerOutput, ...]:
    """Return scale and zero point of the int8 outputs of a TFLite `artefact`; none for floats."""
    if artefact.format != "tflite":
        return ()
    from ai_edge_litert.interpreter import Interpreter

    try:
        with quiet():
            outputs = Interpreter(model_content=artefact.graph).get_output_details()
    except ValueError:  # not a graph: every engine will say so
        return ()
    steps = [output["quantization"] for output in outputs if output["dtype"] is np.int8]
    return tuple(
        IntegerOutput(scale=float(scale), zero_point=int(zero_point)) for scale, zero_point in steps
    )


class _IntegerGraph:
    """A full-integer TFLite graph in LiteRT's own interpreter."""

    name = "litert-python"

    def __init__(
        self, graph: bytes, shape: tuple[int, ...], meanings: tuple[IntegerOutput, ...]
    ) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._shape, self._meanings = shape, meanings
        with quiet():
            self._interpreter = Interpreter(model_content=graph, num_threads=1)
            self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._outputs = [output["index"] for output in self._interpreter.get_output_details()]

    def logits(self, pixels: bytes) -> tuple[float, ...]:
        film = np.frombuffer(pixels, np.uint8).reshape(self._shape)
        self._interpreter.set_tensor(self._input, film)
        self._interpreter.invoke()
        integers = [int(self._interpreter.get_tensor(index).item()) for index in self._outputs]
        return tuple(
            meaning.scale * (integer - meaning.zero_point)
            for meaning, integer in zip(self._meanings, integers, strict=True)
        )

    def close(self) -> None:
        """Do nothing: the interpreter is freed with its last reference."""


def measure(artefact: Artefact, pixels: FilmPixels) -> Measured:
    """Run `artefact` on `(n, h, w, c)` pixels, one thread, one film at a time.

    Raises:
        ParityFailed: an answer is not finite.
        NoEngine: nothing on this machine runs the graph.
        DataError: what opened the graph fails on a film.
    """
    engine = open_artefact(artefact, (1, *pixels.shape[1:]))
    answers, seconds = list[tuple[float, ...]](), np.empty(len(pixels))
    problem = f"{engine.name} cannot run it"
    # The first film prepares kernels, and LiteRT writes to the terminal where it cannot.
    with quiet(), one_line(artefact.file, problem, _ANOTHER_RECIPE):
        engine.logits(pixels[0].tobytes())
    with one_line(artefact.file, problem, _ANOTHER_RECIPE):
        for index, film in enumerate(progress(pixels, len(pixels), artefact.file, "film")):
            encoded = film.tobytes()
            started = perf_counter()
            answers.append(engine.logits(encoded))
            seconds[index] = perf_counter() - started
    outputs = np.array(answers, np.float64)
    if not np.isfinite(outputs).all():
        bad = int((~np.isfinite(outputs)).any(axis=1).sum())
        found = f"not_finite: {bad} of {len(outputs)} answers are not finite"
        raise ParityFailed(artefact.file, found, "choose another recipe, or train again")
    return Measured(outputs, 1000 * float(np.median(seconds)), engine.name)
