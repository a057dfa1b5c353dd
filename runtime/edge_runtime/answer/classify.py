"""Classifying one film: its pixels, the graph's logits, the decision."""

from __future__ import annotations

import math
import os
from contextlib import nullcontext
from time import perf_counter

from edge_runtime.answer.decide import calibrated, is_film, label
from edge_runtime.engines import EngineUnavailable
from edge_runtime.errors import FilmError, Refusal
from edge_runtime.film.preprocess import film_pixels
from edge_runtime.film.source import SourceFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_runtime.bundle import Bundle
    from edge_runtime.bundle.manifest import Manifest
    from edge_runtime.bundle.records import Decision, IntendedUse
    from edge_runtime.engines import Engine
    from edge_runtime.film.preprocess import FilmInput

    ReadFilm = Callable[[FilmInput, str, Callable[[str], None], SourceFile | None], bytes]
    """Takes a film, its name, what to call with a warning, and the file to note things of; returns
    its pixels, as `film_pixels` does."""

FIELDS = (
    "file", "status", "label", "probability", "logit", "film_logit", "threshold", "refusal",
    "problem", "warning", "bundle", "bundle_sha256", "engine", "milliseconds", "place", "bytes",
    "sha256", "stamp",
)  # fmt: skip

STATUSES = ("ok", "refused", "error")


class Answer:
    """Everything that is returned for one film.

    `status` is `ok`, `refused` (read, but not judged, `refusal` has the reason) or `error` (not
    read, what it takes is missing on this machine, or the engine failed). Without `ok`, `label`,
    `probability` and `logit` are `None`.
    `probability` is the calibrated one of the positive class, on the scale of the threshold;
    `film_logit` is the graph's second answer, where it has one: how much the picture looks like
    a film; `warning` is what the reader of an answer has to know of the film; `milliseconds` are
    for reading and judging this film; `source` is the file that was judged, where there is one.
    """

    __slots__ = (
        "error", "file", "film_logit", "label", "logit", "milliseconds", "probability", "source",
        "status", "warning",
    )  # fmt: skip

    def __init__(
        self,
        file: str,
        milliseconds: float,
        *,
        logit: float | None = None,
        probability: float | None = None,
        decided: str | None = None,
        film_logit: float | None = None,
        warning: str | None = None,
        error: FilmError | None = None,
        source: SourceFile | None = None,
    ) -> None:
        self.file = file
        self.milliseconds = milliseconds
        self.logit = logit
        self.film_logit = film_logit
        self.probability = probability
        self.label = decided
        self.warning = warning
        self.error = error
        self.source = source
        refused = isinstance(error, Refusal)
        self.status = "ok" if error is None else "refused" if refused else "error"

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"Answer({shown})"


def classify(
    film: FilmInput,
    bundle: Bundle,
    engine: Engine,
    *,
    file: str | None = None,
    decision: Decision | None = None,
    digested: bool = False,
    read: ReadFilm | None = None,
) -> Answer:
    """Return the answer for `film`; one that cannot be judged is an answer too.

    `file` is what the answer calls it, where that is not its path; `decision` takes the place of
    the bundle's. The answer's `source` has a digest where it is to be `digested`. The film is
    read by `read`, or in this process.
    """
    started = perf_counter()
    manifest = bundle.manifest
    read = read or _read_here(manifest)
    name = film_name(film) if file is None else file
    decision = decision or manifest.decision
    film_logit = None
    warnings: list[str] = []
    source = SourceFile(digested=digested) if isinstance(film, str | os.PathLike) else None
    try:
        logits = _logits(read(film, name, warnings.append, source), name, bundle, engine)
        if manifest.film_gate is not None:
            film_logit = logits[1]
            if not is_film(film_logit, manifest.film_gate):
                raise Refusal("not_a_film", name, *_no_film(manifest.intended_use))
    except FilmError as error:
        _forget_frames(error)
        return Answer(name, _since(started), film_logit=film_logit, error=error, source=source)
    probability = calibrated(logits[0], decision.calibration)
    decided = label(probability, decision, manifest.classes)
    return Answer(
        name, _since(started),
        logit=logits[0], film_logit=film_logit, probability=probability, decided=decided,
        warning="; ".join(warnings) or None, source=source,
    )  # fmt: skip


def _no_film(use: IntendedUse) -> tuple[str, str]:
    """Return in words what a picture is not that the film branch refuses, and the cure."""
    if use.modality == "other":
        cure = "give a picture like those that it was made with"
        return "does not look like a picture that this bundle is for", cure
    if use.modality == "xray" and "CHEST" in use.body_parts:
        cure = "give the upright film, as it left the X-ray machine"
        return "does not look like a film of the chest", cure
    cure = "give the upright film, as it left its device"
    return "does not look like a film that this bundle is for", cure


def film_name(film: FilmInput) -> str:
    """Return what an answer calls `film`: its path, where it has one."""
    return os.fspath(film) if isinstance(film, str | os.PathLike) else "image in memory"


def _read_here(manifest: Manifest) -> ReadFilm:
    def read(
        film: FilmInput, name: str, warn: Callable[[str], None], source: SourceFile | None
    ) -> bytes:
        del name  # which is its path
        watch = source.watch if source else nullcontext
        return film_pixels(film, manifest.preprocess, manifest.intended_use, warn, watch)

    return read


def _logits(pixels: bytes, name: str, bundle: Bundle, engine: Engine) -> tuple[float, ...]:
    """Return the graph's logits for a film's pixels, all of them finite."""
    manifest = bundle.manifest
    try:
        logits = engine.logits(pixels)
    except EngineUnavailable as reason:
        raise FilmError(name, str(reason), "try another --engine") from reason
    expected = 1 if manifest.film_gate is None else 2
    if len(logits) != expected:
        problem = f"the graph gives {len(logits)} logits where {expected} are expected"
        raise FilmError(name, problem, _checking(bundle))
    for logit in logits:
        if not math.isfinite(logit):
            raise FilmError(name, f"the graph answered {logit}", _checking(bundle))
    return logits


def _checking(bundle: Bundle) -> str:
    """Return the cure where a graph does not answer as its manifest says."""
    from edge_runtime.cures import program, quoted

    return f"run {program()} check {quoted(bundle.path)}"


def _forget_frames(error: BaseException | None) -> None:
    """Clear the frames in the traceback of `error`, which hold pictures in memory."""
    while error is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__


def _since(started: float) -> float:
    return round(1000 * (perf_counter() - started), 3)
