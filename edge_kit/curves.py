"""A run's curves as one PNG: loss, AUC by epoch, and the ROC of the held-out films."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_export.film import Split


def draw_curves(
    path: Path,
    history: Mapping[str, list[float]],
    positive: Mapping[Split, NDArray[np.bool_]],
    score: Mapping[Split, NDArray[np.float64]],
) -> None:
    """Draw `history` by epoch and, for each split in `score`, the ROC curve, to a PNG at `path`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from sklearn.metrics import roc_auc_score, roc_curve

    figure = Figure(figsize=(12, 3.8), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, name in zip(figure.subplots(1, 3), ("loss", "auc", "roc"), strict=True):
        if name == "roc":
            for split, truth in positive.items():
                false_positive, true_positive, _ = roc_curve(truth, score[split])
                area = roc_auc_score(truth, score[split])
                label = f"{split}, n {len(truth)}, AUC {area:.3f}"
                axes.plot(false_positive, true_positive, label=label)
            axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle=":")
            axes.set(xlabel="1 - specificity", ylabel="sensitivity", title="ROC, last epoch")
        else:
            epochs = range(1, len(history[name]) + 1)
            axes.plot(epochs, history[name], label="train")
            axes.plot(epochs, history[f"val_{name}"], label="val")
            title = {"loss": "Binary cross-entropy", "auc": "Area under the ROC curve"}[name]
            axes.set(xlabel="epoch", title=title)
            axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(loc="best", fontsize="small")
    # No creation date: the same run gives the same bytes.
    figure.savefig(path, dpi=120, metadata={"Software": None})
