"""A run's curves as one PNG: loss, accuracy and AUC by epoch, ROC of the held-out films."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge_export.films.film import Split

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PANELS = {
    "Binary cross-entropy": ("loss", "val_loss"),
    "Accuracy": ("accuracy", "val_accuracy"),
    "Area under the ROC curve": ("val_auc",),
}
_COLOURS = {"train": "tab:blue", "val": "tab:orange", "test": "tab:green"}


def draw_curves(
    path: Path,
    history: Mapping[str, list[float]],
    positive: Mapping[Split, NDArray[np.bool_]],
    score: Mapping[Split, NDArray[np.float64]],
) -> None:
    """Draw `history` by epoch and, for each split in `score`, the ROC curve, to a PNG at `path`.

    `positive` and `score` (the probability of the positive class) have shape `(n,)` by split.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15, 3.8), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(_PANELS) + 1)
    for axes, (title, names) in zip(panels, _PANELS.items(), strict=False):
        for name in names:
            split = "val" if name.startswith("val_") else "train"
            epochs = range(1, len(history[name]) + 1)
            axes.plot(epochs, history[name], label=split, color=_COLOURS[split])
        axes.set(xlabel="epoch", title=title)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(loc="best", fontsize="small")
    _draw_roc(panels[-1], positive, score)
    # No software name, no date: the same run gives the same bytes.
    figure.savefig(path, dpi=120, metadata={"Software": None})


def _draw_roc(
    axes: Axes,
    positive: Mapping[Split, NDArray[np.bool_]],
    score: Mapping[Split, NDArray[np.float64]],
) -> None:
    from sklearn.metrics import roc_auc_score, roc_curve

    for split, truth in positive.items():
        false_positive, true_positive, _ = roc_curve(truth, score[split])
        label = f"{split}, n {len(truth)}, AUC {roc_auc_score(truth, score[split]):.3f}"
        axes.plot(false_positive, true_positive, label=label, color=_COLOURS[split])
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle=":")
    axes.set(xlabel="1 - specificity", ylabel="sensitivity", title="ROC after the last epoch")
    axes.legend(loc="lower right", fontsize="small")
