"""In what way a network falls short after its training, in sentences for its papers."""

from __future__ import annotations

from collections.abc import Mapping

from edge_export.films.film import HELD_OUT, Split
from edge_export.statistics.estimates import Metrics
from edge_kit.models.recipe import Keep
from edge_kit.training.checkpoint import History
from edge_kit.training.stopping import kept_epoch

FAR = 0.02
"""A validation figure that the kept epoch misses by less is not far below its best."""
CHOSEN = "the validation films chose the epoch that is kept: their figures are too optimistic"
"""What has to be said of the validation figures of a run with `keep` "best"."""
HARDLY = 0.1
"""A class of which a smaller share of films is found is as good as never found."""


def one_class(
    metrics: Mapping[Split, Metrics], negative: str, positive: str, subject: str = "the network"
) -> list[str]:
    """Return on which held-out splits films of a class are hardly ever found at the threshold.

    That is a share below `HARDLY` of the films of that class, not of all films: where one class is
    rare, a sound network gives nearly all films the other.
    """
    sentences = []
    for split in HELD_OUT:
        found, cleared = metrics[split].sensitivity, metrics[split].specificity
        for share, label, other, name in (
            (found, positive, cleared, "sensitivity"),
            (cleared, negative, found, "specificity"),
        ):
            calls = negative if label == positive else positive
            if 0 < share.value < HARDLY:
                missed = f"{round(share.n * (1 - share.value))} of {share.n} {label} films"
                sentences.append(f"{split}: {subject} calls {missed} {calls}: {name} is {share}")
            if share.value == 0:
                every = "every film" if other.value == 1 else f"every {label} film"
                sentences.append(
                    f"{split}: {subject} calls {every} {calls}: {name} is 0, n {share.n}"
                )
    return sentences


def of_kept_epoch(history: History, metrics: Mapping[Split, Metrics], keep: Keep) -> list[str]:
    """Return what is to be said of the kept epoch: that it was chosen, or is far below the best.

    Far is by more than `FAR`, and above the 95 % interval of the kept epoch's figure.
    """
    losses = history.get("val_loss", [])
    if not losses:
        return []
    kept, lowest, sentences = kept_epoch(losses, keep), kept_epoch(losses, "best"), list[str]()
    if keep == "best":
        sentences.append(CHOSEN)
    for name, figure in (("AUC", metrics["val"].auc), ("accuracy", metrics["val"].accuracy)):
        values = history[f"val_{name.lower()}"]
        best = max(values)
        if best > max(figure.high, figure.value + FAR):
            sentences.append(
                f"the epoch that is kept, {kept} of {len(losses)}, is far below the best on the "
                f"validation films: {name} {figure}, {best:.3f} after epoch "
                f"{values.index(best) + 1}; " + _cure(keep, kept, lowest)
            )
    return sentences


def _cure(keep: Keep, kept: int, lowest: int) -> str:
    if keep == "best":
        return f"kept is the one with the lowest loss on these films, {lowest}"
    if kept == lowest:
        return "it has the lowest loss on these films, so that --keep best keeps it too"
    return f"--keep best keeps the one with the lowest loss on these films, {lowest}"


def kept_line(history: History, keep: Keep) -> str:
    """Return which epoch is kept, and how to keep another."""
    losses = history.get("val_loss", [])
    epochs = len(history["loss"])
    if keep == "best":
        kept = kept_epoch(losses, "best")
        return f"kept: epoch {kept} of {epochs}, with the lowest loss on the validation films"
    line = f"kept: epoch {epochs} of {epochs}, the last"
    lowest = kept_epoch(losses, "best") if losses else epochs
    if lowest == epochs:
        return line
    return f"{line}; --keep best keeps epoch {lowest}, with the lowest loss on the validation films"
