"""The CLAIM checklist, filled as far as an export knows, with the blanks marked as blanks.

Numbers and sections are those of the 2024 update: Tejani et al., Radiol. Artif. Intell. 6 (2024)
e240300, 44 items. The first edition, Mongan, Moy and Kahn, Radiol. Artif. Intell. 2 (2020) e200029,
has 42 items and other numbers from 11 on. The titles are ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from edge_export.cautions import first_section
from edge_export.proof.parity import REFERENCE
from edge_export.report.claim_items import SECTIONS
from edge_export.words import words

Document = Mapping[str, Any]

BLANK = "BLANK: to be filled by the authors"
REST = "BLANK for the rest: to be filled by the authors"

# Of the other items an export knows a part at most.
_WHOLE = frozenset({9, 27, 28, 29, 32, 38})
_HEAD = """\
# CLAIM checklist: {name} {version}

Checklist for Artificial Intelligence in Medical Imaging, 2024 update (44 items; Tejani et al.,
Radiol. Artif. Intell. 2024, 6(4), e240300). Filled by the export as far as it knows: {filled} items
wholly, {partly} in part, {blank} blank.
"""


def claim(document: Document) -> str:
    """Return the checklist as Markdown for the report `document`; the same text at every run."""
    known = _known(document)
    total = sum(map(len, SECTIONS.values()))
    filled = len(known.keys() & _WHOLE)
    head = _HEAD.format(
        **{key: document[key] for key in ("name", "version")},
        filled=filled,
        partly=len(known) - filled,
        blank=total - len(known),
    )
    before = first_section(document.get("warnings") or (), document.get("caveat") or ())
    return f"{head}\n{before}" + "\n".join(_lines(known))


def _lines(known: Mapping[int, str]) -> Iterator[str]:
    for section, items in SECTIONS.items():
        yield f"## {section}\n"
        for number, title in items.items():
            yield f"### {number}. {title}\n"
            if number in known:
                yield f"{known[number]}\n"
            if number not in _WHOLE or number not in known:
                yield f"**{REST if number in known else BLANK}**\n"


def _known(document: Document) -> dict[int, str]:
    """Return what the export knows, by item; an item that is not there is blank."""
    told = words(document["modality"], document["name"], *document["classes"].values())
    known = _design(document) | _data(document) | _model(document) | _results(document)
    known = {number: told(text) for number, text in known.items()}
    if limits := (document.get("limits") or "").strip():  # in its maker's own words
        known[40] = f"{limits}\n\n{known[40]}"
    return {number: text for number, text in known.items() if text}


def _design(document: Document) -> dict[int, str]:
    verdict = document["verdict"]
    margin, budget = verdict.get("margin"), verdict.get("budget")
    rule = ""
    if margin is not None:
        rule = f", non-inferior within {100 * margin:g} points of sensitivity and of specificity"
    missing = document.get("not_stated") or ""
    return {
        3: f"Of the intended use {missing}." if missing else "",
        1: "Deep learning: a neural network that classifies images, quantized to integers.",
        6: "Of the export: to show on paired decisions that the small graphs decide like the float "
        f"model{rule}. Verdict: {verdict['answer']}.",
        40: "Held-out films come from the same sources as the training films: the figures say how "
        "the small graphs follow the float model, not how either does in another hospital.",
        41: "Research use; not a medical device.",
        42: "Rules and all figures of the export are in the report beside the bundle"
        + (
            f"; the budget is {100 * budget['flips']:g} % flips and {budget['auc']:g} of AUC."
            if budget
            else "."
        ),
        43: "Software: Edge Kit, Apache-2.0"
        + (
            f", version {tools['edge-kit']}"
            if "edge-kit" in (tools := document.get("tools") or {})
            else ""
        )
        + f". Model: the bundle `{document['name']}` {document['version']}.",
    }


def _data(document: Document) -> dict[int, str]:
    classes, calibration = document["classes"], document.get("calibration")
    counts = [f"{rows} {row['n']}" for rows, row in _reference(document).items() if rows != "both"]
    splits = document.get("splits")
    if splits:
        counts = [
            f"{split} " + " and ".join(f"{n} {label}" for label, n in by_label.items())
            for split, by_label in splits.items()
        ]
    verdict = document["verdict"]
    needed = verdict.get("films_needed") or {} if verdict["answer"] == "undecided" else {}
    more = [f"{n} more of {label}" for label, n in needed.items() if n]
    both = _reference(document)["both"]
    method = document["decision"]["calibration"]["method"]
    films = document.get("films") or ()
    positive = sum(film["positive"] for film in films)
    return {
        9: _preprocessing(document.get("preprocess")),
        10: _calibration(calibration) if calibration else "",
        11: "The bundle holds no name, path or date of a film; films are named by SHA-256.",
        12: "A film that cannot be read or is refused stops the export; none is left out silently.",
        14: f"Labels as given with the films: `{classes['negative']}` and `{classes['positive']}`.",
        19: f"Films: {', '.join(counts)}.",
        20: "Ranges are calibrated on training films, parity is measured on validation and "
        "test films."
        + (" Probabilities are calibrated on validation films." if method != "none" else ""),
        21: f"{both['n']} held-out films, as many as there were"
        + (f"; to decide, {' and '.join(more)} are needed." if more else "."),
        35: f"Held-out films: {positive} {classes['positive']}, "
        f"{len(films) - positive} {classes['negative']}; none excluded by the export."
        if films
        else "",
    }


def _model(document: Document) -> dict[int, str]:
    training = document.get("training") or {}
    machine, tools = document.get("machine") or {}, document.get("tools") or {}
    versions = [f"{tool} {release}" for tool, release in tools.items()]
    engines = [f"{file} by {engine}" for file, engine in (machine.get("engines") or {}).items()]
    graphs = [
        f"`{file}` ({artefact['recipe']}"
        + (f", {artefact['bytes'] / 1e6:.2f} MB)" if artefact.get("bytes") else ")")
        for file, artefact in document["artefacts"].items()
    ]
    named = f"Architecture {training['model']}. " if training.get("model") else ""
    seed, epochs = training.get("seed"), training.get("epochs")
    return {
        22: f"{named}One graph from pixels to a logit, as: {', '.join(graphs)}.",
        23: f"Of the export: {', '.join(versions + engines)}." if versions + engines else "",
        24: f"Random, from seed {seed}." if seed is not None else "",
        25: f"{epochs} epochs." if epochs is not None else "",
        27: "None: one network.",
    }


def _results(document: Document) -> dict[int, str]:
    decision, calibration = document["decision"], document.get("calibration") or {}
    flips = {flip["sha256"] for flip in document.get("flips") or ()}
    stability = calibration.get("stability")
    graphs = document["artefacts"].items()
    shown = [(file, artefact) for file, artefact in graphs if artefact.get("shipped")] or list(
        graphs
    )
    return {
        28: f"At the threshold {decision['threshold']:g}: accuracy, sensitivity and specificity; "
        "area under the ROC curve. Against the float model: decisions that changed, difference in "
        "probability, paired loss of sensitivity and specificity. Of the probabilities: expected "
        "calibration error, Brier score, log loss.",
        29: "95 % intervals: Wilson's for proportions, DeLong's for the area and its paired "
        "difference, Tango's for paired losses (one-sided 95 % bounds); exact McNemar test.",
        30: "The ranges were calibrated again on two halves that share no film: "
        f"{stability['flips']} of {stability['n']} decisions differ, probabilities by at most "
        f"{stability['largest_difference']:.4f}."
        if stability
        else "",
        31: "None by the export.",
        32: _performance(shown, ("val", "test")),
        33: "None by the export.",
        37: _performance(graphs, ("val", "test", "both")),
        38: _performance(shown, ("test",)),
        39: f"{len(flips)} held-out films are decided otherwise than by the float model; the "
        "report lists them by digest."
        if document.get("flips") is not None
        else "",
    }


def _reference(document: Document) -> Mapping[str, Any]:
    rows: Mapping[str, Any] = document["artefacts"][REFERENCE]["rows"]
    return rows


def _preprocessing(preprocess: Document | None) -> str:
    if not preprocess:
        return ""
    grey = "grey" if preprocess["channels"] == 1 else "RGB"
    saturated = preprocess.get("max_saturated")
    limit = "" if saturated is None else f", more than {saturated:.0%} of the pixels black or white"
    stretch = "percentiles {low_percentile:g} and {high_percentile:g} stretched to 0 and 255"
    levels = "grey levels left as they are" if preprocess.get("stretch") else stretch
    return (
        f"Oriented, {grey}, resized to {{height}} x {{width}} ({{resample}}), {levels}. Refused: a "
        "side under {min_side} pixels, more than {max_pixels} pixels, fewer than {min_contrast} "
        f"grey levels{limit}. The runtime does the same, by the same code."
    ).format(**preprocess)


def _calibration(calibration: Document) -> str:
    by_class = ", ".join(f"{n} {label}" for label, n in calibration["by_class"].items())
    overrides = [f" Override: {name}." for name in calibration.get("overrides") or ()]
    return (
        f"The ranges of the quantized graphs: {len(calibration['films'])} training films "
        f"({by_class}), method {calibration['method']}, listed by digest." + "".join(overrides)
    )


def _performance(artefacts: Iterable[tuple[str, Document]], rows: tuple[str, ...]) -> str:
    lines = [
        f"- `{file}`, {name}: "
        + ", ".join(_metric(row["metrics"], metric) for metric in row["metrics"])
        for file, artefact in artefacts
        for name in rows
        if (row := artefact["rows"].get(name))
    ]
    return "\n".join(lines)


def _metric(metrics: Document, name: str) -> str:
    estimate = metrics[name]
    title = "AUC" if name == "auc" else name
    interval = f"{estimate['low']:.3f} to {estimate['high']:.3f}"
    return f"{title} {estimate['value']:.3f} ({interval}, n {estimate['n']})"
