"""A run's curves as one PNG: loss, accuracy and AUC by epoch, ROC of the held-out films."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge_export.films.film import Split
from edge_export.report.plots import BLUE, GREY, ORANGE, house_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True)
class _Panel:
    """What one panel shows by epoch: its title, the names in the history, and what chance gets."""

    title: str
    names: tuple[str, ...]
    chance: float
    highest: float = 1.0


_PANELS = (
    # A network that says one half of everything has a cross-entropy of ln 2.
    _Panel("Binary cross-entropy", ("loss", "val_loss"), math.log(2)),
    _Panel("Accuracy", ("accuracy", "val_accuracy"), 0.5),
    _Panel("Area under the ROC curve", ("val_auc",), 0.5),
)
_MOST_LOSS = 2.0  # one step that went wrong would press all the others together
_LINE = 210  # letters of a line across the picture
_COLOURS = {"train": GREY, "val": BLUE, "test": ORANGE}


def draw_curves(
    path: Path,
    history: Mapping[str, list[float]],
    positive: Mapping[Split, NDArray[np.bool_]],
    score: Mapping[Split, NDArray[np.float64]],
    *,
    kept: int | None = None,
    said: Sequence[str] = (),
) -> None:
    """Draw `history` by epoch and, for each split in `score`, the ROC curve, to a PNG at `path`.

    `positive` and `score` (the probability of the positive class) have shape `(n,)` by split. All
    scales begin at 0 and end at 1 (cross-entropy: at 2 at most), so that runs can be compared by
    eye. Marked are what chance gets, and the epoch whose weights are `kept`, the last if none is
    named. Above all stands what is `said` of the figures, which the file has as a text as well.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    lines = [part for line in said for part in textwrap.wrap(line, _LINE)]
    with house_style():
        figure = Figure(figsize=(15, 4.2 + 0.16 * len(lines)), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(1, len(_PANELS) + 1)
        for panel, place in zip(_PANELS, axes, strict=False):
            _draw_panel(place, panel, history, kept)
        _draw_roc(axes[-1], positive, score)
        figure.suptitle("\n".join(lines), x=0.01, ha="left", fontsize=8, parse_math=False)
        # No software name, no date: the same run gives the same bytes.
        texts = {"Software": None, "Description": "\n".join(said) or None}
        figure.savefig(path, dpi=120, metadata=texts)


def _draw_panel(
    axes: Axes, panel: _Panel, history: Mapping[str, list[float]], kept: int | None
) -> None:
    from matplotlib.ticker import MaxNLocator

    epochs = len(history[panel.names[0]])
    highest = panel.highest
    if panel.names[0] == "loss":
        values = [value for name in panel.names for value in history[name]]
        highest = min(_MOST_LOSS, max(highest, 1.05 * max(values)))
    axes.axhline(panel.chance, color=GREY, linewidth=0.8, linestyle=":", label="chance")
    axes.axvline(kept or epochs, color=ORANGE, linewidth=0.8, linestyle="--",
                 label=f"kept: epoch {kept or epochs}")  # fmt: skip
    for name in panel.names:
        split = "val" if name.startswith("val_") else "train"
        axes.plot(
            range(1, len(history[name]) + 1), history[name], label=split, color=_COLOURS[split],
            marker="o", markersize=3,
        )  # fmt: skip
    axes.set(xlabel="epoch", title=panel.title, ylim=(0, highest), xlim=(0.5, epochs + 0.5))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _legend(axes)


def _legend(axes: Axes) -> None:
    """Say below the axes what is what, where it covers nothing."""
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)


def _draw_roc(
    axes: Axes,
    positive: Mapping[Split, NDArray[np.bool_]],
    score: Mapping[Split, NDArray[np.float64]],
) -> None:
    from sklearn.metrics import roc_auc_score, roc_curve

    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":", label="chance")
    for split, truth in positive.items():
        false_positive, true_positive, _ = roc_curve(truth, score[split])
        label = f"{split}, n {len(truth)}, AUC {roc_auc_score(truth, score[split]):.3f}"
        axes.plot(false_positive, true_positive, label=label, color=_COLOURS[split])
    axes.set(xlabel="1 - specificity", ylabel="sensitivity", title="ROC of the epoch that is kept")
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    _legend(axes)
