"""One model evaluated on one folder of films, and the document of the result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from edge_export.films.film import Film
from edge_export.films.labels import are_positive
from edge_export.statistics.estimates import Bools
from edge_export.words import Words, words
from edge_kit.data.film_attributes import FilmAttributes
from edge_kit.data.reader import FilmReader
from edge_kit.evaluation.elsewhere import Elsewhere
from edge_kit.evaluation.elsewhere_words import elsewhere_sentences
from edge_kit.evaluation.evaluated import EvaluatedModel, FilmOutcome
from edge_kit.evaluation.figures import PREVALENCES, Figures, judged, measure
from edge_kit.evaluation.films import LabelledFilms
from edge_kit.evaluation.selection import SplitChoice, select_films
from edge_kit.evaluation.subgroups import Subgroup, coincide, subgroups, within_sources
from edge_kit.evaluation.told_apart import ToldApart, told_apart_words
from edge_kit.evaluation.yardstick import Column, Yardstick, columns, yardstick
from edge_kit.evaluation.yardstick_words import sentences
from edge_runtime.bundle.digest import sha256

SCHEMA = 1
METHODS = {
    "metrics": "without regard to groups: of the AUC DeLong's, of shares Wilson's",
    "by_group": "by group: of the AUC Obuchowski's, of shares Rao and Scott's",
    "subgroups": "without regard to groups: of the AUC DeLong's, of shares Wilson's",
    "yardstick": "by group: of AUCs Obuchowski's, of their mean Zou and Donner's, of shares Rao "
    "and Scott's",
    "predictive": "Mercaldo's logit intervals",
}
"""How the intervals of the figures are made, by the key that holds them."""


@dataclass(frozen=True, slots=True)
class JudgedFilms:
    """The films that got an answer, with what the manifest says of each, and its logit."""

    negative: str = ""
    positive: str = ""
    films: tuple[Film, ...] = ()
    attributes: tuple[FilmAttributes, ...] = ()
    logits: tuple[float, ...] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """The source of each film, empty where none is stated."""
        return tuple(film.get("source", "") for film in self.attributes)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a model is worth on the films of a split; `digest` names the set of these films.

    `yardstick` is what no difference between sources can flatter, by the columns `by`, and
    `told_apart` how well the features of a run tell them, or why that is not known. `elsewhere` is
    what other films say, which were none of its own.
    `warnings` begin with what comes before every figure. `caveat` is what an audit says of these
    films, in sentences, the conclusion first. `folder` is the name of the folder of films, without
    those above it. `judged` is for the audit, and in no paper.
    """

    subject: EvaluatedModel
    split: SplitChoice
    digest: str
    figures: Figures
    subgroups: tuple[Subgroup, ...]
    warnings: tuple[str, ...]
    caveat: tuple[str, ...] = ()
    folder: str = ""
    judged: JudgedFilms = field(default_factory=JudgedFilms)
    by: tuple[Column, ...] = ()
    yardstick: Yardstick = field(default_factory=Yardstick)
    told_apart: tuple[ToldApart, ...] | str = ()
    elsewhere: Elsewhere | None = None

    @property
    def first(self) -> list[str]:
        """What stands before the figures of all films, in sentences."""
        model, told = self.subject, in_words(self.subject)
        classes = model.positive, model.negative
        lines = elsewhere_sentences(self.elsewhere, *classes) if self.elsewhere else []
        lines += sentences(self.yardstick, *classes)
        return [told(line) for line in (*lines, *told_apart_words(self.told_apart))]


def evaluate(
    model: EvaluatedModel,
    labelled: LabelledFilms,
    split: SplitChoice | None = None,
    prevalences: Sequence[float] = PREVALENCES,
    reader: FilmReader | None = None,
    *,
    by: Sequence[Column] | None = None,
) -> Evaluation:
    """Return what `model` is worth on the films of a `split` of `labelled`.

    `by` are the manifest's columns for the yardstick, by default all that it has.

    Raises:
        UsageError: a split is wanted of films that have none, or a column that is not there.
        DataError: a film cannot be read, or fewer than two of a class were judged.
    """
    chosen = columns(labelled.folders.title, labelled.attributes, by)
    selection = select_films(model, labelled, split, reader)
    films = [labelled.films[place] for place in selection.places]
    outcomes = model.classify([film.path for film in films])
    positive = are_positive(films, labelled.positive)
    answered = judged(positive, [film.group for film in films], outcomes, model.decision)
    figures = measure(answered, outcomes, model.decision, prevalences)
    kept = _kept(labelled, selection.places, outcomes)
    said = model.caution, *labelled.warnings, *selection.warnings
    parts = subgroups(*(told := (answered, kept.attributes, model.decision.threshold)))
    return Evaluation(
        subject=model,
        split=selection.name,
        digest=set_digest([film.sha256 for film in films]),
        figures=figures,
        subgroups=parts,
        folder=labelled.folders.title,
        judged=kept,
        by=chosen,
        yardstick=yardstick(*told, chosen),
        warnings=(*filter(None, said), *_cautions(figures, parts, positive, outcomes)),
    )


def _kept(
    labelled: LabelledFilms, places: Sequence[int], outcomes: Sequence[FilmOutcome]
) -> JudgedFilms:
    """Return those of the films at `places` that got a logit."""
    logits = {
        place: outcome.logit
        for place, outcome in zip(places, outcomes, strict=True)
        if outcome.logit is not None
    }
    return JudgedFilms(
        negative=labelled.negative,
        positive=labelled.positive,
        films=tuple(labelled.films[place] for place in logits),
        attributes=tuple(labelled.attributes[place] for place in logits),
        logits=tuple(logits.values()),
    )


def set_digest(digests: Sequence[str]) -> str:
    """Return the SHA-256 of a set of films: of their sorted digests, a line each."""
    return sha256("".join(f"{digest}\n" for digest in sorted(digests)).encode())


def _cautions(
    figures: Figures, parts: Sequence[Subgroup], positive: Bools, outcomes: Sequence[FilmOutcome]
) -> list[str]:
    sentences = _sources(figures, parts)
    if coincide(parts, "source"):
        sentences.append(
            "no source has films of both classes: telling sources apart would do as well, so "
            "these figures are no evidence of medicine"
        )
    if figures.groups < figures.positive + figures.negative:
        sentences.append(
            f"{figures.positive + figures.negative} films in {figures.groups} groups of patients "
            "and near-duplicates: see the intervals by group"
        )
    refused = np.array([outcome.logit is None for outcome in outcomes])
    return [
        *sentences,
        *refusals(int((refused & positive).sum()), int((refused & ~positive).sum())),
    ]


def refusals(positive: int, negative: int) -> list[str]:
    """Return a sentence on how many films of either class were refused, where any was."""
    number = positive + negative
    start, count = ("1 film was", "counts") if number == 1 else (f"{number} films were", "count")
    by_class = f"{positive} positive and {negative} negative"
    told = f"{start} refused, {by_class}, and {count} neither as right nor as wrong"
    return [told] if number else []


def _sources(figures: Figures, parts: Sequence[Subgroup]) -> list[str]:
    """Return the AUC within each source of both classes, where films of other sources are in it."""
    within, others = within_sources(parts)
    if not (within and others):
        return []
    areas = {part.name: part.metrics.auc for part in within if part.metrics}
    if len(areas) == 1:
        (name, area), *_ = areas.items()
        told = f"the only source with films of both classes, {name}, gives an AUC of {area}"
    else:
        listed = "; ".join(f"{area} ({name})" for name, area in areas.items())
        told = f"the {len(areas)} sources with films of both classes give AUCs of {listed}"
    if all(area.low <= 0.5 for area in areas.values()):
        told += ", no better than chance as far as these films can tell"
    return [
        f"{told}; the AUC of all films, {figures.metrics.auc}, compares sources with one another "
        "as well"
    ]


def blind(evaluation: Evaluation) -> list[str]:
    """Return in what way the model does not tell the classes apart on these films, if it does not.

    Nothing else on a report matters where one class is never found, or the area may be chance.
    """
    told = in_words(evaluation.subject)
    figures, model = evaluation.figures, evaluation.subject
    counts, area, lines = figures.confusion, figures.by_group.auc, []
    for label, hits, films, name in (
        (model.positive, counts.true_positive, figures.positive, "sensitivity"),
        (model.negative, counts.true_negative, figures.negative, "specificity"),
    ):
        if not hits:
            lines.append(
                f"{name} is 0: none of {films} {label} films is decided {label} at the "
                f"threshold {figures.threshold:g}"
            )
    if area.low <= 0.5:
        way = "below one half: the classes may be the wrong way round" if area.high < 0.5 else (
            "no better than chance, as far as these films can tell"
        )  # fmt: skip
        interval = f"{area.low:.3f} to {area.high:.3f} by group"
        lines.append(f"AUC {area.value:.3f} ({interval}) is {way}")
    return [told(line) for line in lines]


def in_words(model: EvaluatedModel) -> Words:
    """Return the words for the films of `model`, in which its name and its classes stay."""
    return words(model.modality, model.name, model.negative, model.positive)


def document(evaluation: Evaluation) -> dict[str, Any]:
    """Return an evaluation as JSON; it holds no name and no path of a film."""
    model, figures, told = evaluation.subject, evaluation.figures, in_words(evaluation.subject)
    return {
        "schema": SCHEMA,
        "subject": {
            "kind": model.kind,
            "name": model.name,
            "identity": model.identity,
            "modality": model.modality,
            "classes": {"negative": model.negative, "positive": model.positive},
            "decision": model.decision.to_json(),
            "seed": model.seed,
        },
        "data": {
            "folder": evaluation.folder,
            "split": evaluation.split,
            "sha256": evaluation.digest,
        },
        "warnings": [told(warning) for warning in evaluation.warnings],
        "caveat": list(evaluation.caveat),
        "elsewhere": evaluation.elsewhere.to_json() if evaluation.elsewhere else None,
        "yardstick": {
            "sentences": evaluation.first,
            **asdict(evaluation.yardstick),
            "told_apart": _plain(evaluation.told_apart),
        },
        "methods": METHODS,
        "figures": {
            **asdict(figures),
            "reliability": [
                {"mean": mean, "observed": asdict(observed)}
                for mean, observed in figures.reliability
            ],
            "roc": {"false_positive": figures.roc[0], "true_positive": figures.roc[1]},
        },
        "subgroups": [asdict(part) for part in evaluation.subgroups],
    }


def _plain(found: tuple[ToldApart, ...] | str) -> Any:
    return found if isinstance(found, str) else [asdict(one) for one in found]
