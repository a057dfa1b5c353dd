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
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from edge_kit.data.lock import try_lock
from edge_runtime.bundle.manifest import FilmGate, Preprocess, Training
from edge_runtime.errors import CannotWrite, DataError

MODEL, CONFIG, SPLITS = "model.keras", "config.json", "splits.csv"
HISTORY, METRICS, CURVES = "history.csv", "metrics.json", "curves.png"
CHECKPOINT = "checkpoint.npz"
"""The state of a training that is not finished; in no run that is."""


@dataclass(frozen=True, slots=True)
class RunConfig:
    """How a run was trained, and all that an export needs to know of it.

    `film_threshold` is the film branch's logit below which a picture is no film, `None` where the
    model has no such branch. `epochs` are those that ran, which early stopping may have cut short.
    `members` are the digests of the models that an ensemble averages; what else is said of an
    ensemble is that of its first member.
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
    members: Sequence[str] = ()
    early_stopping: dict[str, float] | None = None
    augmentation: dict[str, float] | None = None
    device: str = ""
    deterministic: bool = True

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
        config = replace(config, members=tuple(config.members))
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


def staging(out: Path) -> Path:
    """Return the hidden folder beside `out` in which a training lies until it is finished."""
    place = out.resolve()  # for "." has no name
    return place.with_name(f".{place.name}.partial")


def require_new(out: Path, *, resume: bool = False) -> None:
    """Refuse a folder that holds something, before hours are spent on filling it.

    Raises:
        CannotWrite: `out` exists and is not an empty folder, or holds an interrupted training that
            is not to go on.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise CannotWrite(out, "exists already", "name a new folder")
    if not resume and (staging(out) / CHECKPOINT).exists():
        cure = f"go on with --resume, or delete {staging(out)}"
        raise CannotWrite(out, "an interrupted training is to be written there", cure)


def finished(out: Path) -> bool:
    """Tell whether a training that is to go on has ended; tidy up if it was killed just then."""
    if not is_run(out):
        return False
    shutil.rmtree(staging(out), ignore_errors=True)
    return True


@contextmanager
def new_folder(out: Path, *, resume: bool = False) -> Iterator[Path]:
    """Yield a folder to fill; it becomes `out` if the block succeeds and vanishes otherwise.

    A file `CHECKPOINT` that the block writes beside the folder stays if the block fails, and is
    there again for the next one that is to `resume`.

    Raises:
        CannotWrite: `out` exists and is not empty, or the disk refuses.
    """
    require_new(out, resume=resume)
    place, partial = out.resolve(), staging(out)
    try:
        partial.mkdir(parents=True, exist_ok=True)
        with (partial / "lock").open("wb") as lock:
            if not try_lock(lock):
                raise CannotWrite(out, "is being written by another training", "wait for it")
            folder = partial / "run"
            shutil.rmtree(folder, ignore_errors=True)  # what was begun when it was killed
            folder.mkdir()
            try:
                yield folder
                if place.exists():
                    place.rmdir()
                folder.replace(place)
                (partial / CHECKPOINT).unlink(missing_ok=True)
            finally:
                kept = (partial / CHECKPOINT).exists()
                shutil.rmtree(folder if kept else partial, ignore_errors=True)
    except OSError as error:
        problem = error.strerror or str(error)
        raise CannotWrite(out, problem, "check the rights and the free space") from error
