"""The films of a sweep: folds of what is not for testing, for a choice is never made on that."""

from __future__ import annotations

from dataclasses import replace

from edge_kit.data.collection import modality_in
from edge_kit.data.dataset import Dataset, load_dataset
from edge_kit.data.labels import Modality
from edge_kit.data.leaks import require_no_leaks
from edge_kit.data.reader import FilmReader
from edge_kit.models.registry import architecture
from edge_kit.sweeping.plan import SweepPlan
from edge_kit.training.folds import assign_folds
from edge_kit.training.plan import TrainingPlan, preparation, usual_channels
from edge_kit.training.records import data_digest


def fold_datasets(plan: SweepPlan, reader: FilmReader) -> list[Dataset]:
    """Return the dataset of every fold, its own films for testing, without the data's test films.

    Patients and near-duplicates stay together, in folds as in the data's own splits.

    Raises:
        DataError: the films cannot be used, the splits leak, or a fold lacks films of a class.
        UsageError: there are several modalities and the plan names none.
    """
    names = plan.positive, plan.negative
    modality = modality_in(plan.folders, plan.modality, *names)
    for model in plan.models:
        reader.expect(training_plan(plan, model, 0, modality).preprocess)
    dataset = load_dataset(
        plan.folders,
        modality=modality,
        positive=names[0],
        negative=names[1],
        seed=plan.split_seed,
        reader=reader,
    )
    require_no_leaks(dataset)
    films = tuple(film for film in dataset.films if film.split != "test")
    return assign_folds(replace(dataset, films=films), plan.folds, plan.split_seed)


def digest_of(folds: list[Dataset]) -> str:
    """Return what tells these films, labels and folds from others."""
    return data_digest([film for dataset in folds for film in dataset.films])


def training_plan(plan: SweepPlan, model: str, seed: int, modality: Modality) -> TrainingPlan:
    """Return how the network called `model` is trained on films of `modality`.

    Raises:
        UsageError: a way to prepare films is not for pictures of its channels.
    """
    network = architecture(model)
    channels = usual_channels(network, modality)
    asked = {"side": plan.side} if plan.side else {}
    return TrainingPlan(
        model=model,
        preprocess=preparation(network, channels, modality, **asked),
        epochs=plan.epochs,
        batch_size=plan.batch_size,
        learning_rate=plan.learning_rate,
        seed=seed,
        film_gate=plan.film_gate,
    )
