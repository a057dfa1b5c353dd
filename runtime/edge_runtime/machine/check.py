"""Prove a bundle on this very machine: every byte, then the golden films through its engine."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edge_runtime.bundle import Bundle
from edge_runtime.bundle.digest import sha256
from edge_runtime.engines import ENGINES, EngineUnavailable
from edge_runtime.errors import FilmError, NoEngine, ParityFailed
from edge_runtime.film.preprocess import film_stages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from PIL import Image

    from edge_runtime.bundle.records import GoldenFilm
    from edge_runtime.engines import Engine


@dataclass(frozen=True, slots=True)
class GoldenComparison:
    """The logits that one golden film should give, and those that it gave."""

    film: str
    expected: tuple[float, ...]
    actual: tuple[float, ...]

    @property
    def difference(self) -> float:
        """The largest difference of a logit; infinite where one is no number or is missing."""
        if len(self.expected) != len(self.actual) or not all(map(math.isfinite, self.actual)):
            return math.inf
        return max(
            abs(logit - target) for target, logit in zip(self.expected, self.actual, strict=True)
        )


@dataclass(frozen=True, slots=True)
class Replay:
    """What the golden films gave on one engine, and by how much a logit may differ."""

    engine: str
    graph: str
    comparisons: tuple[GoldenComparison, ...]
    tolerance: float

    @property
    def films(self) -> int:
        """How many films there were."""
        return len(self.comparisons)

    @property
    def largest(self) -> float:
        """The largest difference of a logit on any film."""
        return max(golden.difference for golden in self.comparisons)

    def require_parity(self, subject: str) -> None:
        """Refuse logits that are not those of the bundle's maker.

        Raises:
            ParityFailed: a logit differs by more than the tolerance, or is not finite.
        """
        for golden in self.comparisons:
            if golden.difference <= self.tolerance:
                continue
            where = f"{subject}: {golden.film}"
            count, wanted_count = len(golden.actual), len(golden.expected)
            if count != wanted_count:
                problem = f"{self.engine} gives {count} logits where {wanted_count} are expected"
                raise ParityFailed(where, problem, "export the bundle again")
            expected, logit = next(
                (expected, logit)
                for expected, logit in zip(golden.expected, golden.actual, strict=True)
                # Written so that a logit that is no number fails.
                if not abs(logit - expected) <= self.tolerance
            )
            problem = f"{self.engine} answers {logit:.4f} where {expected:.4f} is expected"
            cure = f"the tolerance is {self.tolerance:g}: try another --engine"
            raise ParityFailed(where, problem, cure)


def replay(bundle: Bundle, engine: Engine) -> Replay:
    """Return what `engine` says of the golden films, beside what the bundle's maker measured.

    Raises:
        ParityFailed: the pixels are not those that the maker's Pillow gave.
        NoEngine: the engine failed.
    """
    graph = bundle.manifest.graph(ENGINES[engine.name][1])
    if graph is None:
        raise NoEngine(bundle.path, f"has no graph for {engine.name}", "try another --engine")
    golden = bundle.manifest.golden
    comparisons = []
    for film in golden.films:
        pixels = golden_pixels(bundle, film)
        logits = _logits(engine, pixels, bundle.path)
        comparisons.append(GoldenComparison(film.file, film.logits[graph.file], logits))
    return Replay(engine.name, graph.file, tuple(comparisons), golden.tolerance)


def replay_golden(bundle: Bundle, engine: Engine) -> Replay:
    """Return how far `engine` is from the golden logits that the bundle's maker measured.

    Raises:
        ParityFailed: the pixels differ, or a logit differs by more than the tolerance or is not
            finite.
        NoEngine: the engine failed.
    """
    replayed = replay(bundle, engine)
    replayed.require_parity(bundle.path)
    return replayed


def _logits(engine: Engine, pixels: bytes, subject: str) -> tuple[float, ...]:
    try:
        return engine.logits(pixels)
    except EngineUnavailable as error:
        raise NoEngine(subject, str(error), "try another --engine") from error


def golden_pixels(bundle: Bundle, film: GoldenFilm) -> bytes:
    """Return a golden film's pixels row by row, after comparing every stage with its maker's.

    Raises:
        ParityFailed: this machine's Pillow gives other pixels.
    """
    subject = f"{bundle.path}: {film.file}"
    try:
        for stage, image in film_stages(bytes(bundle.read(film.file)), bundle.manifest.preprocess):
            if stage_digest(image) != getattr(film.stages, stage):
                problem = f"this Pillow gives other pixels than its maker's once {stage}"
                raise ParityFailed(subject, problem, "install the Pillow that edge-run info names")
    except FilmError as error:
        raise ParityFailed(subject, error.problem, "export the bundle again") from error
    return image.tobytes()


def stage_digest(image: Image.Image) -> str:
    """Return the digest of a picture's mode, size and pixels."""
    return sha256(f"{image.mode} {image.width} {image.height}\n".encode() + image.tobytes())
