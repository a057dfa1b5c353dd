"""Shows a training while it runs: exact validation figures, speed, a progress bar.

Import it late: it loads Keras.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from time import perf_counter

import keras
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import log_loss, precision_score, recall_score
from tqdm import tqdm

from edge_export.films.pixels import Pixels
from edge_export.statistics.estimates import auc
from edge_export.words import spoken
from edge_kit.data.pixel_store import CachedPixels
from edge_kit.models.recipe import TrainingRecipe
from edge_kit.training.checkpoint import History
from edge_kit.training.feed import LabelledPixels
from edge_kit.training.stopping import has_stopped

_AT_ONCE = 1024  # films in memory
_EXTRA = {"precision": precision_score, "recall": recall_score}
_LATER = {"val_sensitivity", "val_specificity"}
_HUNGRY = 0.2


def predict(model: keras.Model, pixels: Pixels | CachedPixels) -> NDArray[np.float64]:
    """Return the probability of the positive class for `(n, h, w, c)` pixels, shape `(n,)`."""
    scores: list[NDArray[np.float32]] = []
    for start in range(0, len(pixels), _AT_ONCE):
        answers = model.predict(pixels[start : start + _AT_ONCE], batch_size=32, verbose=0)
        # With a film branch it is the first of two answers.
        scores.append(answers[0] if isinstance(answers, list) else answers)
    return np.concatenate(scores)[:, 0].astype(np.float64)


class Watch(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Keeps `history` by epoch and shows it; ends the training if early stopping says so.

    `history` has the loss and metrics as they ran, and `val_loss`, `val_accuracy`, `val_auc`,
    `val_sensitivity`, `val_specificity` and the recipe's other metrics after the epoch. Keras's own
    AUC metric sums 200 thresholds: of a network that says 0.999 most of the time it was off by
    0.02, so the area is computed from the ranks here. The bar, with films a second and time left,
    appears on a terminal only.
    """

    def __init__(
        self,
        score: Callable[[Pixels | CachedPixels], NDArray[np.float64]],
        held_out: LabelledPixels,
        recipe: TrainingRecipe,
        *,
        films: int,
        history: History,
        say: Callable[[str], None],
        keep: Callable[[], None] = lambda: None,
    ) -> None:
        """Watch a network being trained on `films` films an epoch; go on from `history`.

        `score` gives its probabilities `(n,)` of the positive class for `(n, h, w, c)` pixels.
        `keep` is called after each epoch with finite figures, before they are shown.
        """
        super().__init__()
        self.history = {name: list(values) for name, values in history.items()}
        self._score, self._held_out, self._recipe = score, held_out, recipe
        self._films, self._say, self._keep = films, say, keep
        self._paces: list[tuple[float, float]] = []  # seconds of an epoch, and of waiting in it
        self._bar = tqdm(disable=True)

    @property
    def finite(self) -> bool:
        """Tell whether every figure of every epoch is a number."""
        return all(math.isfinite(value) for values in self.history.values() for value in values)

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Show the progress bar."""
        del logs
        epochs = self._recipe.epochs - len(self.history.get("loss", ()))
        total, unit = self._films * epochs, spoken("film")
        hidden = not sys.stderr.isatty()
        self._bar = tqdm(total=total, unit=unit, desc="training", disable=hidden, leave=False)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Note the time."""
        del epoch, logs
        self._began, self._waited = perf_counter(), self.model.waited

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Advance the progress bar by one batch."""
        del logs
        size = self._recipe.batch_size
        self._bar.update(min(size, self._films - batch * size))

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Validate, note and show the figures; stop if one is not finite, or early."""
        self._paces.append((perf_counter() - self._began, self.model.waited - self._waited))
        figures = {name: float(value) for name, value in (logs or {}).items()}
        if all(map(math.isfinite, figures.values())):
            figures |= self._validate()
        # A checkpoint of an older version lacks these, and every name has all epochs.
        lacking = _LATER - self.history.keys() if self.history else set()
        for name, value in figures.items():
            if name not in lacking:
                self.history.setdefault(name, []).append(value)
        if logs is not None:  # for the callbacks that come after
            logs.update(figures)
        if self.finite:
            self._keep()
        self._show(epoch, figures)
        rule = self._recipe.early_stopping
        self.model.stop_training = not self.finite
        if self.finite and rule and has_stopped(self.history["val_loss"], rule):
            self.model.stop_training = True
            told = f"val_loss fell by no more than {rule.min_delta} for {rule.patience} epochs"
            self._say(f"stopped early, after epoch {epoch + 1}: {told}")

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Remove the progress bar."""
        del logs
        self._bar.close()

    def summary(self) -> str:
        """Return how fast it was, and whether the data came in time."""
        if not self._paces:
            return "no epoch was left to run"
        paces = self._paces[1:] or self._paces  # the first epoch also compiles
        hungry = sum(waited for _, waited in paces) > _HUNGRY * sum(whole for whole, _ in paces)
        cure = "; films come too slowly: a faster disk for --cache may help" if hungry else ""
        return self._speed(paces) + cure

    def _show(self, epoch: int, figures: dict[str, float]) -> None:
        names = ("loss", "val_loss", "val_auc", "val_sensitivity", "val_specificity")
        shown = ", ".join(f"{name} {figures.get(name, math.nan):.3f}" for name in names)
        pace = self._speed(self._paces[-1:])
        with tqdm.external_write_mode(file=sys.stderr):
            self._say(f"epoch {epoch + 1}/{self._recipe.epochs}: {shown}; {pace}")

    def _speed(self, paces: Sequence[tuple[float, float]]) -> str:
        whole, waited = (sum(seconds) for seconds in zip(*paces, strict=True))
        films = self._films * len(paces) / whole
        pace = f"{films:.0f}" if films >= 10 else f"{films:.2g}"
        return f"{pace} films/s, waited for data {waited / whole:.0%} of the time"

    def _validate(self) -> dict[str, float]:
        positive, score = self._held_out.positive, self._score(self._held_out.pixels)
        if not np.isfinite(score).all():
            return {"val_loss": math.nan}
        decided = score >= 0.5
        extra = {
            f"val_{name}": float(measure(positive, decided, zero_division=0))
            for name, measure in _EXTRA.items()
            if name in self._recipe.metrics
        }
        return {
            "val_loss": float(log_loss(positive, score, labels=[False, True])),
            "val_accuracy": float((decided == positive).mean()),
            "val_auc": auc(positive, score).value,
            "val_sensitivity": float(decided[positive].mean()),
            "val_specificity": float((~decided[~positive]).mean()),
            **extra,
        }
