"""What films from elsewhere say, in plain words; the conclusion first."""

from __future__ import annotations

from collections.abc import Iterator

from edge_export.cautions import ELSEWHERE
from edge_export.words import counted
from edge_kit.evaluation.elsewhere import Areas, Elsewhere
from edge_kit.evaluation.yardstick_words import sentences

NO_BETTER = "no better than a linear baseline"


def elsewhere_sentences(found: Elsewhere, positive: str, negative: str) -> list[str]:
    """Return what `found` says, of the classes `positive` and `negative`; no film is named."""
    lines = [_films(found, positive, negative), *_areas(found)]
    if line := _compared(found):
        lines.insert(0, line)
    lines += sentences(found.yardstick, positive, negative)
    return [ELSEWHERE + line for line in lines]


def no_better_line(found: Elsewhere) -> list[str]:
    """Return the warning of a network that was not shown to beat the baseline, a line or none."""
    if not (found.no_better and found.network and found.baseline):
        return []
    return [
        f"{NO_BETTER} on films from elsewhere: AUC {_where(found)} {found.network.fair}, of a "
        f"logistic regression on HOG features {found.baseline.fair}, difference {found.difference}"
    ]


def _compared(found: Elsewhere) -> str:
    if not (found.difference and found.network and found.baseline):
        return ""
    answer = f"the network is {NO_BETTER}" if found.no_better else "the network beats a linear one"
    return (
        f"{answer}. AUC {_where(found)} {found.network.fair}, of a logistic regression on HOG "
        f"features fitted on the training films {found.baseline.fair}, paired difference "
        f"{found.difference}, by group."
    )


def _where(found: Elsewhere) -> str:
    areas = found.network or found.baseline
    return "within sources" if areas and areas.within else "of all (no source has both classes)"


def _films(found: Elsewhere, positive: str, negative: str) -> str:
    copied = "left out as copies of films in the training's folder, with their groups"
    other = "left out that the folder has in other splits than test"
    counts = ((found.copies, copied), (found.kept_back, other))
    left_out = [f"{counted(number, 'film')} {why}" for number, why in counts if number]
    judged = f"{found.positive} {positive} and {found.negative} {negative} films of the folder"
    return "; ".join([f"{judged} {found.folder}, which chose nothing", *left_out]) + "."


def _areas(found: Elsewhere) -> Iterator[str]:
    for name, areas in (("the network", found.network), ("the linear baseline", found.baseline)):
        if isinstance(areas, Areas):
            inside = f"within sources {areas.within}, " if areas.within else ""
            yield f"AUC of {name}: {inside}of all films {areas.all}."
