"""A network and the linear baseline on films from elsewhere, and what has to be said of it."""

from __future__ import annotations

from edge_export.cautions import Cautions
from edge_export.films.labels import are_positive
from edge_export.words import words
from edge_kit.audit.audit import rows
from edge_kit.audit.baseline import baseline
from edge_kit.data.dataset import Dataset
from edge_kit.data.reader import FilmReader
from edge_kit.evaluation.elsewhere import Elsewhere, ElsewhereFilms, judge_elsewhere
from edge_kit.evaluation.elsewhere_words import elsewhere_sentences, no_better_line
from edge_kit.evaluation.evaluated import EvaluatedModel, Predict
from edge_runtime.bundle.records import Decision, Preprocess
from edge_runtime.errors import UsageError


def against_baseline(
    found: ElsewhereFilms,
    dataset: Dataset,
    preprocess: Preprocess,
    predict: Predict | None,
    *,
    decision: Decision,
    reader: FilmReader,
) -> Elsewhere:
    """Return what the network `predict` is worth on films from elsewhere, beside the baseline.

    The baseline is fitted on the training films of `dataset`, prepared like those. Without a
    network it is judged alone.

    Raises:
        DataError: a film cannot be read, or there are no training films of both classes.
    """
    train = rows(dataset, "train")
    fitted = baseline(reader.read(train, preprocess), are_positive(train, dataset.positive))
    pixels = reader.read(found.films, preprocess)
    return judge_elsewhere(found, predict(pixels) if predict else None, fitted(pixels), decision)


def require_own(model: EvaluatedModel, dataset: Dataset) -> None:
    """Refuse to fit a baseline for `model` on films that it was not trained on.

    Raises:
        UsageError: no training film of `dataset` is known to be one of its own.
    """
    if not any(model.known.get(film.sha256) == "train" for film in rows(dataset, "train")):
        problem = f"the films that {model.name} was trained on, for the baseline, are not in --data"
        raise UsageError("--elsewhere", problem, "give the folder of its training with --data")


def weigh_elsewhere(
    cautions: Cautions, outcome: Elsewhere, modality: str, positive: str, negative: str
) -> None:
    """Add to `cautions` what films from elsewhere say of a network of these classes."""
    told = words(modality, positive, negative, outcome.folder)
    cautions.warn(*no_better_line(outcome))
    cautions.weigh(*map(told, elsewhere_sentences(outcome, positive, negative)))
