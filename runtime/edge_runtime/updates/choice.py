"""Which of the models that a repository offers a box is to have next, if any."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edge_runtime.errors import UsageError
from edge_runtime.installation.record import InstalledModel
from edge_runtime.updates.release import Release, newest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_runtime.installation.record import StoreState


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to be installed: the maker's release, and a region's threshold for it, or neither.

    `why` says it in words where it is nothing.
    """

    maker: Release | None = None
    site: Release | None = None
    why: str = ""

    @property
    def model(self) -> InstalledModel | None:
        """The model that is to answer: a region's has its maker's number of the release."""
        if self.maker is None:
            return None
        if self.site is None:
            return self.maker.model
        return replace(self.site.model, release=self.maker.model.release)


def choose(
    state: StoreState, offered: Sequence[Release], thresholds: Sequence[Release], *, whole: bool
) -> Choice:
    """Return what a box is to install of a maker's releases, and of its region's thresholds.

    `whole` tells that the current model is as it was written. A release never goes back: what is
    older than the current one is not installed, whatever the repository says.

    Raises:
        UsageError: there are several models, and nobody said which.
    """
    current = state.current
    names = sorted({release.model.name for release in offered})
    if len(names) > 1:
        cure = f"choose one of {', '.join(names)} with --model"
        raise UsageError("--model", "none given, and there are several", cure)
    best = newest(offered, state.box, is_first=current is None)
    if current is None:
        return _with_threshold(best, thresholds) if best else Choice(why="nothing is offered")
    if best is None or best.model.release < current.release:
        best = _current_release(offered, current)
    if best is None:
        return Choice(why=f"{current} is the newest that is offered to this box")
    chosen = _with_threshold(best, thresholds)
    is_newer = best.model.release > current.release
    if is_newer and current.maker and chosen.site is None:
        return Choice(why=f"{best.model} waits for a threshold of its region; {current} goes on")
    model = chosen.model
    if model and model.identity == current.identity:
        return Choice(why=f"{current} is the newest") if whole else chosen
    if not is_newer and chosen.site is None and current.maker:
        return Choice(why=f"{current} is the newest")
    return chosen


def _current_release(offered: Sequence[Release], current: InstalledModel) -> Release | None:
    """Return the release that the current model is, or is of, where it is still offered."""
    identity = current.maker or current.identity
    return next((release for release in offered if release.model.identity == identity), None)


def _with_threshold(best: Release, thresholds: Sequence[Release]) -> Choice:
    fit = [release for release in thresholds if release.model.maker == best.model.identity]
    fit.sort(key=lambda release: release.model.release)
    return Choice(best, fit[-1] if fit else None)
