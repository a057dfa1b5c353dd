"""The figures of an evaluation as SVG."""

from __future__ import annotations

import numpy as np

from edge_export.report.plots import (
    BLUE,
    GREY,
    ORANGE,
    Plot,
    canvas,
    draw_reliability,
    drawn,
    house_style,
    legend,
)
from edge_export.words import Words
from edge_kit.evaluation.figures import Figures


def plots(figures: Figures, positive: str, told: Words = str) -> list[Plot]:
    """Return ROC, reliability and decision curve; `positive` is the name of that class."""
    with house_style():
        reliability = _reliability(figures, positive, told)
        return [_roc(figures), reliability, _decision_curve(figures, told)]


def _roc(figures: Figures) -> Plot:
    figure, axes = canvas(3.6, 3.8)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.6)
    axes.plot(*figures.roc, color=BLUE, linewidth=1.2, drawstyle="steps-post")
    found, cleared = figures.metrics.sensitivity, figures.metrics.specificity
    axes.errorbar(
        1 - cleared.value, found.value,
        xerr=[[cleared.high - cleared.value], [cleared.value - cleared.low]],
        yerr=[[found.value - found.low], [found.high - found.value]],
        color=ORANGE, marker="o", markersize=5, capsize=2,
        label=f"threshold {figures.threshold:g}, with Wilson's intervals",
    )  # fmt: skip
    axes.set(xlabel="1 - specificity", ylabel="sensitivity", aspect="equal")
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
    legend(figure)
    area = figures.metrics.auc
    title = f"ROC, AUC {area}, DeLong's interval"
    return drawn(figure, title, f"ROC curve with an area of {area} by DeLong.")


def _reliability(figures: Figures, positive: str, told: Words) -> Plot:
    figure, axes = canvas(3.6, 3.8)
    bins = figures.reliability
    draw_reliability(axes, [(bins, told("films in bins"), BLUE, "o", 0.0)], positive)
    legend(figure)
    error = figures.calibration.expected
    words = f"off by {error:.3f} on average"
    return drawn(figure, "Reliability", f"Reliability in {len(bins)} bins: {words}.")


def _decision_curve(figures: Figures, told: Words) -> Plot:
    """Draw what treating by the answer gains, beside treating everybody and nobody."""
    figure, axes = canvas(3.6, 3.8)
    at = np.array([one.threshold for one in figures.net_benefit])
    model = [one.model for one in figures.net_benefit]
    low, high = [one.low for one in model], [one.high for one in model]
    axes.fill_between(at, low, high, color=BLUE, alpha=0.15, linewidth=0, label="95 % interval")
    axes.plot(at, [one.value for one in model], color=BLUE, label="by the answer")
    axes.plot(
        at, [one.treat_all for one in figures.net_benefit], color=ORANGE, label=told("treat all")
    )
    axes.axhline(0, color=GREY, linewidth=0.9, label=told("treat none"))
    share = figures.positive / (figures.positive + figures.negative)
    axes.set(xlabel="threshold probability", ylabel="net benefit", ylim=(-0.1, share + 0.05))
    legend(figure)
    words = f"where {100 * share:.0f} % are positive, as among these films"
    return drawn(figure, "Decision curve", told(f"Net benefit over the threshold, {words}."))
