"""Carries an order out: opens the source, folds grey channels into one, exports."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from edge_export.cautions import Cautions
from edge_export.description import BundleDescription, intended_use, unstated_line
from edge_export.examine import Say, examine
from edge_export.export import export
from edge_export.films.pixels import FilmPixels
from edge_export.graph.artefact import Floats, engine_of
from edge_export.graph.input_transform import InputTransform
from edge_export.proof.findings import Findings
from edge_export.proof.fold import fold
from edge_export.report.card import OF_THIS_MODEL
from edge_export.report.document import encoded
from edge_export.report.summary import summary
from edge_export.words import Words, words
from edge_kit.audit.caveat import caveat
from edge_kit.audit.elsewhere import against_baseline, weigh_elsewhere
from edge_kit.console import refusing
from edge_kit.data.dataset import Dataset
from edge_kit.data.film_folders import film_folders
from edge_kit.data.reader import FilmReader
from edge_kit.evaluation.elsewhere import ElsewhereFilms, elsewhere_films
from edge_kit.exporting.card_commands import exported_by
from edge_kit.exporting.order import ExportOrder, name_of_file
from edge_kit.exporting.origin import origin_of
from edge_kit.exporting.source import ExportSource, open_source
from edge_runtime.errors import DataError, UsageError

if TYPE_CHECKING:
    import keras


def export_source(
    order: ExportOrder,
    reader: FilmReader,
    say: Say,
    write: Say,
    form: Literal["table", "json"] = "table",
) -> Findings:
    """Carry out `order`; `write` gets the result as text, `say` a line for each step.

    `reader` gives the films, each of which is decoded once.

    Raises:
        EdgeError: any of those of `edge_export.export` and `open_source`.
    """
    say(f"reading {order.source} and its data")
    source = open_source(order, reader)
    with refusing(source.dataset.modality, *source.dataset.names):
        return _exported(source, order, reader, say, write, form=form)


def _exported(
    source: ExportSource,
    order: ExportOrder,
    reader: FilmReader,
    say: Say,
    write: Say,
    *,
    form: Literal["table", "json"],
) -> Findings:
    in_words = words(source.dataset.modality, *source.dataset.names)
    say, cautions = _in_words(say, in_words), Cautions(say, in_words)
    facts = _facts(source, order)
    for line in _told(source.dataset, facts):
        say(line)
    cautions.warn(*source.warnings)
    model, facts, transform = _prepared(source, facts, order, reader, say)
    elsewhere = _elsewhere(source, order, facts, reader)

    def show(findings: Findings, document: dict[str, Any]) -> None:
        write(encoded(document).decode() if form == "json" else summary(findings, facts))

    def judge(findings: Findings) -> None:
        judged = source.dataset, source.data, facts.preprocess
        predict = partial(_bundled_logits, findings, order.out)
        if elsewhere:
            on = elsewhere, source.dataset, facts.preprocess, predict
            outcome = against_baseline(*on, decision=findings.proof.decision, reader=reader)
            classes = source.dataset.modality, facts.positive, facts.negative
            weigh_elsewhere(cautions, outcome, *classes)
        # Small graphs move figures a little, so that those of the training may differ.
        subject = f"The graph {findings.bundled[0].file}"
        caveat(*judged, predict, reader=reader, cautions=cautions, subject=subject)

    plan = order.rules.plan(facts, transform, source.recorded_accuracy, source.expected)
    ordered = model, source.dataset.films, plan, order.out
    return export(*ordered, say, show, reader=reader, cautions=cautions, judge=judge)


def examine_source(
    source: ExportSource, order: ExportOrder, reader: FilmReader, say: Say
) -> tuple[Findings, BundleDescription]:
    """Return what an export by `order` would find, and of what bundle; nothing is written.

    Raises:
        DataError: model or films cannot be used, or a number was not finite.
        ParityFailed: a graph's answers are not finite.
        NoEngine: an ONNX graph cannot be run on every processor.
    """
    model, facts, transform = _prepared(source, _facts(source, order), order, reader, say)
    plan = order.rules.plan(facts, transform, source.recorded_accuracy, source.expected)
    return examine(model, source.dataset.films, plan, say, reader), facts


def _prepared(
    source: ExportSource,
    facts: BundleDescription,
    order: ExportOrder,
    reader: FilmReader,
    say: Say,
) -> tuple[keras.Model, BundleDescription, InputTransform]:
    """Return the model with its description, three channels of grey folded into one."""
    of_itself = source.ours and source.preprocess.channels == 3
    if of_itself if order.fold_grey is None else order.fold_grey:
        return _folded(source, facts, order.fold_grey, reader, say)
    return source.model, facts, source.input_range


def _elsewhere(
    source: ExportSource, order: ExportOrder, facts: BundleDescription, reader: FilmReader
) -> ElsewhereFilms | None:
    """Return the films from elsewhere, if there are to be any; they are read before the export."""
    if order.elsewhere is None:
        return None
    names = source.dataset.class_names
    return elsewhere_films(
        *(order.elsewhere, source.dataset.films),
        modality=source.dataset.modality,
        names=[names, (names[0], None)],
        preprocess=facts.preprocess,
        skip_unreadable=order.skip_unreadable,
        reader=reader,
    )


def _told(dataset: Dataset, facts: BundleDescription) -> Iterator[str]:
    """Yield how more than two class names were taken, what is in the folder, what is not stated."""
    if len(dataset.classes) > 2:
        for name, (label, films) in dataset.classes.items():
            yield f"class {name!r} is {label}: {films} films"
    yield from (*dataset.notes, *dataset.details)
    if line := unstated_line(facts.intended_use):
        yield line


def _in_words(say: Say, in_words: Words) -> Say:
    return lambda line: say(in_words(line))


def _bundled_logits(findings: Findings, out: Path, pixels: FilmPixels) -> Floats:
    """Return the logits `(n,)` that `edge-run` would give with `out`, the bundle of `findings`."""
    with closing(engine_of(findings.bundled, (1, *pixels.shape[1:]), out)) as engine:
        return np.array([engine.logits(film.tobytes())[0] for film in pixels], np.float64)


def _folded(
    source: ExportSource,
    facts: BundleDescription,
    ordered: bool | None,
    reader: FilmReader,
    say: Say,
) -> tuple[keras.Model, BundleDescription, InputTransform]:
    """Fold three channels into one; unless it was asked for, only where possible."""
    try:
        films = source.dataset.films
        folded = fold(source.model, films, facts, source.input_range, reader)
    except DataError as error:
        if ordered:
            raise
        say(f"three channels stay three: {error.problem}")
        return source.model, facts, source.input_range
    say("three channels of grey were folded into one")
    return folded


def _facts(source: ExportSource, order: ExportOrder) -> BundleDescription:
    dataset, wishes = source.dataset, order.wishes
    use = intended_use(dataset.modality, wishes.ages, wishes.views, wishes.body_parts)
    name = wishes.name or name_of_file(order.out)
    return BundleDescription(
        name=name,
        version=wishes.version,
        intended_use=use,
        negative=dataset.negative,
        positive=dataset.positive,
        preprocess=source.preprocess,
        training=source.training,
        film_threshold=source.film_threshold,
        limits=_limits(wishes.limits, source.caution),
        made_by=source.made_by,
        exported_by=exported_by(
            order, name, ours=source.ours, folders=len(film_folders(source.data).by_name)
        ),
        origin=origin_of(order.source, dataset.films),
    )


def _limits(path: Path | None, caution: str) -> str:
    """Return the limits for the card: those that the maker wrote, and those of the run."""
    own = f"{OF_THIS_MODEL}{caution}.\n" if caution else ""
    if path is None:
        return own
    try:
        return own + path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(path, f"cannot be read ({error})", "give a text file in UTF-8") from error
