"""The model to export with its films: a run of ours, or somebody else's `.keras` file."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edge_export.films.pixels import load_pixels
from edge_export.graph.head import without_film_branch
from edge_export.graph.input_transform import InputTransform
from edge_export.graph.network import InputRange, load_model
from edge_export.graph.open_model import OpenedModel, difference, open_model, require_file
from edge_export.proof.preparation import Expectations
from edge_kit.console import refusing
from edge_kit.data.collection import modality_in
from edge_kit.data.dataset import Dataset, load_dataset
from edge_kit.data.film_folders import Folders, film_folders
from edge_kit.data.labels import class_key, composed
from edge_kit.data.reader import FilmReader
from edge_kit.data.split import with_splits
from edge_kit.exporting.card_commands import made_by
from edge_kit.exporting.order import ExportOrder, ModelMeaning
from edge_kit.exporting.predictions import read_predictions
from edge_kit.exporting.preprocessing import Preprocessing
from edge_kit.film_branch.threshold import WEAK
from edge_kit.models.function import word
from edge_kit.training.run import MODEL, SPLITS, RunConfig, is_run, read_accuracy, read_config
from edge_runtime.bundle.records import Preprocess, Training
from edge_runtime.errors import DataError, UsageError

if TYPE_CHECKING:
    import keras


_COMPARED = 64  # films on which a rewritten model is compared with what was saved
_GREY = 1.0  # levels between the channels, on average, up to which a picture counts as grey


@dataclass(frozen=True, slots=True)
class ExportSource:
    """A model to export, its films in the folders `data` with their splits, and what is known."""

    model: keras.Model
    data: Folders
    dataset: Dataset
    preprocess: Preprocess
    input_range: InputTransform
    training: Training
    warnings: tuple[str, ...]
    expected: Expectations = field(default_factory=Expectations)
    ours: bool = False
    recorded_accuracy: float | None = None
    film_threshold: float | None = None
    caution: str = ""
    made_by: str = ""


def open_source(order: ExportOrder, reader: FilmReader) -> ExportSource:
    """Return the model that `order` names, and its films.

    Raises:
        UsageError: what is said of the model contradicts it, or does not suffice.
        DataError: there is no model, or its films cannot be used.
    """
    path = order.source
    if not path.exists():
        raise DataError(path, "no such file or folder", "give a run's folder or a .keras file")
    if path.name == MODEL and is_run(path.parent):
        path = path.parent
    if path.is_dir() and not is_run(path):
        require_file(path)
    source = (_of_run if is_run(path) else _of_file)(path, order, reader)
    if not order.film_gate:
        model = without_film_branch(source.model)
        warnings = tuple(line for line in source.warnings if not line.startswith(WEAK))
        source = replace(source, model=model, film_threshold=None, warnings=warnings)
    positive = source.dataset.positive
    said = None if order.negative else order.positive
    if said and class_key(said) != class_key(positive):
        problem = f"{composed(said)!r} is not the model's positive class, {positive!r}"
        raise UsageError("--positive", problem, "leave it out")
    return replace(source, expected=_expected(order, source))


def _expected(order: ExportOrder, source: ExportSource) -> Expectations:
    """Return what the model's author says of its answers to these films."""
    answers, films = order.answers, source.dataset.films
    if answers.predictions is None:
        return Expectations(accuracy=answers.accuracy)
    predictions = read_predictions(answers.predictions, source.data, films, answers.tolerance)
    return Expectations(answers.accuracy, predictions)


def _of_run(run: Path, order: ExportOrder, reader: FilmReader) -> ExportSource:
    for name in ModelMeaning.__slots__:
        if getattr(order.meaning, name) is not None:
            option = "--" + name.replace("_", "-")
            raise UsageError(option, f"{run} is a run and knows its own", "leave it out")
    config = read_config(run)
    if order.modality not in (None, config.modality):
        problem = f"{run} was trained on {config.modality}"
        raise UsageError("--modality", problem, "leave it out")
    if order.split_seed not in (None, config.dealt_by):
        problem = f"{run} was split by seed {config.dealt_by}"
        raise UsageError("--split-seed", problem, "leave it out")
    data = film_folders(order.data or config.folders).leaving_out(config.without_sources)
    reader.expect(config.preprocessing())
    names = config.chosen_names or (config.positive, None)
    if order.negative:
        names = order.positive or names[0], order.negative
    dataset = _films(order, data, config.modality, names, seed=config.dealt_by, reader=reader)
    films = with_splits(dataset.films, run / SPLITS)
    whole = replace(dataset, films=films, negative=config.negative, positive=config.positive)
    return source_of_run(run, data, whole)


def source_of_run(run: Path, data: Folders, dataset: Dataset) -> ExportSource:
    """Return the model of `run` and its films in the folders `data`, with the splits of `dataset`.

    Raises:
        DataError: the run cannot be read.
    """
    config = read_config(run)
    return ExportSource(
        model=load_model(run / MODEL),
        data=data,
        dataset=dataset,
        preprocess=config.preprocessing(),
        input_range=InputRange(),
        training=config.training(),
        warnings=(*_said_of(config), *dataset.warnings),
        ours=True,
        caution=config.caution(),
        made_by=made_by(config),
        recorded_accuracy=read_accuracy(run),
        film_threshold=config.film_threshold,
    )


def _said_of(config: RunConfig) -> tuple[str, ...]:
    """Return what a run says of its figures; older ones recorded no more than their leaks."""
    return (*([config.caution()] if config.leaks else []), *config.warnings)


def _of_file(path: Path, order: ExportOrder, reader: FilmReader) -> ExportSource:
    """Open a model that is not a run by the meaning that `order` gives it; nothing is guessed."""
    classes, preprocessing, data = order.meaning.classes, _preprocessing(order), order.data
    if classes is None or preprocessing is None or data is None:
        problem = "is not a run of edge-kit train, so its meaning has to be said"
        cure = "add --classes NEG,POS --input-range LOW,HIGH --data DIR"
        raise UsageError(path, problem, f"{cure} (or --preprocessing in place of --input-range)")
    negative, positive = classes
    opened = open_model(path, order.meaning.side, order.meaning.output)
    model = opened.model
    _, height, width, channels = model.input_shape
    names = (order.positive or positive, order.negative) if order.negative else (positive, None)
    modality = modality_in(data, order.modality, *names)
    preprocess = preprocessing.preprocess(height, width, channels, modality)
    reader.expect(preprocess)
    seed = order.split_seed or 0
    dataset = _films(order, data, modality, names, seed=seed, reader=reader)
    if order.negative:
        dataset = _relabelled(dataset, negative, positive)
    if class_key(dataset.negative) != class_key(negative):
        problem = (
            f"{','.join(classes)!r} are not the classes of the data, "
            f"'{dataset.negative},{dataset.positive}'"
        )
        raise UsageError("--classes", problem, "name them as the data does")
    return ExportSource(
        model=model,
        data=data,
        dataset=dataset,
        preprocess=preprocess,
        input_range=preprocessing.transform,
        training=Training(model=word(model.name), seed=None, epochs=None, split_seed=None),
        warnings=(
            *_rewritten(opened, dataset, preprocessing.transform, preprocess, reader),
            *_colour_lost(dataset, preprocess),
            *dataset.warnings,
        ),
        film_threshold=_film_threshold(model, order.meaning.film_threshold),
    )


def _colour_lost(dataset: Dataset, preprocess: Preprocess) -> tuple[str, ...]:
    """Return a line where a model of one channel is given pictures in colour, which it cannot see.

    Films need none: one in colour is refused.
    """
    if preprocess.channels != 1 or dataset.modality != "other":
        return ()
    films = dataset.films[:: max(1, len(dataset.films) // _COMPARED)]
    pixels = load_pixels(films, Preprocess(**{**preprocess.to_json(), "channels": 3}))
    apart = np.ptp(pixels, axis=3).mean(axis=(1, 2))
    if not (number := int((apart > _GREY).sum())):
        return ()
    looked = f"{number} of {len(films)} films looked at have some"
    return (f"the model has one channel, so the colour of films is lost: {looked}",)


def _relabelled(dataset: Dataset, negative: str, positive: str) -> Dataset:
    """Return `dataset` with the names that a model has for its classes."""
    label_of = {dataset.negative: negative, dataset.positive: positive}
    return replace(
        dataset,
        films=tuple(replace(film, label=label_of[film.label]) for film in dataset.films),
        negative=negative,
        positive=positive,
        classes={
            name: (label_of[label], films) for name, (label, films) in dataset.classes.items()
        },
    )


def _preprocessing(order: ExportOrder) -> Preprocessing | None:
    """Return what the author of a model that is no run did to films, if it was said."""
    meaning = order.meaning
    return Preprocessing(meaning.input_range) if meaning.input_range else meaning.preprocessing


def _rewritten(
    opened: OpenedModel,
    dataset: Dataset,
    transform: InputTransform,
    preprocess: Preprocess,
    reader: FilmReader,
) -> tuple[str, ...]:
    """Return a line for whatever was rewritten, with the difference that it makes on films."""
    if opened.before is None:
        return opened.notes
    films = dataset.films[:: max(1, len(dataset.films) // _COMPARED)]
    images = transform.images(reader.pixels(films, preprocess))
    apart = difference(opened, images)
    said = (
        "TensorFlow cannot run it as it was saved, so that no difference could be measured"
        if apart is None
        else f"answers differ by {apart:.2g} at most, on {len(films)} films"
    )
    *others, last = opened.notes
    return (*others, f"{last}; {said}")


def _film_threshold(model: keras.Model, threshold: float | None) -> float | None:
    """Return the threshold of a foreign model's film output: a probability of one half, if unsaid.

    Raises:
        UsageError: one is given for a model without such an output.
    """
    if len(model.outputs) == 2:
        return 0.0 if threshold is None else threshold
    if threshold is not None:
        problem = f"{model.name} has no film / not-film output"
        raise UsageError("--film-threshold", problem, "leave it out")
    return None


def _films(
    order: ExportOrder,
    data: Folders,
    modality: str | None,
    names: tuple[str, str | None],
    *,
    seed: int,
    reader: FilmReader,
) -> Dataset:
    with refusing(modality, *names):
        return load_dataset(
            data,
            modality=modality,
            positive=names[0],
            negative=names[1],
            seed=seed,
            skip_unreadable=order.skip_unreadable,
            reader=reader,
        )
