"""One graph of a network in one format, and its answers through a clinic's engine."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from edge_export.pixels import Pixels, progress
from edge_runtime.engines import first_engine
from edge_runtime.errors import DataError

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


def measure(artefact: Artefact, pixels: Pixels) -> Measured:
    """Run `artefact` on `(n, h, w, c)` pixels, one thread, one film at a time.

    Raises:
        DataError: an answer is not finite.
        NoEngine: nothing on this machine runs the graph.
    """
    # A copy, because engines want memory they may write to.
    graphs = {artefact.format: memoryview(bytearray(artefact.graph))}
    engine = first_engine(graphs.get, (1, *pixels.shape[1:]), artefact.file)
    logits, seconds = np.empty(len(pixels)), np.empty(len(pixels))
    for index, film in enumerate(progress(pixels, len(pixels), artefact.file, "film")):
        encoded = film.tobytes()
        started = perf_counter()
        logits[index] = engine.logits(encoded)[0]
        seconds[index] = perf_counter() - started
    if not np.isfinite(logits).all():
        raise DataError(artefact.file, "answers with numbers that are not finite", "train again")
    return Measured(logits, 1000 * float(np.median(seconds)), engine.name)
