"""The audit as one HTML file that asks nothing of any network and runs no script."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edge_export.films.labels import are_positive
from edge_export.films.pixels import Pixels
from edge_export.report.html import template
from edge_export.report.plots import BLUE, GREY, ORANGE, Plot, canvas, drawn, house_style
from edge_export.report.thumbnails import thumbnail
from edge_export.statistics.estimates import Estimate
from edge_export.words import Words, words
from edge_kit.audit.audit import STRONG, Audit, rows
from edge_kit.audit.features import DESCRIPTION, only_centre, without_centre
from edge_kit.audit.sentences import NAMES, RULE, areas, told_sentences
from edge_kit.data.dataset import Dataset
from edge_kit.files import new_folder, write_json

REPORT, RESULT = "audit.html", "audit.json"

_SHOWN = {
    "the whole film": lambda pixels: pixels,
    "the centre blacked out": without_centre,
    "the centre only": only_centre,
}
_PICTURE = 176  # pixels a side


def write_report(
    out: Path, audit: Audit, pictures: Mapping[str, bytes], modality: str = "xray"
) -> None:
    """Write `audit.html` and `audit.json` into the new folder `out`, both or none.

    They are of films of `modality`.

    Raises:
        CannotWrite: the folder holds something, or the disk refuses.
    """
    with new_folder(out) as folder:
        (folder / REPORT).write_text(render(audit, pictures, modality), encoding="utf-8")
        write_json(folder / RESULT, document(audit, modality))


def document(audit: Audit, modality: str) -> dict[str, Any]:
    """Return the audit of films of `modality` as JSON, with its sentences."""
    told, content = words(modality), audit.to_json()
    features = {name: told(text) for name, text in content["features"].items()}
    source = content["source"]
    return {
        **content,
        "features": features,
        "sentences": told_sentences(audit, modality),
        "source": told(source) if isinstance(source, str) else source,
    }


def render(audit: Audit, pictures: Mapping[str, bytes], modality: str = "xray") -> str:
    """Return the report as HTML, the same text at every run for the same arguments.

    `pictures` are PNGs by what they show; films are of `modality`.
    """
    told = words(modality, *audit.classes)
    with house_style():
        plot = _areas({told(name): one for name, one in areas(audit).items()}, told)
    conclusion, *others = told_sentences(audit, modality)
    features = {told(NAMES.get(name, name)): told(text) for name, text in DESCRIPTION.items()}
    return template("edge_kit.audit", "report.html.j2", modality).render(
        audit=audit,
        areas={told(name): one for name, one in areas(audit).items()},
        features=features,
        conclusion=conclusion,
        sentences=others,
        pictures={told(what): picture for what, picture in pictures.items()},
        plot=plot,
        rule=told(RULE),
        verdict={"no evidence": "fail", "undecided": "undecided"}.get(audit.answer, "pass"),
    )


def mean_films(dataset: Dataset, pixels: Pixels, *, hidden: bool) -> dict[str, bytes]:
    """Return pictures of the mean training film of each class, and if `hidden` with parts hidden.

    `pixels` are `(n, height, width, channels)`, of the training films. The mean of many films is
    nobody's; it shows whether the rectangle covers the lungs, and often how the classes differ.
    """
    positive = are_positive(rows(dataset, "train"), dataset.positive)
    found = {}
    for label, mask in ((dataset.negative, ~positive), (dataset.positive, positive)):
        mean = np.rint(pixels[mask].mean(axis=0, keepdims=True)).astype(np.uint8)
        for what, shown in _SHOWN.items() if hidden else [next(iter(_SHOWN.items()))]:
            found[f"{label}, {what}"] = thumbnail(shown(mean)[0], _PICTURE)
    return found


def _areas(found: Mapping[str, Estimate], told: Words) -> Plot:
    figure, axes = canvas(6.6, 0.9 + 0.34 * len(found))
    names, own = list(found), told(NAMES["whole"])
    looking = {own, told(NAMES["only_centre"]), told(NAMES["baseline"])}
    for place, (name, one) in enumerate(found.items()):
        spread = [[one.value - one.low], [one.high - one.value]]
        colour = BLUE if name in looking else ORANGE
        axes.errorbar(one.value, place, xerr=spread, color=colour, marker="o", capsize=3)
    if own in found:
        axes.axvspan(found[own].low, found[own].high, color=BLUE, alpha=0.12, linewidth=0)
    for level, dash in ((0.5, "-"), (STRONG, "--")):
        axes.axvline(level, color=GREY, linewidth=0.8, linestyle=dash)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlim(min(0.35, *(one.low for one in found.values())) - 0.02, 1.02)
    label = told(f"AUC on the test films; lines at chance and at {STRONG}")
    axes.set(xlabel=label, ymargin=0.15)
    listed = "; ".join(f"{name} {one}" for name, one in found.items())
    alt = f"AUC with DeLong's interval: {listed}."
    return drawn(figure, "What it takes to tell the classes apart", alt)
