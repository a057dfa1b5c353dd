"""The model to export with its films: a run of ours, or somebody else's `.keras` file."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edge_export.graph.network import InputRange, load_model
from edge_export.graph.open_model import OpenedModel, difference, open_model, require_file
from edge_kit.data.dataset import Dataset, load_dataset
from edge_kit.data.labels import class_key
from edge_kit.data.reader import FilmReader
from edge_kit.data.split import with_splits
from edge_kit.exporting.order import ExportOrder, ModelMeaning
from edge_kit.models.function import word
from edge_kit.models.registry import MODELS
from edge_kit.training.run import MODEL, SPLITS, RunConfig, is_run, read_accuracy, read_config
from edge_runtime.bundle.records import Preprocess, Training
from edge_runtime.errors import DataError, UsageError
from edge_runtime.film.preprocess import standard

if TYPE_CHECKING:
    import keras


_COMPARED = 64  # films on which a rewritten model is compared with what was saved


@dataclass(frozen=True, slots=True)
class ExportSource:
    """A model to export, its films below `root` with their splits, and what is known of both."""

    model: keras.Model
    root: Path
    dataset: Dataset
    preprocess: Preprocess
    input_range: InputRange
    training: Training
    warnings: tuple[str, ...]
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
    positive = source.dataset.positive
    if order.positive and class_key(order.positive) != class_key(positive):
        problem = f"{order.positive!r} is not the model's positive class, {positive!r}"
        raise UsageError("--positive", problem, "leave it out")
    return source


def _of_run(run: Path, order: ExportOrder, reader: FilmReader) -> ExportSource:
    for name in ModelMeaning.__slots__:
        if getattr(order.meaning, name) is not None:
            option = "--" + name.replace("_", "-")
            raise UsageError(option, f"{run} is a run and knows its own", "leave it out")
    config = read_config(run)
    if order.modality not in (None, config.modality):
        problem = f"{run} was trained on {config.modality}"
        raise UsageError("--modality", problem, "leave it out")
    data = order.data or Path(config.data)
    reader.expect(config.preprocessing())
    dataset = _films(order, data, config.modality, config.positive, seed=config.seed, reader=reader)
    return ExportSource(
        model=load_model(run / MODEL),
        root=data,
        dataset=replace(
            dataset,
            films=with_splits(dataset.films, run / SPLITS),
            negative=config.negative,
            positive=config.positive,
        ),
        preprocess=config.preprocessing(),
        input_range=InputRange(),
        training=config.training(),
        warnings=(*([config.caution()] if config.leaks else []), *dataset.warnings),
        ours=True,
        caution=config.caution(),
        made_by=made_by(config),
        recorded_accuracy=read_accuracy(run),
        film_threshold=config.film_threshold,
    )


def made_by(config: RunConfig) -> str:
    """Return the command that made a run, with the options that differ from the model's recipe."""
    if config.members:
        return "edge-kit ensemble RUN... --out RUN"
    known = MODELS.get(config.model)
    options = [
        *("--channels", config.preprocessing().channels, "--positive", config.positive),
        *("--seed", config.seed, "--epochs", config.epochs),
    ]
    if (side := config.preprocessing().height) != standard().height:
        options += ["--side", side]
    if known is None or config.batch_size != known.recipe.batch_size:
        options += ["--batch-size", config.batch_size]
    if known is None or config.learning_rate != known.recipe.learning_rate:
        options += ["--learning-rate", config.learning_rate]
    model = config.model if known else "MODEL"
    return (
        f"edge-kit train --data DATA --out RUN --model {model} --modality {config.modality} \\\n"
        f"        {shlex.join(map(str, options))}"
    )


def _of_file(path: Path, order: ExportOrder, reader: FilmReader) -> ExportSource:
    """Open a model that is not a run by the meaning that `order` gives it; nothing is guessed."""
    classes, input_range, data = order.meaning.classes, order.meaning.input_range, order.data
    if classes is None or input_range is None or data is None:
        problem = "is not a run of edge-kit train, so its meaning has to be said"
        raise UsageError(path, problem, "add --classes NEG,POS --input-range LOW,HIGH --data DIR")
    negative, positive = classes
    opened = open_model(path, order.meaning.side, order.meaning.output)
    model = opened.model
    _, height, width, channels = model.input_shape
    preprocess = standard(height, width, channels)
    reader.expect(preprocess)
    dataset = _films(order, data, order.modality, positive, seed=order.rules.seed, reader=reader)
    if class_key(dataset.negative) != class_key(negative):
        problem = (
            f"{','.join(classes)!r} are not the classes of the data, "
            f"'{dataset.negative},{dataset.positive}'"
        )
        raise UsageError("--classes", problem, "name them as the data does")
    return ExportSource(
        model=model,
        root=data,
        dataset=dataset,
        preprocess=preprocess,
        input_range=input_range,
        training=Training(model=word(model.name), seed=None, epochs=None),
        warnings=(*_rewritten(opened, dataset, input_range, preprocess, reader), *dataset.warnings),
        film_threshold=_film_threshold(model, order.meaning.film_threshold),
    )


def _rewritten(
    opened: OpenedModel,
    dataset: Dataset,
    input_range: InputRange,
    preprocess: Preprocess,
    reader: FilmReader,
) -> tuple[str, ...]:
    """Return a line for whatever was rewritten, with the difference that it makes on films."""
    if opened.before is None:
        return opened.notes
    films = dataset.films[:: max(1, len(dataset.films) // _COMPARED)]
    pixels = reader.pixels(films, preprocess).astype(np.float32)
    images = pixels * ((input_range.high - input_range.low) / 255) + input_range.low
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
    data: Path,
    modality: str | None,
    positive: str,
    *,
    seed: int,
    reader: FilmReader,
) -> Dataset:
    return load_dataset(
        data,
        modality=modality,
        positive=positive,
        seed=seed,
        skip_unreadable=order.skip_unreadable,
        reader=reader,
    )
