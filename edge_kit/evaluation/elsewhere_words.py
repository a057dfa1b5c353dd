"""What films from elsewhere say, in plain words; the conclusion first."""

from __future__ import annotations

from collections.abc import Iterator

from edge_export.cautions import ELSEWHERE
from edge_export.words import counted
from edge_kit.evaluation.elsewhere import Areas, Elsewhere
from edge_kit.evaluation.yardstick_words import sentences

NO_BETTER = "no better than a linear baseline"


def elsewhere_sentences(outcome: Elsewhere, positive: str, negative: str) -> list[str]:
    """Return what `outcome` says, of the classes `positive` and `negative`; no film is named."""
    lines = [_films(outcome, positive, negative), *_areas(outcome)]
    if line := _compared(outcome):
        lines.insert(0, line)
    lines += sentences(outcome.yardstick, positive, negative)
    return [ELSEWHERE + line for line in lines]


def no_better_line(outcome: Elsewhere) -> list[str]:
    """Return the warning of a network that was not shown to beat the baseline, a line or none."""
    if not (outcome.no_better and outcome.network and outcome.baseline):
        return []
    return [
        f"{NO_BETTER} on films from elsewhere: AUC {_where(outcome)} {outcome.network.fair}, of a "
        f"logistic regression on HOG features {outcome.baseline.fair}, difference "
        f"{outcome.difference}"
    ]


def _compared(outcome: Elsewhere) -> str:
    if not (outcome.difference and outcome.network and outcome.baseline):
        return ""
    answer = (
        f"the network is {NO_BETTER}" if outcome.no_better else "the network beats a linear one"
    )
    return (
        f"{answer}. AUC {_where(outcome)} {outcome.network.fair}, of a logistic regression on HOG "
        f"features fitted on the training films {outcome.baseline.fair}, paired difference "
        f"{outcome.difference}, by group."
    )


def _where(outcome: Elsewhere) -> str:
    areas = outcome.network or outcome.baseline
    return "within sources" if areas and areas.within else "of all (no source has both classes)"


def _films(outcome: Elsewhere, positive: str, negative: str) -> str:
    copied = "left out as copies of films in the training's folder, with their groups"
    other = "left out that the folder has in other splits than test"
    counts = ((outcome.copies, copied), (outcome.kept_back, other))
    left_out = [f"{counted(number, 'film')} {why}" for number, why in counts if number]
    judged = f"{outcome.positive} {positive} and {outcome.negative} {negative} films of the folder"
    return "; ".join([f"{judged} {outcome.folder}, which chose nothing", *left_out]) + "."


def _areas(outcome: Elsewhere) -> Iterator[str]:
    for name, areas in (
        ("the network", outcome.network),
        ("the linear baseline", outcome.baseline),
    ):
        if isinstance(areas, Areas):
            inside = f"within sources {areas.within}, " if areas.within else ""
            yield f"AUC of {name}: {inside}of all films {areas.all}."
