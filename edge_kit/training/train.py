"""Train a network and then its film branch, and write the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import TYPE_CHECKING, Any

from edge_export.cautions import Cautions
from edge_export.films.film import HELD_OUT, SPLITS, Film, Split, require_held_out
from edge_export.films.pixels import FilmPixels
from edge_export.graph.network import InputRange, network
from edge_export.proof.reference import reference_outputs
from edge_export.statistics.estimates import Floats, Metrics
from edge_kit.data.dataset import Dataset
from edge_kit.data.film_folders import Folders
from edge_kit.data.pixel_store import CachedPixels
from edge_kit.data.reader import FilmReader
from edge_kit.data.split import write_split_table
from edge_kit.files import CHECKPOINT, new_folder, staging
from edge_kit.film_branch.branch import join
from edge_kit.film_branch.fit import checked_branch
from edge_kit.film_branch.negatives import stretched
from edge_kit.film_branch.threshold import weak
from edge_kit.training.fitted import Fitted, fitted
from edge_kit.training.plan import TrainingPlan
from edge_kit.training.run import SPLITS as SPLIT_TABLE
from edge_kit.training.run import TENSORBOARD, RunConfig
from edge_kit.training.run_files import RunOutcome, write_run
from edge_kit.training.shared_training import SharedTraining
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

    def predict(self, pixels: FilmPixels) -> Floats:
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
    shared: SharedTraining | None = None,
) -> Trained:
    """Train by `plan` on `dataset`, read from `data`, and write the run to `out`.

    `others` are films of another modality, which the film branch learns to refuse. `reader`
    gives the pixels of all. After each epoch the state is kept beside `out`; with `resume` a
    training that was interrupted goes on from there. `cautions` stand first in what is written;
    those of the network are added, and those of `judge`, which gets it before it is written.
    Its epochs are trained with the other processes of `shared`, of which this is the first.

    Raises:
        UsageError: another training was begun at `out`.
        DataError: a film cannot be used, a held-out split has too few, or the loss did not stay
            finite.
        CannotWrite: `out` could not be written; finished epochs are kept, nothing else.
    """
    require_held_out(dataset.films)
    reader, cautions = reader or FilmReader(say=say), cautions or Cautions(say)
    with new_folder(out, resume=resume) as folder, _kept(folder.parent / CHECKPOINT, out, say):
        network = fitted(
            *(dataset, data, plan, out, say),
            checkpoint=folder.parent / CHECKPOINT,
            reader=reader,
            callbacks=callbacks,
            shared=shared,
        )
        metrics, scores = network.measured()
        cautions.warn(*network.shortfalls(metrics))
        trained, config, film_gate = _joined(
            network, metrics, others, reader, say, cautions=cautions
        )
        judge(trained, dataset, cautions)
        outcome = RunOutcome(config, trained.model, network.history, metrics, film_gate)
        truth = {split: network.rows[split].positive for split in HELD_OUT}
        write_run(folder, outcome, truth, scores, cautions)
        write_split_table(dataset.films, folder / SPLIT_TABLE)
        if (log := folder.parent / TENSORBOARD).is_dir():  # of all epochs, earlier ones too
            log.rename(folder / TENSORBOARD)
            for number, log_file in enumerate(sorted((folder / TENSORBOARD).iterdir())):
                # TensorFlow names the machine in it; TensorBoard needs no more than this.
                log_file.rename(log_file.with_name(f"events.out.tfevents.{number}"))
    say(f"wrote {out}")
    return trained


def take_part(
    dataset: Dataset,
    data: Folders,
    plan: TrainingPlan,
    out: Path,
    say: Callable[[str], None],
    *,
    reader: FilmReader,
    shared: SharedTraining,
) -> None:
    """Train the epochs of a run that process 0 of `shared` writes to its `out`.

    Raises:
        UsageError: process 0 has other films or options.
        DataError: as `train` does.
    """
    checkpoint = staging(out) / CHECKPOINT  # of process 0
    fitted(*(dataset, data, plan, out, say), checkpoint=checkpoint, reader=reader, shared=shared)
    say(f"{shared}: has done its part; process 0 writes the run")


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
            network = fitted(
                *(dataset, data, plan, Path(folder), say),
                checkpoint=checkpoint,
                reader=reader or FilmReader(say=say),
            )
            return network.measured()[0]
    except OSError as error:
        problem = error.strerror or str(error)
        raise CannotWrite(gettempdir(), problem, "free some space, or set TMPDIR") from error


@contextmanager
def _kept(checkpoint: Path, out: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Say how to continue, if the block is interrupted after its first epoch."""
    try:
        yield
    except BaseException as error:
        if checkpoint.exists() and not isinstance(error, EdgeError):
            say(f"{out}: finished epochs are kept; the same command with --resume continues")
        raise


def _joined(
    network: Fitted,
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
    config = network.config
    if not network.film_gate:
        return Trained(network.model, metrics), config, {}
    preprocess = config.preprocessing()
    pixels = _by_split(network.films, stretched(preprocess), reader)
    foreign = _by_split(others, stretched(preprocess), reader)
    known = preprocess, config.modality
    branch, check = checked_branch(pixels, foreign, *known, seed=config.seed, say=say)
    cautions.warn(*weak(check.refused["test"], config.modality))
    trained = Trained(join(network.model, branch), metrics)
    return trained, replace(config, film_threshold=check.threshold), asdict(check)


def _by_split(
    films: Sequence[Film], preprocess: Preprocess, reader: FilmReader
) -> dict[Split, CachedPixels]:
    return {
        split: reader.read([film for film in films if film.split == split], preprocess)
        for split in SPLITS
    }
