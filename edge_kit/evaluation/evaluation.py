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
from edge_kit.data.reader import FilmReader
from edge_kit.evaluation.evaluated import EvaluatedModel, FilmOutcome
from edge_kit.evaluation.figures import PREVALENCES, Figures, judged, measure
from edge_kit.evaluation.films import LabelledFilms
from edge_kit.evaluation.selection import SplitChoice, select_films
from edge_kit.evaluation.subgroups import Subgroup, coincide, subgroups, within_sources
from edge_runtime.bundle.digest import sha256

SCHEMA = 1
NEVER = "- (no such answer was given)"
METHODS = {
    "metrics": "without regard to groups: of the AUC DeLong's, of shares Wilson's",
    "by_group": "by group: of the AUC Obuchowski's, of shares Rao and Scott's",
    "subgroups": "without regard to groups: of the AUC DeLong's, of shares Wilson's",
    "predictive": "Mercaldo's logit intervals",
}
"""How the intervals of the figures are made, by the key that holds them."""


@dataclass(frozen=True, slots=True)
class JudgedFilms:
    """The films that got an answer: the source and the logit of each; a source may be empty."""

    negative: str = ""
    positive: str = ""
    films: tuple[Film, ...] = ()
    sources: tuple[str, ...] = ()
    logits: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a model is worth on the films of a split; `digest` names the set of these films.

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


def evaluate(
    model: EvaluatedModel,
    labelled: LabelledFilms,
    split: SplitChoice | None = None,
    prevalences: Sequence[float] = PREVALENCES,
    reader: FilmReader | None = None,
) -> Evaluation:
    """Return what `model` is worth on the films of a `split` of `labelled`.

    Raises:
        UsageError: a split is wanted of films that have none.
        DataError: a film cannot be read, or fewer than two of a class were judged.
    """
    selection = select_films(model, labelled, split, reader)
    films = [labelled.films[place] for place in selection.places]
    outcomes = model.classify([film.path for film in films])
    positive = are_positive(films, labelled.positive)
    answered = judged(positive, [film.group for film in films], outcomes, model.decision)
    figures = measure(answered, outcomes, model.decision, prevalences)
    kept, judged_films = _kept(labelled, selection.places, outcomes)
    attributes = [labelled.attributes[place] for place in kept]
    parts = subgroups(answered, attributes, model.decision.threshold)
    return Evaluation(
        subject=model,
        split=selection.name,
        digest=set_digest([film.sha256 for film in films]),
        figures=figures,
        subgroups=parts,
        folder=labelled.folders.title,
        judged=judged_films,
        warnings=(
            *([model.caution] if model.caution else []),
            *labelled.warnings,
            *selection.warnings,
            *_cautions(figures, parts, positive, outcomes),
        ),
    )


def _kept(
    labelled: LabelledFilms, places: Sequence[int], outcomes: Sequence[FilmOutcome]
) -> tuple[list[int], JudgedFilms]:
    """Return those of the `places` of films that got a logit, and these films."""
    logits = {
        place: outcome.logit
        for place, outcome in zip(places, outcomes, strict=True)
        if outcome.logit is not None
    }
    return list(logits), JudgedFilms(
        negative=labelled.negative,
        positive=labelled.positive,
        films=tuple(labelled.films[place] for place in logits),
        sources=tuple(labelled.attributes[place].get("source", "") for place in logits),
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


def table(evaluation: Evaluation) -> str:
    """Return an evaluation in lines for people."""
    figures, model = evaluation.figures, evaluation.subject
    judged_films = figures.positive + figures.negative
    lines = [
        f"{model.name}, {evaluation.split} films: {figures.films}, "
        f"of which {judged_films} judged: {figures.positive} {model.positive}, "
        f"{figures.negative} {model.negative}, {figures.groups} groups",
        f"{'':<12} {'films independent (DeLong, Wilson)':<34} by group (clustered)",
    ]
    within, others = within_sources(evaluation.subgroups)
    for part in within if others else ():
        lines.append(f"{'auc':<12} {_area(part):<34} of {part.name} alone, which has both classes")
    for name in ("auc", "accuracy", "sensitivity", "specificity"):
        plain, grouped = str(getattr(figures.metrics, name)), getattr(figures.by_group, name)
        lines.append(f"{name:<12} {plain:<34} ({grouped.low:.3f} to {grouped.high:.3f})")
    lines += [f"{'uncertain':<12} {figures.uncertain}", f"{'refused':<12} {figures.refused}"]
    error = figures.calibration
    lines.append(f"calibration  expected error {error.expected:.3f}, Brier {error.brier:.3f}")
    if figures.line:
        lines.append(f"             slope {figures.line.slope}, intercept {figures.line.intercept}")
    lines += [
        f"at {100 * at.prevalence:g} %".ljust(13)
        + f"PPV {at.positive or NEVER}, NPV {at.negative or NEVER}"
        for at in figures.predictive
    ]
    lines = [in_words(model)(line) for line in [*lines, *map(_part, evaluation.subgroups)]]
    return "\n".join([*lines, *evaluation.caveat]) + "\n"


def _area(part: Subgroup) -> str:
    return str(part.metrics.auc) if part.metrics else ""


def _part(part: Subgroup) -> str:
    counts = part.confusion
    cases = counts.true_positive + counts.false_negative
    controls = counts.true_negative + counts.false_positive
    words = [
        *([f"{counts.true_positive} of {cases} found"] if cases else []),
        *([f"{counts.true_negative} of {controls} cleared"] if controls else []),
        *([f"AUC {part.metrics.auc}"] if part.metrics else []),
    ]
    return f"{part.kind} {part.name}: {', '.join(words)}"
