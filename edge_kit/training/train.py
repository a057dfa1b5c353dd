"""Train a network and then its film branch, and write the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge_export.cautions import Cautions
from edge_export.films.film import HELD_OUT, SPLITS, Film, Split, require_held_out
from edge_export.films.labels import are_positive
from edge_export.films.pixels import Pixels
from edge_export.graph.network import InputRange, network
from edge_export.proof.reference import reference_outputs
from edge_export.statistics.estimates import Floats, Metrics, evaluate
from edge_kit.data.dataset import Dataset
from edge_kit.data.film_folders import Folders
from edge_kit.data.pixel_store import CachedPixels
from edge_kit.data.reader import FilmReader
from edge_kit.data.split import write_split_table
from edge_kit.files import CHECKPOINT, new_folder
from edge_kit.film_branch.branch import join
from edge_kit.film_branch.fit import checked_branch
from edge_kit.film_branch.negatives import stretched
from edge_kit.film_branch.threshold import weak
from edge_kit.models.registry import architecture
from edge_kit.training.checkpoint import History
from edge_kit.training.device import find_device
from edge_kit.training.feed import LabelledPixels
from edge_kit.training.plan import TrainingPlan, identity, run_config
from edge_kit.training.run import SPLITS as SPLIT_TABLE
from edge_kit.training.run import TENSORBOARD, RunConfig
from edge_kit.training.run_files import RunOutcome, write_run
from edge_kit.training.shortfalls import kept_line, of_kept_epoch, one_class
from edge_kit.training.stopping import kept_epoch
from edge_runtime.bundle.records import Preprocess
from edge_runtime.errors import CannotWrite, EdgeError

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained network with its film branch, and its metrics on each held-out split.

    Decisions are at a probability of one half.
    """

    model: keras.Model
    metrics: Mapping[Split, Metrics]

    def predict(self, pixels: Pixels) -> Floats:
        """Return the logits `(n,)` for `(n, height, width, channels)` grey levels."""
        return reference_outputs(network(self.model, InputRange()), pixels)[:, 0]


Judge = Callable[[Trained, Dataset, Cautions], None]
"""Weighs what a trained network's figures on a dataset are worth, and adds it to the cautions."""


def train(
    dataset: Dataset,
    data: Folders,
    plan: TrainingPlan,
    out: Path,
    say: Callable[[str], None],
    *,
    others: Sequence[Film] = (),
    reader: FilmReader | None = None,
    resume: bool = False,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    cautions: Cautions | None = None,
    judge: Judge = lambda *_: None,
) -> Trained:
    """Train by `plan` on `dataset`, read from `data`, and write the run to `out`.

    `others` are films of another modality, which the film branch learns to refuse. `reader`
    gives the pixels of all. After each epoch the state is kept beside `out`; with `resume` a
    training that was interrupted goes on from there. `cautions` stand first in what is written;
    those of the network are added, and those of `judge`, which gets it before it is written.

    Raises:
        UsageError: another training was begun at `out`.
        DataError: a film cannot be used, a held-out split has too few, or the loss did not stay
            finite.
        CannotWrite: `out` could not be written; finished epochs are kept, nothing else.
    """
    require_held_out(dataset.films)
    reader, cautions = reader or FilmReader(say=say), cautions or Cautions(say)
    with new_folder(out, resume=resume) as folder, _kept(folder.parent / CHECKPOINT, out, say):
        fitted = _fitted(
            *(dataset, data, plan, out, say),
            checkpoint=folder.parent / CHECKPOINT,
            reader=reader,
            callbacks=callbacks,
        )
        metrics, scores = fitted.measured()
        cautions.warn(*fitted.shortfalls(metrics))
        trained, config, film_gate = _joined(
            fitted, metrics, others, reader, say, cautions=cautions
        )
        judge(trained, dataset, cautions)
        outcome = RunOutcome(config, trained.model, fitted.history, metrics, film_gate)
        truth = {split: fitted.rows[split].positive for split in HELD_OUT}
        write_run(folder, outcome, truth, scores, cautions)
        write_split_table(dataset.films, folder / SPLIT_TABLE)
        if (log := folder.parent / TENSORBOARD).is_dir():  # of all epochs, earlier ones too
            log.rename(folder / TENSORBOARD)
            for number, log_file in enumerate(sorted((folder / TENSORBOARD).iterdir())):
                # TensorFlow names the machine in it; TensorBoard needs no more than this.
                log_file.rename(log_file.with_name(f"events.out.tfevents.{number}"))
    say(f"wrote {out}")
    return trained


def train_and_measure(
    dataset: Dataset,
    data: Folders,
    plan: TrainingPlan,
    say: Callable[[str], None],
    *,
    reader: FilmReader | None = None,
) -> dict[Split, Metrics]:
    """Train by `plan` on `dataset`, as `train` does, and keep nothing but the metrics.

    Raises:
        DataError: as `train` does.
        CannotWrite: the folder for temporary files takes no checkpoint.
    """
    require_held_out(dataset.films)
    try:
        with TemporaryDirectory(prefix="edge-kit-") as folder:
            checkpoint = Path(folder) / CHECKPOINT
            fitted = _fitted(
                *(dataset, data, plan, Path(folder), say),
                checkpoint=checkpoint,
                reader=reader or FilmReader(say=say),
            )
            return fitted.measured()[0]
    except OSError as error:
        problem = error.strerror or str(error)
        raise CannotWrite(gettempdir(), problem, "free some space, or set TMPDIR") from error


@dataclass(frozen=True, slots=True)
class _Fitted:
    """A network after its training, with what it was trained on and how.

    With a `film_gate` it is to get a film branch.
    """

    model: keras.Model
    films: Sequence[Film]
    rows: Mapping[Split, LabelledPixels]
    config: RunConfig
    history: History
    film_gate: bool

    def measured(self) -> tuple[dict[Split, Metrics], dict[Split, NDArray[np.float64]]]:
        """Return metrics at a threshold of one half and scores `(n,)` of each held-out split."""
        from edge_kit.training.watch import predict

        scores = {split: predict(self.model, self.rows[split].pixels) for split in HELD_OUT}
        figures = {s: evaluate(self.rows[s].positive, scores[s], threshold=0.5) for s in HELD_OUT}
        return figures, scores

    def shortfalls(self, metrics: Mapping[Split, Metrics]) -> list[str]:
        """Return what has to be said of the network, given its figures on the held-out splits."""
        config = self.config
        return [
            *([config.caution()] if config.leaks else []),
            *one_class(metrics, config.negative, config.positive),
            *of_kept_epoch(self.history, metrics, config.keep),
            *(balance.warnings() if (balance := self.rows["train"].balance) else ()),
        ]


def _fitted(
    dataset: Dataset,
    data: Folders,
    plan: TrainingPlan,
    out: Path,
    say: Callable[[str], None],
    *,
    checkpoint: Path,
    reader: FilmReader,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> _Fitted:
    """Build the network of `plan` and fit it, from `checkpoint` on if there is one."""
    from edge_kit.training.fit import fit

    network, size = architecture(plan.model), plan.preprocess
    balance = plan.balanced(dataset, data)
    rows = {split: _rows(dataset, split, size, reader) for split in SPLITS}
    rows["train"] = replace(rows["train"], balance=balance)
    for line in balance.lines() if balance else ():
        say(line)
    device = find_device(plan.precision)
    config = run_config(dataset, data, plan, network, device)
    _seed(config)
    say(f"training {network.name} on {device}")
    model = network.build(size.height, size.width, size.channels)
    history = fit(
        *(model, rows["train"], rows["val"], plan.recipe(network), identity(dataset, config)),
        device=device,
        checkpoint=checkpoint,
        out=out,
        say=say,
        callbacks=callbacks,
    )
    say(kept_line(history, config.keep))
    epochs, losses = len(history["loss"]), history.get("val_loss", history["loss"])
    config = replace(config, epochs=epochs, kept_epoch=kept_epoch(losses, config.keep))
    return _Fitted(model, dataset.films, rows, config, history, plan.film_gate)


@contextmanager
def _kept(checkpoint: Path, out: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Say how to continue, if the block is interrupted after its first epoch."""
    try:
        yield
    except BaseException as error:
        if checkpoint.exists() and not isinstance(error, EdgeError):
            say(f"{out}: finished epochs are kept; the same command with --resume continues")
        raise


def _seed(config: RunConfig) -> None:
    """Seed all generators, and make the operations deterministic if the run is to be.

    Layer names start again at 1, and the memory of earlier networks is released: what the process
    trained before affects neither the run nor its need of memory.
    """
    import keras
    import tensorflow as tf

    keras.utils.clear_session()
    keras.utils.set_random_seed(config.seed)
    if config.deterministic:
        tf.config.experimental.enable_op_determinism()


def _joined(
    fitted: _Fitted,
    metrics: Mapping[Split, Metrics],
    others: Sequence[Film],
    reader: FilmReader,
    say: Callable[[str], None],
    *,
    cautions: Cautions,
) -> tuple[Trained, RunConfig, dict[str, Any]]:
    """Return the network with its film branch, its configuration and the check of that branch.

    `cautions` get what is to be said of that check.

    A network that is to have no film branch is returned as it is, with nothing of a check.
    """
    config = fitted.config
    if not fitted.film_gate:
        return Trained(fitted.model, metrics), config, {}
    preprocess = config.preprocessing()
    pixels = _by_split(fitted.films, stretched(preprocess), reader)
    foreign = _by_split(others, stretched(preprocess), reader)
    known = preprocess, config.modality
    branch, check = checked_branch(pixels, foreign, *known, seed=config.seed, say=say)
    cautions.warn(*weak(check.refused["test"], config.modality))
    trained = Trained(join(fitted.model, branch), metrics)
    return trained, replace(config, film_threshold=check.threshold), asdict(check)


def _by_split(
    films: Sequence[Film], preprocess: Preprocess, reader: FilmReader
) -> dict[Split, CachedPixels]:
    return {
        split: reader.read([film for film in films if film.split == split], preprocess)
        for split in SPLITS
    }


def _rows(
    dataset: Dataset, split: Split, preprocess: Preprocess, reader: FilmReader
) -> LabelledPixels:
    films = [film for film in dataset.films if film.split == split]
    return LabelledPixels(reader.read(films, preprocess), are_positive(films, dataset.positive))
