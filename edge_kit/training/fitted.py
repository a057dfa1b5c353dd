"""A network as it is after its epochs, before its film branch, with what it was trained on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge_export.films.film import HELD_OUT, SPLITS, Film, Split
from edge_export.films.labels import are_positive
from edge_export.statistics.estimates import Metrics, evaluate
from edge_kit.data.dataset import Dataset
from edge_kit.data.film_folders import Folders
from edge_kit.data.reader import FilmReader
from edge_kit.models.registry import architecture
from edge_kit.training.balance import Balance
from edge_kit.training.checkpoint import History
from edge_kit.training.device import find_device
from edge_kit.training.feed import LabelledPixels
from edge_kit.training.joining import part
from edge_kit.training.plan import TrainingPlan, identity, run_config
from edge_kit.training.run import RunConfig
from edge_kit.training.shared_training import SharedTraining
from edge_kit.training.shortfalls import kept_line, of_kept_epoch, one_class
from edge_kit.training.stopping import kept_epoch
from edge_runtime.bundle.records import Preprocess

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True)
class Fitted:
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


def fitted(
    dataset: Dataset,
    data: Folders,
    plan: TrainingPlan,
    out: Path,
    say: Callable[[str], None],
    *,
    checkpoint: Path,
    reader: FilmReader,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    shared: SharedTraining | None = None,
) -> Fitted:
    """Build the network of `plan` and fit it, from `checkpoint` on if there is one.

    With the other processes of `shared`, which are left then; who writes no run tests nothing.
    """
    network, size = architecture(plan.model), plan.preprocess
    splits = SPLITS if shared is None or shared.writes else SPLITS[:2]
    rows = {split: _rows(dataset, split, size, reader) for split in splits}
    rows["train"] = _balanced(rows["train"], plan.balanced(dataset, data), say)
    device = find_device(plan.precision)
    config = run_config(dataset, data, plan, network, device)
    _seed(config)
    say(f"training {network.name} on {device}")
    model = network.build(size.height, size.width, size.channels)
    if shared:
        _require_alike(dataset, config, model)
    history = _fit_of(shared)(
        *(model, rows["train"], rows["val"], plan.recipe(network), identity(dataset, config)),
        device=device,
        checkpoint=checkpoint,
        out=out,
        say=say,
        callbacks=callbacks,
    )
    if shared:
        part()
    say(kept_line(history, config.keep))
    return Fitted(model, dataset.films, rows, _ended(config, history), history, plan.film_gate)


def _ended(config: RunConfig, history: History) -> RunConfig:
    """Return `config` with the epochs that ran, and the one that is kept."""
    epochs, losses = len(history["loss"]), history.get("val_loss", history["loss"])
    return replace(config, epochs=epochs, kept_epoch=kept_epoch(losses, config.keep))


def _balanced(
    rows: LabelledPixels, balance: Balance | None, say: Callable[[str], None]
) -> LabelledPixels:
    """Return `rows` with their `balance`, if there is one, of which `say` is told."""
    for line in balance.lines() if balance else ():
        say(line)
    return replace(rows, balance=balance)


def _fit_of(shared: SharedTraining | None) -> Callable[..., History]:
    """Return the function that fits a network, here or with the other processes of `shared`."""
    if shared is None:
        from edge_kit.training.fit import fit

        return fit
    from edge_kit.training.shared_fit import fit as fit_shared

    return partial(fit_shared, shared=shared)


def _require_alike(dataset: Dataset, config: RunConfig, model: keras.Model) -> None:
    """Refuse to train where another process has other films, options, layers or packages.

    Raises:
        UsageError: one has.
    """
    import jax

    from edge_kit.training.exchange import require_alike

    films = "".join(f"{film.sha256},{film.label},{film.split}\n" for film in dataset.films)
    require_alike(
        identity(dataset, config)
        | {"order_of_films": _digest(films), "network": _digest(model.to_json())}
        | {"number_of_devices": jax.local_device_count()}
        | {f"version_of_{tool}": version for tool, version in config.tools.items()}
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


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


def _rows(
    dataset: Dataset, split: Split, preprocess: Preprocess, reader: FilmReader
) -> LabelledPixels:
    films = [film for film in dataset.films if film.split == split]
    return LabelledPixels(reader.read(films, preprocess), are_positive(films, dataset.positive))
