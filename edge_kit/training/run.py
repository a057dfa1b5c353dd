"""A training run's folder: written whole or not at all, read back by `edge-kit export`.

RUN/model.keras      the trained network, raw grey levels in, probability out
RUN/config.json      how it was trained and what its input means
RUN/splits.csv       which film was in which split, by digest; no names, no paths
RUN/history.csv      loss and metrics by epoch
RUN/metrics.json     accuracy, sensitivity, specificity, AUC and refusals with intervals and n
RUN/curves.png       the same as pictures
RUN/tensorboard      the same by epoch for TensorBoard, if it was asked for
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile, ZipInfo

from edge_export.films.film import HELD_OUT, Split
from edge_export.graph.model_file import WEIGHTS, refuse_unpacked
from edge_export.graph.network import RUN_MODEL
from edge_export.statistics.estimates import Estimate, Metrics
from edge_kit.data.film_folders import FilmFolders, film_folders
from edge_kit.files import require_own_files, staging
from edge_kit.models.recipe import EPSILON, Keep
from edge_kit.training.balance import BALANCES
from edge_runtime.bundle.records import FilmGate, Preprocess, Training
from edge_runtime.errors import DataError

if TYPE_CHECKING:
    import keras

MODEL, CONFIG, SPLITS = RUN_MODEL, "config.json", "splits.csv"
HISTORY, METRICS, CURVES = "history.csv", "metrics.json", "curves.png"
TENSORBOARD = "tensorboard"

_ADDRESS = re.compile(rb'("shared_object_id": )(\d+)')


@dataclass(frozen=True, slots=True)
class RunConfig:
    """How a run was trained, and all that an export needs to know of it.

    `film_threshold` is the film branch's logit below which a picture is no film, `None` where the
    model has no such branch. `epochs` are those that ran, of at most `most_epochs`: early stopping
    may have cut them short.
    `leaks` counts groups and near-duplicates that the split separates; unless it is 0, figures are
    too optimistic.
    `split_seed` dealt the splits that the data did not give; in older runs, which lack it, `seed`
    did. `class_names` are the names of the positive and the negative classes, where the training
    was told the negative ones.
    `keep` is which epoch's weights were kept, and `kept_epoch` its number, counted from 1.
    `warnings` and `caveat` are what has to be said beside the figures of the run.
    `data` is the folder of films, or a list of several.
    `balance` says how often films were shown in an epoch, None where each was once. What is
    `weight_decay`, `cosine` (the course of the learning rate) and `without_sources`, the sources
    that were left out, stands where they are named. None of these is written where it is not used,
    as by older versions.
    `options` are those of the command that trained it, for the card.
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
    data: str | Sequence[str]
    tools: dict[str, str]
    film_threshold: float | None = None
    members: Sequence[str] = ()
    early_stopping: dict[str, float] | None = None
    augmentation: dict[str, float] | None = None
    device: str = ""
    deterministic: bool = True
    most_epochs: int = 0
    epsilon: float = EPSILON
    leaks: int = 0
    split_seed: int | None = None
    class_names: Sequence[str] | None = None
    keep: Keep = "last"
    kept_epoch: int = 0
    warnings: Sequence[str] = ()
    caveat: Sequence[str] = ()
    options: Sequence[str] = ()
    balance: dict[str, int | str] | None = None
    weight_decay: float = 0.0
    cosine: bool = False
    without_sources: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the configuration as plain JSON content."""
        later = ("balance", "weight_decay", "cosine", "without_sources")
        unused = {name for name in later if not getattr(self, name)}
        return {name: value for name, value in asdict(self).items() if name not in unused}

    @property
    def folders(self) -> FilmFolders:
        """The folders of the films it was trained on, where they were then."""
        paths = [self.data] if isinstance(self.data, str) else self.data
        folders = film_folders([Path(path) for path in paths])
        return folders.leaving_out(self.without_sources)

    @property
    def folder_count(self) -> int:
        """The number of these folders."""
        return 1 if isinstance(self.data, str) else len(self.data)

    @property
    def dealt_by(self) -> int:
        """The seed of its splits."""
        return self.seed if self.split_seed is None else self.split_seed

    @property
    def chosen_names(self) -> tuple[str, str | None] | None:
        """The names of the positive and the negative classes that the training was told."""
        if self.class_names is None:
            return None
        positive, negative = self.class_names
        return positive, negative

    def caution(self) -> str:
        """Return what to say beside every figure of a run whose split leaks, else nothing."""
        if not self.leaks:
            return ""
        return (
            f"it was trained on a split that separates {self.leaks} groups or near-duplicates: its "
            "figures are too optimistic"
        )

    def preprocessing(self) -> Preprocess:
        """Return the image pipeline the model was trained on."""
        return Preprocess(**self.preprocess)  # type: ignore[arg-type]

    def film_gate(self) -> FilmGate | None:
        """Return what a bundle says of the film branch."""
        return None if self.film_threshold is None else FilmGate(threshold=self.film_threshold)

    def training(self) -> Training:
        """Return what a bundle says of the training."""
        split_seed = None if self.dealt_by == self.seed else self.dealt_by
        return Training(model=self.model, seed=self.seed, epochs=self.epochs, split_seed=split_seed)


def is_run(path: Path) -> bool:
    """Tell whether `path` looks like a run's folder, and not like an unpacked `.keras` file."""
    return (path / CONFIG).is_file() and not (path / WEIGHTS).is_file()


def read_config(run: Path) -> RunConfig:
    """Return the configuration of the run in folder `run`.

    Raises:
        DataError: there is none, it is not one that this version wrote, or others may change it.
    """
    refuse_unpacked(run)
    require_own_files(run)
    path = run / CONFIG
    try:
        config = RunConfig(**json.loads(path.read_text("utf-8")))
        config = replace(
            config,
            members=tuple(config.members),
            warnings=tuple(config.warnings),
            caveat=tuple(config.caveat),
            options=tuple(map(str, config.options)),
            without_sources=tuple(map(str, config.without_sources)),
        )
        config.preprocessing(), config.training(), config.film_gate()
        config.chosen_names  # noqa: B018
        _require_sound(config)
    except (OSError, ValueError, TypeError) as error:
        raise DataError(path, f"not the configuration of a run ({error})", "train again") from error
    return config


def _require_sound(config: RunConfig) -> None:
    """Raise a `ValueError` or `TypeError` where folders or balance are not as a run writes them."""
    if not isinstance(config.data, str | list) or not config.data:
        raise ValueError("no folder of films")
    for path in [config.data] if isinstance(config.data, str) else config.data:
        Path(path)
    if config.balance is not None and dict(config.balance).get("by") not in BALANCES[1:]:
        raise ValueError("no balance that is known")


def read_metrics(run: Path) -> dict[Split, Metrics]:
    """Return the metrics that a run recorded for each held-out split.

    Raises:
        DataError: it wrote nothing of the kind.
    """
    with _expected(run / METRICS) as content:
        return {
            split: Metrics(
                **{name: Estimate(**estimate) for name, estimate in content[split].items()}
            )
            for split in HELD_OUT
        }


def read_cautions(run: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the warnings of a run and what its figures are worth, as they were recorded.

    Raises:
        DataError: its metrics cannot be read.
    """
    with _expected(run / METRICS) as content:
        return tuple(content.get("warnings", ())), tuple(content.get("caveat", ()))


def read_film_check(run: Path) -> dict[str, Any]:
    """Return what the out-of-distribution check of a run refuses, as it was recorded.

    Raises:
        DataError: it wrote nothing of the kind.
    """
    with _expected(run / METRICS) as content:
        return dict(content["film_gate"])


@contextmanager
def _expected(path: Path) -> Iterator[Any]:
    """Yield the JSON of a run's file; what the block does not find in it becomes a `DataError`."""
    try:
        yield json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        problem = f"is not as a run writes it ({error})"
        raise DataError(path, problem, "train again") from error


def _numbered() -> Callable[[re.Match[bytes]], bytes]:
    """Return a function that replaces each address by its number in order of first appearance."""
    seen: dict[bytes, int] = {}
    return lambda address: b"%s%d" % (address[1], seen.setdefault(address[2], len(seen)))


def read_accuracy(run: Path) -> float | None:
    """Return the accuracy on the test films that a run recorded, if it did."""
    with suppress(DataError):
        return read_metrics(run)["test"].accuracy.value
    return None


def save_model(model: keras.Model, path: Path) -> None:
    """Write `model` as a `.keras` file, the same bytes for the same weights.

    Keras itself puts the time of day into it, and addresses in memory.
    """
    draft = path.with_name(f"draft-{path.name}")
    model.save(draft)
    with ZipFile(draft) as old, ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "metadata.json":
                versions = {k: v for k, v in json.loads(content).items() if k != "date_saved"}
                content = json.dumps(versions, sort_keys=True).encode()
            elif name == "config.json":
                content = _ADDRESS.sub(_numbered(), content)
            new.writestr(ZipInfo(name), content)
    draft.unlink()


def finished(out: Path) -> bool:
    """Tell whether the run `out` is complete; remove what a kill at its very end left behind."""
    if not is_run(out):
        return False
    shutil.rmtree(staging(out), ignore_errors=True)
    return True
