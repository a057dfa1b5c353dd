"""A fitted coverage as a folder: coverage.html and the same as coverage.json, both or neither."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from edge_export.report.document import encoded
from edge_export.report.html import template
from edge_export.report.plots import BLUE, ORANGE, Plot, canvas, drawn, house_style, legend
from edge_export.words import Words, words
from edge_kit.evaluation.covered import Coverage, Covered
from edge_kit.evaluation.evaluated import EvaluatedModel
from edge_kit.files import new_folder

REPORT, DOCUMENT = "coverage.html", "coverage.json"
SCHEMA = 1


def write_coverage_report(
    out: Path, covered: Covered, model: EvaluatedModel, identity: str
) -> None:
    """Write the report of the bundle `identity` that was fitted for a coverage as the folder `out`.

    `model` is the bundle that it was made of.

    Raises:
        CannotWrite: `out` exists and is not empty, or the disk refuses; nothing is left behind.
    """
    told = words(model.modality, model.name, *covered.names)
    content = _document(covered, model, identity, told)
    page = template("edge_kit.evaluation", "coverage.html.j2", model.modality)
    with new_folder(out) as folder:
        (folder / REPORT).write_text(
            page.render(**content, plot=risk_coverage_plot(covered.coverage, told)),
            encoding="utf-8",
        )
        (folder / DOCUMENT).write_bytes(encoded(content))


def _document(
    covered: Covered, model: EvaluatedModel, identity: str, told: Words
) -> dict[str, Any]:
    negative, positive = covered.names
    of = covered.coverage
    return {
        "schema": SCHEMA,
        "subject": {
            "name": model.name,
            "identity": identity,
            "modality": model.modality,
            "classes": {"negative": negative, "positive": positive},
            "decision": covered.decision.to_json(),
            "site": covered.site.to_json(),
        },
        "warnings": [told(line) for line in covered.warnings],
        "figures": [told(line) for line in covered.figures],
        "methods": told(covered.method),
        "coverage": {
            **of.to_json(),
            "judged_on": told(of.judged_on),
            "curve": [asdict(point) for point in of.curve],
        },
    }


def risk_coverage_plot(coverage: Coverage, told: Words = str) -> Plot:
    """Return the share of wrong answers over the share of films answered, with the chosen point."""
    points = [point for point in coverage.curve if point.wrong]
    shares = [point.answered.value for point in points]
    wrong = [point.wrong for point in points if point.wrong]
    with house_style():
        figure, axes = canvas(4.6, 4.2)
        low, high = [risk.low for risk in wrong], [risk.high for risk in wrong]
        axes.fill_between(
            shares, low, high, color=BLUE, alpha=0.15, linewidth=0, label="95 % interval"
        )
        axes.plot(shares, [risk.value for risk in wrong], color=BLUE, label="bands of any width")
        chosen = coverage.chosen
        if chosen.wrong:
            at, risk = chosen.answered, chosen.wrong
            axes.errorbar(
                at.value, risk.value,
                xerr=[[at.value - at.low], [at.high - at.value]],
                yerr=[[risk.value - risk.low], [risk.high - risk.value]],
                color=ORANGE, marker="o", markersize=5, capsize=2,
                label=f"chosen, for a coverage of {coverage.asked:g}",
            )  # fmt: skip
        top = 1.3 * max([0.2, *(risk.value for risk in wrong)])
        axes.set(xlabel=told("share of the films answered"), ylabel="share wrong of those answered")
        axes.set(xlim=(-0.03, 1.03), ylim=(-0.02, min(1.03, top)))
        legend(figure)
        n = chosen.answered.n
        title = told(f"Risk over coverage, {n} {coverage.judged_on}")
        alt = f"{title}: of those answered wrong {chosen.wrong}, answered {chosen.answered}."
        return drawn(figure, title, alt)
