"""The audit in plain words, for whoever reads an accuracy beside it."""

from __future__ import annotations

from edge_export.statistics.estimates import Estimate
from edge_export.words import words
from edge_kit.audit.audit import STRONG, Audit, SourceGuess
from edge_kit.audit.features import CENTRE

NAMES = {
    "size": "size and aspect of the image file alone",
    "grey_levels": "grey levels, corners and borders alone",
    "baseline": "a linear model on HOG features",
    "without_centre": "the model, the lungs' centre blacked out",
    "only_centre": "the model, shown the centre only",
    "whole": "the model, shown the whole film",
}
METHODS = (
    "Intervals of an AUC here are DeLong's, of a share Wilson's, both as if films were independent "
    "of one another."
)
RULE = (
    "The rule: accuracy is called no evidence where a shortcut that does better than chance (its "
    f"95 % interval is above 0.5) has an AUC over {STRONG}, or an interval that reaches the "
    "model's; or where every source has films of one class only."
)


def areas(audit: Audit) -> dict[str, Estimate]:
    """Return every AUC of the audit by its name in words, the model's own last."""
    estimates = dict(audit.shortcuts)
    if audit.baseline:
        estimates["baseline"] = audit.baseline
    if audit.model:
        estimates |= {"only_centre": audit.model.only_centre, "whole": audit.model.whole}
    return {NAMES[key]: estimate for key, estimate in estimates.items()}


MODEL = "The model"


def sentences(audit: Audit, subject: str = MODEL) -> list[str]:
    """Return what films from elsewhere say, then what the audit found, the conclusion first.

    `subject` is what was audited.
    """
    return [
        *audit.elsewhere,
        _conclusion(audit),
        *_reasons(audit),
        *_baseline(audit),
        *_model(audit, subject),
        _source(audit),
        METHODS,
    ]


def told_sentences(audit: Audit, modality: str, subject: str = MODEL) -> list[str]:
    """Return the sentences in the words for films of `modality`."""
    told = words(modality, *audit.classes, *audit.sources)
    return [told(sentence) for sentence in sentences(audit, subject)]


def _conclusion(audit: Audit) -> str:
    if audit.answer == "no evidence":
        return (
            "Accuracy on these films is no evidence that a model recognises disease: the classes "
            "can be told apart without a look at the lungs."
        )
    if audit.answer == "undecided":
        unknown = (
            "tell the model from a shortcut that may be no better than chance"
            if audit.model
            else f"tell whether a shortcut reaches an AUC of {STRONG}"
        )
        return f"Accuracy on these films is weak evidence: they are too few to {unknown}."
    does = "does nearly as well as the model" if audit.model else f"reaches an AUC of {STRONG}"
    return (
        f"No shortcut of those tried {does}; there may be others, which films from elsewhere would "
        "show."
    )


def _reasons(audit: Audit) -> list[str]:
    shortcuts = [
        f"From {NAMES[name]}, a logistic regression reaches an AUC of {area}."
        for name, area in audit.shortcuts.items()
        if name in ("size", "grey_levels")
    ]
    if audit.parts:
        shortcuts.append(
            f"These two are means over {audit.parts} parts of the films that share no patient and "
            "no near-duplicate: fitted on the others, judged on the one."
        )
    if audit.coincide:
        pairs = (f"{name} ({next(iter(counts))})" for name, counts in audit.sources.items())
        shortcuts.append(
            "Class and source coincide: every source has films of one class only, "
            f"{', '.join(pairs)}. Whatever tells the sources apart answers for the disease."
        )
    return shortcuts


def _baseline(audit: Audit) -> list[str]:
    if audit.baseline is None:
        return []
    judged = f"{audit.baseline}{', by the same parts' if audit.parts else ''}"
    return [
        "A logistic regression on HOG features (Dalal and Triggs 2005), which sees the whole film, "
        f"reaches {judged}; what does no better is not worth its size."
    ]


def _model(audit: Audit, subject: str) -> list[str]:
    if audit.model is None:
        return []
    return [
        f"{subject} reaches {audit.model.whole}; with the lungs' centre blacked out ({CENTRE:.0%} "
        f"of height and width) {audit.model.without_centre}; with only the centre "
        f"{audit.model.only_centre}.",
        "What it keeps without the lungs it reads off the rest of the film. What it loses proves "
        "less: it was trained on no film like that.",
    ]


def _source(audit: Audit) -> str:
    if not isinstance(audit.source, SourceGuess):
        return f"How well the source can be guessed is not known: {audit.source}."
    films = "films" if audit.parts else "test films"
    return (
        f"The source of a film is guessed right in {audit.source.accuracy} of the {films}; the "
        f"most frequent source is right in {audit.source.most_frequent}."
    )
