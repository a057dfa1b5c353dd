"""Films in, answers out, one at a time and in order."""
# On the cold path, where loading pathlib would cost more than it is worth:
# ruff: noqa: PTH110, PTH112, PTH113

from __future__ import annotations

import math
import os
from time import perf_counter

from edge_runtime.decide import calibrated, label
from edge_runtime.engines import EngineUnavailable
from edge_runtime.errors import FilmError, Refusal
from edge_runtime.preprocess import film_pixels

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge_runtime.bundle import Bundle
    from edge_runtime.engines import Engine

FIELDS = (
    "file", "status", "label", "probability", "logit", "threshold", "refusal", "problem",
    "bundle", "bundle_sha256", "engine", "milliseconds",
)  # fmt: skip


class Answer:
    """What is said of one film.

    `status` is `ok`, `refused` (read, but not judged, `refusal` has the reason) or `error` (not
    read, or the engine failed). Without `ok`, `label`, `probability` and `logit` are `None`.
    `probability` is the calibrated one of the positive class, on the scale of the threshold;
    `milliseconds` are for reading and judging this film.
    """

    __slots__ = ("error", "file", "label", "logit", "milliseconds", "probability", "status")

    def __init__(
        self,
        file: str,
        milliseconds: float,
        *,
        logit: float | None = None,
        probability: float | None = None,
        decided: str | None = None,
        error: FilmError | None = None,
    ) -> None:
        self.file = file
        self.milliseconds = milliseconds
        self.logit = logit
        self.probability = probability
        self.label = decided
        self.error = error
        refused = isinstance(error, Refusal)
        self.status = "ok" if error is None else "refused" if refused else "error"


def classify(path: str, bundle: Bundle, engine: Engine) -> Answer:
    """Return the answer for the film at `path`; a film that cannot be judged is an answer too."""
    started = perf_counter()
    manifest = bundle.manifest
    try:
        logit = engine.logits(film_pixels(path, manifest.preprocess))[0]
        if not math.isfinite(logit):
            problem = f"the graph answered {logit}"
            raise FilmError(path, problem, "run edge-run check on the bundle")
    except EngineUnavailable as reason:
        error = FilmError(path, str(reason), "try another --engine")
        return Answer(path, _since(started), error=error)
    except FilmError as error:
        return Answer(path, _since(started), error=error)
    probability = calibrated(logit, manifest.decision.calibration)
    decided = label(probability, manifest.decision, manifest.classes)
    return Answer(path, _since(started), logit=logit, probability=probability, decided=decided)


def films_below(argument: str) -> Iterator[str]:
    """Yield `argument` itself or, for a folder, every file below it, in the order of their names.

    Links count as what they lead to, but links to folders are not followed, so that no loop can
    hold us. A folder that cannot be listed and a link that leads nowhere are yielded as well:
    reading them will say why.
    """
    waiting = [(argument, os.path.isdir(argument))]  # folders nest deeper than calls can
    while waiting:
        path, is_folder = waiting.pop()
        if not is_folder:
            yield path
            continue
        try:
            with os.scandir(path) as entries:
                found = sorted(entries, key=lambda entry: entry.name, reverse=True)
        except OSError:
            yield path
            continue
        for entry in found:
            if entry.is_dir(follow_symlinks=False):
                waiting.append((entry.path, True))
            elif os.path.isfile(entry.path) or not os.path.exists(entry.path):
                waiting.append((entry.path, False))


def _since(started: float) -> float:
    return round(1000 * (perf_counter() - started), 3)
