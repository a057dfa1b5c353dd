"""One model judged on one folder of films, and the document that tells of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from edge_export.films.labels import are_positive
from edge_export.statistics.estimates import Bools
from edge_kit.data.reader import FilmReader
from edge_kit.evaluation.figures import PREVALENCES, Figures, judged, measure
from edge_kit.evaluation.films import Labelled
from edge_kit.evaluation.rows import Wanted, choose_rows
from edge_kit.evaluation.subgroups import Subgroup, coincide, subgroups
from edge_kit.evaluation.subject import Reply, Subject
from edge_runtime.bundle.digest import sha256

SCHEMA = 1
NEVER = "- (no such answer was given)"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a subject is worth on the films of a split, `digest` of which names their set.

    `caveat` is what an audit says of these films, in sentences, the conclusion first. `folder` is
    the name of the folder of films, without those above it.
    """

    subject: Subject
    split: Wanted
    digest: str
    figures: Figures
    subgroups: tuple[Subgroup, ...]
    warnings: tuple[str, ...]
    caveat: tuple[str, ...] = ()
    folder: str = ""


def evaluate(
    subject: Subject,
    labelled: Labelled,
    split: Wanted | None = None,
    prevalences: Sequence[float] = PREVALENCES,
    reader: FilmReader | None = None,
) -> Evaluation:
    """Return what `subject` is worth on the films of a `split` of `labelled`.

    Raises:
        UsageError: a split is wanted of films that have none.
        DataError: a film cannot be read, or fewer than two of a class were judged.
    """
    rows = choose_rows(subject, labelled, split, reader)
    films = [labelled.films[place] for place in rows.places]
    replies = subject.ask([film.path for film in films])
    positive = are_positive(films, labelled.positive)
    answered = judged(positive, [film.group for film in films], replies, subject.decision)
    figures = measure(answered, replies, subject.decision, prevalences)
    facts = [
        labelled.facts[place]
        for place, reply in zip(rows.places, replies, strict=True)
        if reply.logit is not None
    ]
    parts = subgroups(answered, facts, subject.decision.threshold)
    return Evaluation(
        subject=subject,
        split=rows.name,
        digest=set_digest([film.sha256 for film in films]),
        figures=figures,
        subgroups=parts,
        folder=labelled.root.resolve().name,
        warnings=(
            *([subject.caution] if subject.caution else []),
            *labelled.warnings,
            *rows.warnings,
            *_cautions(figures, parts, positive, replies),
        ),
    )


def set_digest(digests: Sequence[str]) -> str:
    """Return the SHA-256 of a set of films: of their sorted digests, a line each."""
    return sha256("".join(f"{one}\n" for one in sorted(digests)).encode())


def _cautions(
    figures: Figures, parts: Sequence[Subgroup], positive: Bools, replies: Sequence[Reply]
) -> list[str]:
    found = []
    if coincide(parts, "source"):
        found.append(
            "no source has films of both classes: telling sources apart would do as well, so "
            "these figures are no evidence of medicine"
        )
    if figures.groups < figures.positive + figures.negative:
        found.append(
            f"{figures.positive + figures.negative} films in {figures.groups} groups of patients "
            "and near-duplicates: see the intervals by group"
        )
    refused = np.array([reply.logit is None for reply in replies])
    lost = int((refused & positive).sum())
    if lost:
        found.append(f"{lost} positive films were refused, and count neither as found nor missed")
    return found


def blind(found: Evaluation) -> list[str]:
    """Return in what way the model does not tell the classes apart on these films, if it does not.

    Nothing else on a report matters where one class is never found, or the area may be chance.
    """
    one, subject = found.figures, found.subject
    counts, area, lines = one.confusion, one.by_group.auc, []
    for label, hits, films, name in (
        (subject.positive, counts.true_positive, one.positive, "sensitivity"),
        (subject.negative, counts.true_negative, one.negative, "specificity"),
    ):
        if not hits:
            lines.append(
                f"{name} is 0: none of {films} {label} films is decided {label} at the "
                f"threshold {one.threshold:g}"
            )
    if area.low <= 0.5:
        way = "below one half: the classes may be the wrong way round" if area.high < 0.5 else (
            "no better than chance, as far as these films can tell"
        )  # fmt: skip
        lines.append(f"AUC {area.value:.3f} ({area.low:.3f} to {area.high:.3f}) is {way}")
    return lines


def document(found: Evaluation) -> dict[str, Any]:
    """Return an evaluation as JSON; it holds no name and no path of a film."""
    subject, figures = found.subject, found.figures
    return {
        "schema": SCHEMA,
        "subject": {
            "kind": subject.kind,
            "name": subject.name,
            "identity": subject.identity,
            "modality": subject.modality,
            "classes": {"negative": subject.negative, "positive": subject.positive},
            "decision": subject.decision.to_json(),
            "seed": subject.seed,
        },
        "data": {"folder": found.folder, "split": found.split, "sha256": found.digest},
        "warnings": list(found.warnings),
        "caveat": list(found.caveat),
        "figures": {
            **asdict(figures),
            "reliability": [
                {"mean": mean, "observed": asdict(observed)}
                for mean, observed in figures.reliability
            ],
            "roc": {"false_positive": figures.roc[0], "true_positive": figures.roc[1]},
        },
        "subgroups": [asdict(one) for one in found.subgroups],
    }


def table(found: Evaluation) -> str:
    """Return an evaluation in lines for people."""
    one, subject = found.figures, found.subject
    judged_films = one.positive + one.negative
    lines = [
        f"{subject.name}, {found.split} films: {one.films}, of which {judged_films} judged: "
        f"{one.positive} {subject.positive}, {one.negative} {subject.negative}, "
        f"{one.groups} groups",
        f"{'':<12} {'films independent':<34} by group",
    ]
    for name in ("auc", "accuracy", "sensitivity", "specificity"):
        plain, grouped = str(getattr(one.metrics, name)), getattr(one.by_group, name)
        lines.append(f"{name:<12} {plain:<34} ({grouped.low:.3f} to {grouped.high:.3f})")
    lines += [f"{'uncertain':<12} {one.uncertain}", f"{'refused':<12} {one.refused}"]
    error = one.calibration
    lines.append(f"calibration  expected error {error.expected:.3f}, Brier {error.brier:.3f}")
    if one.line:
        lines.append(f"             slope {one.line.slope}, intercept {one.line.intercept}")
    lines += [
        f"at {100 * at.prevalence:g} %".ljust(13)
        + f"PPV {at.positive or NEVER}, NPV {at.negative or NEVER}"
        for at in one.predictive
    ]
    return "\n".join([*lines, *map(_part, found.subgroups), *found.caveat]) + "\n"


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
