"""A training run's folder: written whole or not at all, read back by `edge-kit export`.

RUN/model.keras      the trained network, raw grey levels in, probability out
RUN/config.json      how it was trained and what its input means
RUN/splits.csv       which film was in which split, by digest; no names, no paths
RUN/history.csv      loss and metrics by epoch
RUN/metrics.json     accuracy, sensitivity, specificity, AUC and refusals with intervals and n
RUN/curves.png       the same as pictures
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edge_runtime.bundle.manifest import FilmGate, Preprocess, Training
from edge_runtime.errors import CannotWrite, DataError

MODEL, CONFIG, SPLITS = "model.keras", "config.json", "splits.csv"
HISTORY, METRICS, CURVES = "history.csv", "metrics.json", "curves.png"


@dataclass(frozen=True, slots=True)
class RunConfig:
    """How a run was trained, and all that an export needs to know of it.

    `film_threshold` is the film branch's logit below which a picture is no film, `None` where the
    model has no such branch.
    """

    model: str
    modality: str
    negative: str
    positive: str
    seed: int
    epochs: int
    batch_size: int
    learning_rate: float
    preprocess: dict[str, int | float | str]
    data: str
    tools: dict[str, str]
    film_threshold: float | None = None

    def recipe(self) -> Preprocess:
        """Return the image pipeline the model was trained on."""
        return Preprocess(**self.preprocess)  # type: ignore[arg-type]

    def film_gate(self) -> FilmGate | None:
        """Return what a bundle says of the film branch."""
        return None if self.film_threshold is None else FilmGate(threshold=self.film_threshold)

    def training(self) -> Training:
        """Return what a bundle says of the training."""
        return Training(model=self.model, seed=self.seed, epochs=self.epochs)


def is_run(path: Path) -> bool:
    """Tell whether `path` looks like the folder of a run."""
    return (path / CONFIG).is_file()


def read_config(run: Path) -> RunConfig:
    """Return the configuration of the run in folder `run`.

    Raises:
        DataError: there is none, or it is not one that this version wrote.
    """
    path = run / CONFIG
    try:
        config = RunConfig(**json.loads(path.read_text("utf-8")))
        config.recipe(), config.training(), config.film_gate(), Path(config.data)
    except (OSError, ValueError, TypeError) as error:
        raise DataError(path, f"not the configuration of a run ({error})", "train again") from error
    return config


def read_accuracy(run: Path) -> float | None:
    """Return the accuracy on the test rows that a run measured, if it wrote that down."""
    try:
        content = json.loads((run / METRICS).read_text("utf-8"))
        return float(content["test"]["accuracy"]["value"])
    except (OSError, ValueError, TypeError, KeyError):
        return None


def write_json(path: Path, content: Any) -> None:
    """Write a dataclass or plain JSON content, indented and sorted."""
    plain = content if isinstance(content, dict | list) else asdict(content)
    text = json.dumps(plain, indent=2, sort_keys=True, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def require_new(out: Path) -> None:
    """Refuse a folder that holds something, before hours are spent on filling it.

    Raises:
        CannotWrite: `out` exists and is not an empty folder.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise CannotWrite(out, "exists already", "name a new folder")


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Yield a folder to fill; it becomes `out` if the block succeeds and vanishes otherwise.

    Raises:
        CannotWrite: `out` exists and is not empty, or the disk refuses.
    """
    require_new(out)
    place = out.resolve()  # for "." has no name
    staging = place.with_name(f".{place.name}.partial-{os.getpid()}")
    try:
        staging.mkdir(parents=True)
        yield staging
        if place.exists():
            place.rmdir()
        staging.replace(place)
    except OSError as error:
        problem = error.strerror or str(error)
        raise CannotWrite(out, problem, "check the rights and the free space") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
