"""What is seen of a training while it runs: exact validation figures and a progress bar.

Import it late: it loads Keras.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import log_loss
from tqdm import tqdm

from edge_export.pixels import Pixels
from edge_export.proof.statistics import auc


@dataclass(frozen=True, slots=True)
class Rows:
    """The films of one split as arrays: pixels `(n, h, w, c)` uint8, positive `(n,)` bool."""

    pixels: Pixels
    positive: NDArray[np.bool_]


def predict(model: keras.Model, pixels: Pixels) -> NDArray[np.float64]:
    """Return the probability of the positive class for `(n, h, w, c)` pixels, shape `(n,)`."""
    answers = model.predict(pixels, batch_size=32, verbose=0)
    # With a film branch it is the first of two answers.
    score: NDArray[np.float32] = answers[0] if isinstance(answers, list) else answers
    return score[:, 0].astype(np.float64)


class Watch(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Keeps `history` by epoch and shows it; ends a training whose figures are not finite.

    `history` has `loss` and `accuracy` as they ran, and `val_loss`, `val_accuracy`, `val_auc`
    after the epoch. Keras's own AUC metric sums 200 thresholds: of a network that says 0.999
    most of the time it was off by 0.02, so the area is computed from the ranks here. The bar,
    with films a second and time left, appears on a terminal only.
    """

    def __init__(self, films: int, batch_size: int, epochs: int, held_out: Rows) -> None:
        """Watch `epochs` over `films` in batches, validating on `held_out`."""
        super().__init__()
        self.history: dict[str, list[float]] = {}
        self._films, self._batch_size, self._epochs = films, batch_size, epochs
        self._held_out = held_out

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        """Put up the bar."""
        del logs
        total, hidden = self._films * self._epochs, not sys.stderr.isatty()
        self._bar = tqdm(total=total, unit="film", desc="training", disable=hidden, leave=False)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Move the bar on by one batch."""
        del logs
        self._bar.update(min(self._batch_size, self._films - batch * self._batch_size))

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Validate, note the figures, and stop if one is not finite."""
        figures = {name: float(value) for name, value in (logs or {}).items()}
        if all(map(math.isfinite, figures.values())):
            figures |= self._validate()
        for name, value in figures.items():
            self.history.setdefault(name, []).append(value)
        if not all(map(math.isfinite, figures.values())):
            self.model.stop_training = True
        shown = {name: f"{figures.get(name, math.nan):.3f}" for name in ("loss", "val_auc")}
        self._bar.set_postfix(epoch=f"{epoch + 1}/{self._epochs}", **shown)

    def on_train_end(self, logs: Mapping[str, float] | None = None) -> None:
        """Take the bar down."""
        del logs
        self._bar.close()

    def _validate(self) -> dict[str, float]:
        positive, score = self._held_out.positive, predict(self.model, self._held_out.pixels)
        if not np.isfinite(score).all():
            return {"val_loss": math.nan}
        return {
            "val_loss": float(log_loss(positive, score, labels=[False, True])),
            "val_accuracy": float(((score >= 0.5) == positive).mean()),
            "val_auc": auc(positive, score).value,
        }
