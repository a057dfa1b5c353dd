"""Prove a bundle on this very machine: every byte, then the golden films through its engine."""

from __future__ import annotations

from dataclasses import dataclass

from edge_runtime.bundle import Bundle
from edge_runtime.digest import sha256
from edge_runtime.engines import ENGINES, EngineUnavailable
from edge_runtime.errors import FilmError, NoEngine, ParityFailed
from edge_runtime.preprocess import film_stages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from PIL import Image

    from edge_runtime.engines import Engine
    from edge_runtime.manifest import GoldenFilm


@dataclass(frozen=True, slots=True)
class Replay:
    """What the golden films gave: `largest` is the largest difference of a logit."""

    engine: str
    graph: str
    films: int
    largest: float
    tolerance: float


def replay_golden(bundle: Bundle, engine: Engine) -> Replay:
    """Return how far `engine` is from the golden logits that the bundle's maker measured.

    Raises:
        ParityFailed: the pixels differ, or a logit differs by more than the tolerance or is not
            finite.
        NoEngine: the engine failed.
    """
    run = bundle.manifest.graph(ENGINES[engine.name][1])
    if run is None:
        raise NoEngine(bundle.path, f"has no graph for {engine.name}", "try another --engine")
    graph = run.file
    golden = bundle.manifest.golden
    largest = 0.0
    for film in golden.films:
        subject = f"{bundle.path}: {film.file}"
        pixels = _pixels(bundle, film, subject)
        found = _logits(engine, pixels, bundle.path)
        wanted = film.logits[graph]
        if len(found) != len(wanted):
            problem = f"{engine.name} gives {len(found)} logits where {len(wanted)} are expected"
            raise ParityFailed(subject, problem, "export the bundle again")
        for expected, logit in zip(wanted, found, strict=True):
            # Written so that a logit that is no number fails.
            if not abs(logit - expected) <= golden.tolerance:
                problem = f"{engine.name} answers {logit:.4f} where {expected:.4f} is expected"
                cure = f"the tolerance is {golden.tolerance:g}: try another --engine"
                raise ParityFailed(subject, problem, cure)
            largest = max(largest, abs(logit - expected))
    return Replay(engine.name, graph, len(golden.films), largest, golden.tolerance)


def _logits(engine: Engine, pixels: bytes, subject: str) -> tuple[float, ...]:
    try:
        return engine.logits(pixels)
    except EngineUnavailable as error:
        raise NoEngine(subject, str(error), "try another --engine") from error


def _pixels(bundle: Bundle, film: GoldenFilm, subject: str) -> bytes:
    """Return the golden film's pixels, after comparing every stage with its maker's."""
    try:
        for stage, image in film_stages(bytes(bundle.read(film.file)), bundle.manifest.preprocess):
            if stage_digest(image) != getattr(film.stages, stage):
                problem = f"this Pillow gives other pixels than its maker's once {stage}"
                raise ParityFailed(subject, problem, "install the Pillow that the README names")
    except FilmError as error:
        raise ParityFailed(subject, error.problem, "export the bundle again") from error
    return image.tobytes()


def stage_digest(image: Image.Image) -> str:
    """Return the digest of a picture's mode, size and pixels."""
    return sha256(f"{image.mode} {image.width} {image.height}\n".encode() + image.tobytes())
