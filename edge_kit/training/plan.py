"""The plan of a training, the configuration that follows, and whether a run has the same."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_kit.data.dataset import Dataset
from edge_kit.data.film_folders import Folders, film_folders
from edge_kit.models.recipe import Architecture, Keep, TrainingRecipe
from edge_kit.models.registry import architecture
from edge_kit.training.balance import Balance, balanced
from edge_kit.training.checkpoint import require_same
from edge_kit.training.device import Device, backend_packages, find_device
from edge_kit.training.records import data_digest, run_digest
from edge_kit.training.run import RunConfig, read_config
from edge_runtime.bundle.records import Preprocess
from edge_runtime.errors import UsageError
from edge_runtime.film.preprocess import standard

if TYPE_CHECKING:
    from edge_kit.data.labels import Modality


TOOLS = ("edge-kit", "keras", "tensorflow", "numpy", "pillow")


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """What to train and how; `None` leaves a choice to the network's own recipe.

    `deterministic` asks for the same weights from the same seed, which on a GPU costs speed and
    XLA; `None` asks for it on a processor only. `precision` is one of `device.PRECISIONS`. Without
    a `film_gate` no film branch is trained, so that whatever the model is shown, it judges.
    `balance` is one of `balance.BALANCES`, None as `none`. `options` are those of the command line
    that a card has to give.
    """

    model: str = "model3"
    preprocess: Preprocess = field(default_factory=standard)
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    seed: int = 0
    deterministic: bool | None = None
    precision: str | None = None
    keep: Keep = "last"
    film_gate: bool = True
    balance: str | None = None
    options: tuple[str, ...] = ()

    def balanced(self, dataset: Dataset, data: Folders) -> Balance | None:
        """Return how the training films of `dataset`, read from `data`, are balanced, if they are.

        Raises:
            DataError: as `balance.balanced` does.
        """
        if self.balance in (None, "none"):
            return None
        films = [film for film in dataset.films if film.split == "train"]
        return balanced(films, data, str(self.balance))

    def recipe(self, network: Architecture) -> TrainingRecipe:
        """Return the recipe of `network` with the changes of this plan."""
        choices = {name: getattr(self, name) for name in ("epochs", "batch_size", "learning_rate")}
        chosen = {name: value for name, value in choices.items() if value is not None}
        return replace(network.recipe, keep=self.keep, **chosen)


def usual_channels(network: Architecture, modality: Modality) -> int:
    """Return the channels that `network` gets unless it is said: of `other` pictures all colours.

    The authors' single channel is that of films. Grey pictures lose nothing: an export folds them.
    """
    return 3 if modality == "other" and network.channels == 1 else network.channels


def preparation(
    network: Architecture, channels: int, modality: Modality, **asked: Any
) -> Preprocess:
    """Return how films are prepared for `network`: as its author chose, but for what is `asked`.

    Names in `asked` are those of `FilmRecipe`.

    Raises:
        UsageError: a way to prepare films is not for pictures of these channels.
    """
    films = replace(network.films, **asked)
    if films.local_radius and channels != 1:
        problem = "holds grey levels against each other, and these pictures keep their colour"
        raise UsageError("--local-radius", problem, "give --local-radius 0, or --channels 1")
    fields = standard(films.side, films.side, channels, modality).to_json()
    return Preprocess(**fields | films.to_json())


def require_same_training(run: Path, dataset: Dataset, data: Folders, plan: TrainingPlan) -> None:
    """Refuse a finished run that is not of `plan` on `dataset`.

    Raises:
        UsageError: it is another one.
        DataError: it cannot be read.
    """
    finished = read_config(run)
    network, device = architecture(plan.model), find_device(plan.precision)
    expected = run_config(dataset, data, plan, network, device)
    if plan.film_gate != (finished.film_threshold is not None):
        problem = f"the run was trained with{'out' if plan.film_gate else ''} a film branch"
        raise UsageError(run, problem, "give the command that it was begun with, or another --out")
    config = _of_training(replace(finished, epochs=finished.most_epochs), run_digest(run))
    require_same(json.loads(json.dumps(config)), identity(dataset, expected), run)


def run_config(
    dataset: Dataset, data: Folders, plan: TrainingPlan, network: Architecture, device: Device
) -> RunConfig:
    """Return the configuration of a run by `plan`, before its first epoch."""
    recipe = plan.recipe(network)
    stopping, augmentation = recipe.early_stopping, recipe.augmentation
    deterministic = device.is_processor if plan.deterministic is None else plan.deterministic
    positive, negative = dataset.class_names
    balance = plan.balanced(dataset, data)
    return RunConfig(
        model=network.name,
        modality=dataset.modality,
        negative=dataset.negative,
        positive=dataset.positive,
        seed=plan.seed,
        epochs=recipe.epochs,
        most_epochs=recipe.epochs,
        leaks=len(dataset.leaks),
        batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate,
        epsilon=recipe.epsilon,
        preprocess=plan.preprocess.to_json(),
        data=film_folders(data).stored,
        tools={tool: version(tool) for tool in (*TOOLS, *backend_packages())},
        early_stopping=asdict(stopping) if stopping else None,
        augmentation=augmentation.to_json() if augmentation else None,
        device=str(device),
        deterministic=deterministic,
        split_seed=dataset.split_seed,
        class_names=(positive, negative) if negative else None,
        keep=recipe.keep,
        options=plan.options,
        balance=balance.to_json() if balance else None,
        weight_decay=recipe.weight_decay,
        cosine=recipe.cosine,
        without_sources=film_folders(data).without,
    )


def identity(dataset: Dataset, config: RunConfig) -> dict[str, Any]:
    """Return what must not change for a training to continue; the films' folder may."""
    return _of_training(config, data_digest(dataset.films))


def _of_training(config: RunConfig, films: str) -> dict[str, Any]:
    free = {"data", "tools", "film_threshold", "kept_epoch", "warnings", "caveat"}
    # The digest of the films has their splits and labels; the split seed only tells why it differs.
    free |= {"class_names", "options"}
    said = {name: value for name, value in config.to_json().items() if name not in free}
    # Films are in the order of their names, which begin with those of several folders.
    names = {"set_of_folders": list(config.folders.by_name)} if config.folder_count > 1 else {}
    return said | names | {"set_of_films": films}
