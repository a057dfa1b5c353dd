"""What stands beside every accuracy: how far shortcuts alone get on the same films."""

from __future__ import annotations

from collections.abc import Callable

from edge_export.cautions import Cautions
from edge_export.films.pixels import PixelReader
from edge_kit.audit.apart import audit_apart
from edge_kit.audit.audit import AUDITED, Audit, audit, rows
from edge_kit.audit.films import audited_films
from edge_kit.audit.sentences import MODEL, told_sentences
from edge_kit.data.dataset import Dataset
from edge_kit.data.film_folders import Folders
from edge_kit.data.reader import FilmReader
from edge_kit.evaluation.evaluated import Predict
from edge_kit.evaluation.evaluation import Evaluation
from edge_runtime.bundle.records import Preprocess
from edge_runtime.errors import EdgeError


def caveat(
    dataset: Dataset,
    data: Folders,
    preprocess: Preprocess,
    predict: Predict,
    *,
    reader: PixelReader,
    cautions: Cautions,
    subject: str = MODEL,
) -> None:
    """Add to `cautions` what an audit says of `subject` on `dataset`, the films in `data`.

    Figures remain valid without an audit: where the films cannot be audited, that is a warning.
    """

    def audited() -> Audit:
        pixels = {split: reader.read(rows(dataset, split), preprocess) for split in AUDITED}
        return audit(dataset, data, preprocess, predict, pixels=pixels)

    _weigh(cautions, dataset.modality, audited, subject=subject)


def caveat_of_evaluation(
    evaluation: Evaluation,
    data: Folders,
    reader: FilmReader,
    cautions: Cautions,
    *,
    positive: str | None = None,
    negative: str | None = None,
    skip_unreadable: bool = False,
) -> None:
    """Add to `cautions` what an audit says of a model on the films in `data` it was judged on.

    Films of which it knows some are audited in the splits of its training. Others, and those that
    have no such splits, are audited by themselves.
    """
    model, judged = evaluation.subject, evaluation.judged
    known = any(film.sha256 in model.known for film in judged.films)

    def own() -> Audit:
        dataset = audited_films(
            *(data, model),
            positive=positive,
            negative=negative,
            skip_unreadable=skip_unreadable,
            reader=reader,
        )
        pixels = {split: reader.read(rows(dataset, split), model.preprocess) for split in AUDITED}
        return audit(dataset, data, model.preprocess, model.predict, pixels=pixels)

    def apart() -> Audit:
        pixels = reader.read(judged.films, model.preprocess)
        return audit_apart(judged, pixels, model.predict)

    _weigh(cautions, model.modality, *([own] if known else []), apart)


def _weigh(
    cautions: Cautions, modality: str, *ways: Callable[[], Audit], subject: str = MODEL
) -> None:
    """Add the sentences of the first of the `ways` to audit that can be gone."""
    for way in ways:
        try:
            return cautions.weigh(*told_sentences(way(), modality, subject))
        except EdgeError as error:
            problem = error.problem  # its subject is a path, and papers name none
    return cautions.warn(f"the films were not audited for shortcuts: {problem}")
