"""An evaluation in lines for people: first what no difference between sources can flatter."""

from __future__ import annotations

from edge_kit.evaluation.evaluation import Evaluation, in_words
from edge_kit.evaluation.subgroups import Subgroup

NEVER = "- (no such answer was given)"


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
    return "\n".join([*evaluation.first, *lines, *evaluation.caveat]) + "\n"


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
