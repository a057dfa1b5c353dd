"""What one engine of a box makes of the same pixels again and again; runs in the box.

`python -m hardware.marked` takes a `Task` as JSON on stdin and prints the last logits. Before each
inference and after the last it sets a mark, at which `counter.c` notes how many instructions there
were until then.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass

from edge_runtime.bundle import open_bundle
from edge_runtime.engines import first_engine

MARK = 0x3DCE0DE5
"""As a file number: nobody has so many files."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from edge_runtime.bundle import Bundle
    from edge_runtime.engines import Engine


@dataclass(frozen=True, slots=True)
class Task:
    """Which graph of which bundle to run in which engine, and how often."""

    bundle: str
    graph: str
    engine: str
    inferences: int


def main() -> None:
    """Carry out the task on stdin."""
    task = Task(**json.load(sys.stdin))
    if task.engine == "litert":
        sys.modules["numpy"] = None  # type: ignore[assignment]  # it has to do without
    with open_bundle(task.bundle) as bundle:
        json.dump(repeated(opened(bundle, task), pixels(bundle), task.inferences), sys.stdout)


def opened(bundle: Bundle, task: Task) -> Engine:
    """Return the task's engine with the task's graph, whichever `edge-run` would take."""
    shape = bundle.manifest.preprocess
    (graph,) = (graph for graph in bundle.manifest.graphs if graph.file == task.graph)
    return first_engine(
        lambda form: bundle.read(graph.file) if form == graph.format else None,
        (1, shape.height, shape.width, shape.channels),
        bundle.path,
        task.engine,
    )


def pixels(bundle: Bundle) -> bytes:
    """Return pixels of every grey level: which they are costs nothing."""
    shape = bundle.manifest.preprocess
    size = shape.height * shape.width * shape.channels
    return (bytes(range(256)) * -(-size // 256))[:size]


def repeated(engine: Engine, pixels: bytes, inferences: int) -> tuple[float, ...]:
    """Return the logits of the last of so many `inferences`, between marks."""
    logits: tuple[float, ...] = ()
    mark()
    for _ in range(inferences):
        logits = engine.logits(pixels)
        mark()
    return logits


def mark() -> None:
    """Let the emulator note how many instructions there were until now."""
    try:
        os.close(MARK)
    except OSError:  # there is no such file
        return


if __name__ == "__main__":
    main()
