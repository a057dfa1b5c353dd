"""The report's figures as SVG: a pure function of the numbers, the same bytes at every run."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_export.proof.parity import REFERENCE
from edge_export.statistics.calibration import reliability
from edge_export.statistics.estimates import Bools, Estimate, Floats, proportion
from edge_export.words import Words, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Document = Mapping[str, Any]

Bins = Sequence[tuple[float, Estimate]]
"""The mean predicted probability of a bin of films, and the share of them that is positive."""

Curve = tuple[Bins, str, str, str, float]
"""Bins, name, colour, marker, and a shift to the right that parts it from other curves."""

BINS = 10
# Blue and orange that stay apart for every kind of colour vision, and in grey (Okabe and Ito).
BLUE, ORANGE, BLACK, GREY = "#0072B2", "#D55E00", "#000000", "#767676"
# Over this many points an SVG is larger than the same points as pixels.
_MOST_VECTORS = 2000
# Over this many layers their names are too small to read; the report's table has them all.
_MOST_NAMES = 24
# Means that span less than this are shown by themselves, and on any axis no more bins than that.
_CROWDED, _SHOWN_BINS = 0.25, 14
# A legend in one line fits under a figure wider than that, in inches, or has fewer letters.
_NARROW, _SHORT = 5.0, 36
# A float layer's 140 dB would press those worth looking at together.
_SHOWN_DB = (-20.0, 80.0)
STYLE = {
    "svg.hashsalt": "edge-kit",
    "font.family": "DejaVu Sans",  # comes with matplotlib, so it is the same everywhere
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "legend.fontsize": 8,
}


@dataclass(frozen=True, slots=True)
class Plot:
    """A figure: a title, in words what it shows to whoever cannot see it, and its SVG.

    `file` is the artefact that it is of; empty where it is of all.
    """

    title: str
    alt: str
    svg: bytes
    file: str = ""


def plots(document: Document) -> list[Plot]:
    """Return the figures that the parts present in `document` allow, in the report's order."""
    found = []
    pairs = (
        [_Pair.of(document, file) for file in compared(document)] if document.get("films") else []
    )
    with house_style():
        for pair in pairs:
            found += [_logits(pair), _difference(pair)]
        found += [_reliability(pair) for pair in pairs]
        for file, rows in (document.get("layers") or {}).items():
            if rows:
                first = (document.get("first_divergence") or {}).get(file)
                found.append(_noise(file, rows, first, words(document["modality"])))
        found.append(_bars(document, "bytes", 1e6, "Size", "MB"))
        found.append(_bars(document, "milliseconds", 1, "Time a film", "ms"))
    return found


def compared(document: Document) -> list[str]:
    """Return the artefacts worth a figure of their own: those shipped, else all that lose bits."""
    graphs = {file: one for file, one in document["artefacts"].items() if file != REFERENCE}
    shipped = [file for file, one in graphs.items() if one.get("shipped")]
    return shipped or [file for file, one in graphs.items() if one["recipe"] != "float32"]


@dataclass(frozen=True, slots=True)
class _Pair:
    """The answers of the float model and of one artefact to the `n` held-out films."""

    file: str
    classes: Mapping[str, str]
    positive: Bools
    logits: tuple[Floats, Floats]
    probabilities: tuple[Floats, Floats]
    threshold: float
    logit_threshold: float

    @classmethod
    def of(cls, document: Document, file: str) -> _Pair:
        decision, films = document["decision"], document["films"]
        scale, offset = (decision["calibration"][key] for key in ("scale", "offset"))
        logits = [np.array([film["logits"][one] for film in films]) for one in (REFERENCE, file)]
        # This form of the logistic function overflows for no logit.
        before, after = (0.5 + 0.5 * np.tanh((scale * one + offset) / 2) for one in logits)
        threshold = decision["threshold"]
        return cls(
            file=file,
            classes=document["classes"],
            positive=np.array([film["positive"] for film in films], np.bool_),
            logits=(logits[0], logits[1]),
            probabilities=(before, after),
            threshold=threshold,
            logit_threshold=(math.log(threshold / (1 - threshold)) - offset) / scale,
        )

    @property
    def flipped(self) -> Bools:
        before, after = self.probabilities
        return np.not_equal(before >= self.threshold, after >= self.threshold)


def _logits(pair: _Pair) -> Plot:
    figure, axes = canvas(3.6, 3.4)
    axes.axline((0, 0), slope=1, color=GREY, linewidth=0.6)
    axes.axhline(pair.logit_threshold, color=GREY, linestyle="--", linewidth=0.8)
    _points(axes, pair, *pair.logits, pair.logit_threshold)
    axes.set(xlabel=f"logit, {REFERENCE}", ylabel=f"logit, {pair.file}")
    legend(figure)
    alt = (
        f"Scatter of the logits of {len(pair.positive)} held-out films, float against {pair.file}: "
        f"{pair.flipped.sum()} lie on different sides of the threshold."
    )
    return drawn(figure, f"Logits, {pair.file}", alt, pair.file)


def _difference(pair: _Pair) -> Plot:
    """Show what the scatter of logits cannot: how far from its diagonal the films lie."""
    figure, axes = canvas(3.6, 3.4)
    before, after = pair.probabilities
    axes.axhline(0, color=GREY, linewidth=0.6)
    _points(axes, pair, before, after - before, pair.threshold)
    axes.set(xlabel=f"probability, {REFERENCE}", ylabel=f"{pair.file} less {REFERENCE}")
    alt = (
        f"Scatter of the difference in probability over the probability of {REFERENCE}: at most "
        f"{abs(after - before).max():.4f} on {len(before)} films."
    )
    legend(figure)
    return drawn(figure, f"Difference in probability, {pair.file}", alt, pair.file)


def _points(axes: Axes, pair: _Pair, x: Floats, y: Floats, threshold: float) -> None:
    """Draw the films by class and ring those that flipped; the threshold is on the x axis."""
    looks = (("negative", ~pair.positive, BLUE, "o"), ("positive", pair.positive, ORANGE, "^"))
    for name, some, colour, marker in looks:
        axes.scatter(
            x[some], y[some], s=14, color=colour, marker=marker, alpha=0.6, linewidths=0,
            label=pair.classes[name], rasterized=len(x) > _MOST_VECTORS,
        )  # fmt: skip
    axes.scatter(
        x[pair.flipped], y[pair.flipped], s=70, facecolors="none", edgecolors=BLACK,
        label="flipped",
    )  # fmt: skip
    axes.axvline(threshold, color=GREY, linestyle="--", linewidth=0.8, label="threshold")


def _reliability(pair: _Pair) -> Plot:
    """Draw the observed share by predicted probability, in bins of as many films each.

    Vertical bars are Wilson's 95 % intervals.
    """
    figure, axes = canvas(3.6, 3.6)
    looks = ((REFERENCE, BLUE, "o", -0.006), (pair.file, ORANGE, "s", 0.006))
    words: list[str] = []
    curves: list[Curve] = []
    for probability, (name, colour, marker, shift) in zip(pair.probabilities, looks, strict=True):
        bins = reliability(pair.positive, probability, BINS)
        error = sum(abs(mean - seen.value) for mean, seen in bins) / len(bins)
        words.append(f"{name} is off by {error:.3f} on average")
        curves.append((bins, name, colour, marker, shift))
    draw_reliability(axes, curves, pair.classes["positive"])
    legend(figure)
    alt = f"Reliability of {len(pair.positive)} held-out films in bins: {'; '.join(words)}."
    return drawn(figure, f"Reliability, {pair.file}", alt, pair.file)


def draw_reliability(axes: Axes, curves: Sequence[Curve], positive: str) -> None:
    """Draw observed shares over predicted probabilities, with Wilson's 95 % intervals.

    Where answers crowd together, neighbouring bins become one, and the axis shows that part alone.
    """
    means = [mean for bins, *_ in curves for mean, _ in bins]
    low, high = min(means), max(means)
    zoomed = high - low < _CROWDED
    room = max(0.1 * (high - low), 0.02)
    limits = (low - room, high + room) if zoomed else (-0.03, 1.03)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.6)
    for bins, name, colour, marker, shift in curves:
        merged = merged_bins(bins, (limits[1] - limits[0]) / _SHOWN_BINS)
        value = [seen.value for _, seen in merged]
        spread = (
            [seen.value - seen.low for _, seen in merged],
            [seen.high - seen.value for _, seen in merged],
        )
        axes.errorbar(
            [mean + shift * (limits[1] - limits[0]) for mean, _ in merged], value, spread,
            color=colour, marker=marker, markersize=4, linewidth=0.9, capsize=2, label=name,
            markerfacecolor="white",
        )  # fmt: skip
    shown = f"predicted probability of {positive}" + (" (a part of the scale)" if zoomed else "")
    axes.set(xlabel=shown, ylabel=f"share that is {positive}", xlim=limits, ylim=(-0.03, 1.03))


def merged_bins(bins: Bins, apart: float) -> list[tuple[float, Estimate]]:
    """Return `bins`, in order of their means, with those nearer than `apart` pooled."""
    pooled: list[tuple[float, int, int]] = []  # mean, positive, all
    for mean, seen in bins:
        positive = round(seen.value * seen.n)
        if pooled and mean - pooled[-1][0] < apart:
            before, found, films = pooled.pop()
            total = films + seen.n
            pooled.append(((before * films + mean * seen.n) / total, found + positive, total))
        else:
            pooled.append((mean, positive, seen.n))
    return [(mean, proportion(positive, films)) for mean, positive, films in pooled]


def layer_name(number: int, row: Document, told: Words = str) -> str:
    """Return what a layer is called where people read it: its place and its operator in words."""
    words = row["operator"].lower().replace("_2d", " 2-D").replace("_", " ")
    return f"{number} {words}" + (told(", film branch") if row.get("branch") else "")


def _noise(file: str, rows: list[Document], first: str | None, told: Words) -> Plot:
    figure, axes = canvas(7.2, 3.8)
    number = np.arange(1, len(rows) + 1)
    # No figure is no noise: the layer's values are exact.
    noise = np.array([math.nan if row["sqnr_db"] is None else row["sqnr_db"] for row in rows])
    noise = np.clip(noise, *_SHOWN_DB)
    quantized = np.array([row["quantized"] for row in rows], np.bool_)
    axes.plot(number, noise, color=BLUE, linewidth=0.8)
    for some, fill, label in ((quantized, BLUE, "quantized"), (~quantized, "white", "float")):
        axes.scatter(
            number[some], noise[some], s=16, color=fill, edgecolors=BLUE, zorder=3, label=label
        )
    where = next((index for index, row in enumerate(rows, 1) if row["tensor"] == first), None)
    if where is not None:
        axes.axvline(where, color=ORANGE, linestyle="--", label="first divergence")
    axes.set(ylabel="SQNR, dB (cut at 80)", ymargin=0.15)
    axes.set_ylim(bottom=min(0.0, np.nanmin(noise, initial=0.0)))
    if len(rows) <= _MOST_NAMES:
        names = [layer_name(index, row, told) for index, row in enumerate(rows, 1)]
        axes.set_xticks(number, names, rotation=45, ha="right", fontsize=7)
    else:
        axes.set(xlabel="layer, in order of execution", xlim=(0, len(rows) + 1))
    legend(figure)
    diverges = "no layer diverges"
    if where is not None:
        diverges = f"the first to diverge is {layer_name(where, rows[where - 1], told)}"
    alt = f"Signal-to-quantization-noise ratio of {len(rows)} layers of {file}: {diverges}."
    return drawn(figure, f"Noise by layer, {file}", alt, file)


def _bars(document: Document, key: str, unit: float, title: str, unit_name: str) -> Plot:
    graphs = {file: one for file, one in document["artefacts"].items() if file != REFERENCE}
    figure, axes = canvas(4.6, 0.6 + 0.3 * len(graphs))
    values = [(one.get(key) or 0) / unit for one in graphs.values()]
    shipped = [bool(one.get("shipped")) for one in graphs.values()]
    colours = [ORANGE if one else GREY for one in shipped]
    names = [file + (", shipped" if one else "") for file, one in zip(graphs, shipped, strict=True)]
    labels = [f"{value:.2f}" if value else "not known" for value in values]
    bars = axes.barh(range(len(graphs)), values, color=colours, height=0.6)
    axes.bar_label(bars, labels, padding=3, fontsize=8)
    axes.set_yticks(range(len(graphs)), names)
    axes.invert_yaxis()
    axes.set(xlabel=unit_name, xmargin=0.2)
    words = "; ".join(f"{name} {label}" for name, label in zip(names, labels, strict=True))
    return drawn(figure, f"{title}, {unit_name}", f"Bars in {unit_name}: {words}.")


@contextmanager
def house_style() -> Iterator[None]:
    """Draw the block's figures alike: no configuration of the user's changes a byte."""
    from matplotlib import style

    with style.context(["default", STYLE]):
        yield


def canvas(width: float, height: float) -> tuple[Figure, Axes]:
    """Return a new figure of `width` x `height` inches, and its axes."""
    from matplotlib.figure import Figure  # pyplot would keep every figure until the end

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def legend(figure: Figure) -> None:
    """Say below the axes what is what, where it covers nothing."""
    handles, labels = figure.axes[0].get_legend_handles_labels()
    columns = 4 if figure.get_figwidth() > _NARROW or sum(map(len, labels)) < _SHORT else 2
    figure.legend(handles, labels, loc="outside lower center", ncols=min(columns, len(labels)))


def drawn(figure: Figure, title: str, alt: str, file: str = "") -> Plot:
    """Return `figure` as a plot."""
    encoded = io.BytesIO()
    # No software name and no date: nothing that changes from run to run.
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    # Without a ground of its own, so that it stands on a dark page as well.
    figure.savefig(encoded, format="svg", metadata=nothing, transparent=True)
    return Plot(title, alt, encoded.getvalue(), file)
