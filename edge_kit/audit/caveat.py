"""What stands beside every accuracy: how far shortcuts alone get on the same films."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from edge_export.films.pixels import PixelReader
from edge_kit.audit.audit import AUDITED, audit, rows
from edge_kit.audit.films import audited_films
from edge_kit.audit.sentences import told_sentences
from edge_kit.data.dataset import Dataset
from edge_kit.data.reader import FilmReader
from edge_kit.evaluation.evaluated import EvaluatedModel, Predict
from edge_runtime.bundle.records import Preprocess
from edge_runtime.errors import EdgeError

Say = Callable[[str], None]


def caveat(
    dataset: Dataset,
    root: Path,
    preprocess: Preprocess,
    predict: Predict,
    *,
    reader: PixelReader,
    say: Say,
) -> list[str]:
    """Return the sentences of an audit of a model on `dataset`, the films below `root`.

    Figures remain valid without an audit: where the films cannot be audited, a warning is said and
    nothing is returned.
    """
    try:
        pixels = {split: reader.pixels(rows(dataset, split), preprocess) for split in AUDITED}
        audited = audit(dataset, root, preprocess, predict, pixels=pixels)
        return told_sentences(audited, dataset.modality)
    except EdgeError as error:
        say(f"warning: the films were not audited for shortcuts: {error}")
        return []


def caveat_of_model(
    model: EvaluatedModel,
    root: Path,
    reader: FilmReader,
    say: Say,
    *,
    positive: str | None = None,
    skip_unreadable: bool = False,
) -> list[str]:
    """Return the sentences of an audit of `model` on the films below `root`, as `caveat` does."""
    try:
        dataset = audited_films(
            root, model, positive=positive, skip_unreadable=skip_unreadable, reader=reader
        )
    except EdgeError as error:
        say(f"warning: the films were not audited for shortcuts: {error}")
        return []
    return caveat(dataset, root, model.preprocess, model.predict, reader=reader, say=say)
