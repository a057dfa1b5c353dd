"""What one engine of a box makes of films; runs in the box, with what a clinic's box has.

`python -m hardware.worker` takes a `Task` as JSON on stdin and prints an `Answers`, or leaves with
the exit status and the one line of the error that keeps it from answering.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass

from edge_runtime.bundle import open_bundle
from edge_runtime.bundle.digest import sha256
from edge_runtime.engines import open_engine
from edge_runtime.engines.processor import features
from edge_runtime.errors import EdgeError
from edge_runtime.film.preprocess import film_pixels

TYPE_CHECKING = False
if TYPE_CHECKING:
    from edge_runtime.bundle import Bundle


@dataclass(frozen=True, slots=True)
class Task:
    """Which films to run through which engine; `careless`: with its own defaults."""

    bundle: str
    films: list[str]
    engine: str
    careless: bool = False


@dataclass(frozen=True, slots=True)
class Answers:
    """Digests of the pixels and logits, first of the golden films and then of the others."""

    features: list[str]
    pixels: list[str]
    logits: list[list[float]]
    seconds: float


def main() -> int:
    """Answer the task on stdin and return the exit status."""
    task = Task(**json.load(sys.stdin))
    if task.engine == "litert":
        sys.modules["numpy"] = None  # type: ignore[assignment]  # it has to do without
    if task.careless:
        from edge_runtime.engines import onnx_runtime

        onnx_runtime.may_saturate = lambda: False
    try:
        with open_bundle(task.bundle) as bundle:
            json.dump(asdict(answers(bundle, task)), sys.stdout)
    except EdgeError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    return 0


def answers(bundle: Bundle, task: Task) -> Answers:
    """Return what the engine makes of the bundle's golden films and the task's."""
    started = time.monotonic()
    films: list[bytes | str] = [
        *(bytes(bundle.read(film.file)) for film in bundle.manifest.golden.films),
        *task.films,
    ]
    engine = open_engine(bundle, task.engine)
    pixels = [film_pixels(film, bundle.manifest.preprocess) for film in films]
    return Answers(
        features=sorted(features() or ()),
        pixels=[sha256(one) for one in pixels],
        logits=[list(engine.logits(one)) for one in pixels],
        seconds=time.monotonic() - started,
    )


if __name__ == "__main__":
    sys.exit(main())
