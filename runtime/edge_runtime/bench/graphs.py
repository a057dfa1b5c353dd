"""What each graph of a bundle takes alone: int8 beside float, TFLite beside ONNX."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from time import perf_counter, thread_time
from typing import Any

from edge_runtime.bench.meter import rotated
from edge_runtime.bundle import Bundle
from edge_runtime.bundle.records import Graph
from edge_runtime.engines import ENGINES, first_engine
from edge_runtime.errors import NoEngine
from edge_runtime.film.preprocess import film_pixels
from edge_runtime.machine.ratios import Ratio, percentile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from edge_runtime.engines import Engine

FLOAT = "float32"
"""The recipe of the graph that the others are compared with."""
_seconds = perf_counter if sys.platform == "win32" else thread_time
"""Processor time of this thread, in which engines run: what else the machine does counts less. On
Windows it goes by steps of 16 ms, and the time of day has to do."""
_WARM_UPS = 3  # the first inference prepares kernels


def graph_times(
    bundle: Bundle, choice: str, laps: int
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Return by file what each graph takes, and why some were not measured.

    All get the pixels of the first golden film, in turn, `laps` times, in the engine `choice` or
    the first that runs their format. A `ratio` is that of a graph's time to the float graph's in
    the same engine and lap, where the bundle has one.
    """
    engines, absent = _opened(bundle, choice)
    golden = bundle.manifest.golden.films[0].file
    pixels = film_pixels(bytes(bundle.read(golden)), bundle.manifest.preprocess)
    times: dict[str, list[float]] = {graph.file: [] for graph in engines}
    opened = {graph.file: engine for graph, engine in engines.items()}
    for lap in range(-_WARM_UPS, laps):
        for file in rotated(list(opened), lap):
            started = _seconds()
            opened[file].logits(pixels)
            if lap >= 0:
                times[file].append(1000 * (_seconds() - started))
    for engine in opened.values():
        engine.close()
    return {graph.file: _row(graph, engines, times) for graph in engines}, absent


def _opened(bundle: Bundle, choice: str) -> tuple[dict[Graph, Engine], dict[str, str]]:
    """Return the engine of each graph that one runs, and by file why none runs another."""
    shape = bundle.manifest.preprocess
    pixels = (1, shape.height, shape.width, shape.channels)
    engines: dict[Graph, Engine] = {}
    absent: dict[str, str] = {}
    for graph in bundle.manifest.graphs:
        if graph.outputs or (choice != "auto" and ENGINES[choice][1] != graph.format):
            continue

        def data(form: str, graph: Graph = graph) -> memoryview | None:
            return bundle.read(graph.file) if form == graph.format else None

        try:
            engines[graph] = first_engine(data, pixels, bundle.path, choice)
        except NoEngine as error:
            absent[graph.file] = error.problem
    return engines, absent


def _row(
    graph: Graph, engines: Mapping[Graph, Engine], times: Mapping[str, list[float]]
) -> dict[str, Any]:
    """Return the figures of a `graph`."""
    mine, row = times[graph.file], dict[str, Any]()
    for twin, engine in engines.items():
        if (engine.name, twin.recipe) == (engines[graph].name, FLOAT) and twin != graph:
            row["ratio"] = Ratio.of(mine, times[twin.file]).to_json()
    return {
        "engine": engines[graph].name,
        "recipe": graph.recipe,
        "p50_ms": percentile(mine, 50),
        "p95_ms": percentile(mine, 95),
        **row,
    }
