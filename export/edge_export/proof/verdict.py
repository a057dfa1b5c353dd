"""Is the small graph as good as the reference model? Yes, no, or too few films to tell.

Sensitivity and specificity must each be non-inferior, on paired decisions at the deployed
threshold, and the point budgets on flips and AUC must hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from edge_export.proof.faults import Fault
from edge_export.proof.parity import Budget
from edge_export.statistics.paired import PairedLoss, tango_films

Outcome = Literal["pass", "fail", "undecided"]

_WORST_FIRST: tuple[Outcome, ...] = ("fail", "undecided", "pass")


@dataclass(frozen=True, slots=True)
class Verdict:
    """An outcome and the reasons for it, a line each.

    `films_needed` says by class how many more films a pass would need, if the same shares of them
    were lost and gained: 0 where there are enough, None where no number would do.
    """

    answer: Outcome
    reasons: tuple[str, ...]
    films_needed: Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class _ClassLoss:
    """The loss in one class of films; `measure` is sensitivity or specificity."""

    name: str
    measure: str
    loss: PairedLoss
    films_needed: int | None


def judge(
    sensitivity: PairedLoss,
    specificity: PairedLoss,
    *,
    flips: int,
    n: int,
    auc_difference: float,
    budget: Budget,
    positive: str = "positive",
    negative: str = "negative",
    faults: Sequence[Fault] = (),
) -> Verdict:
    """Return the verdict on a candidate that flips `flips` of `n` decisions of its reference.

    Non-inferiority by the upper one-sided 95 % bounds of the losses (Tango). It fails on any of
    `faults`, over a point budget, or with a loss shown above the margin; `positive` and `negative`
    name the classes.

    Raises:
        ValueError: more flips than films, no films, or a margin that is not between 0 and 1.
    """
    if not 0 <= flips <= n or n == 0:
        raise ValueError(f"{flips} flips of {n} decisions")
    margin = budget.margin
    classes = [
        _ClassLoss(name, measure, loss, _more_films(loss, margin))
        for name, measure, loss in (
            (positive, "sensitivity", sensitivity),
            (negative, "specificity", specificity),
        )
    ]
    failed = [fault.line for fault in faults]
    failed += _over_budget(flips, n, auc_difference, budget)
    failed += [
        f"{class_.measure} loses {_bound(class_.loss, 'at least', class_.loss.low)}, "
        f"more than {margin:.2%}"
        for class_ in classes
        if class_.loss.low > margin
    ]
    undecided = [_undecided(class_, margin) for class_ in classes if class_.loss.high > margin]
    passed = [
        f"{class_.measure} loses {_bound(class_.loss, 'at most', class_.loss.high)}, "
        f"margin {margin:.2%}"
        for class_ in classes
    ]
    answer: Outcome = "fail" if failed else "undecided" if undecided else "pass"
    reasons = tuple(failed or undecided or passed)
    return Verdict(answer, reasons, {class_.name: class_.films_needed for class_ in classes})


def worst(verdicts: Iterable[Verdict]) -> Outcome:
    """Return the worst outcome: fail over undecided over pass.

    Raises:
        ValueError: there is no verdict; nothing proved is no pass.
    """
    return min((verdict.answer for verdict in verdicts), key=_WORST_FIRST.index)


def _over_budget(flips: int, n: int, auc_difference: float, budget: Budget) -> list[str]:
    lines = []
    # As a quotient: 0.01 * n can be rounded below the whole number that it stands for.
    if flips / n > budget.flips:
        lines.append(
            f"flips {flips} of {n} decisions ({flips / n:.1%}, at most {budget.flips:.1%})"
        )
    # Written with `not`, so that a difference that is not a number exceeds the budget.
    if not abs(auc_difference) <= budget.auc:
        lines.append(f"moves the AUC by {auc_difference:+.4f} (at most {budget.auc:g})")
    return lines


def _bound(loss: PairedLoss, words: str, bound: float) -> str:
    return f"{words} {bound:.2%} (95 %, {loss.lost} lost and {loss.gained} gained of {loss.n})"


def _more_films(loss: PairedLoss, margin: float) -> int | None:
    """Return how many more films bring the upper bound down to the margin; 0 if it is there."""
    needed = tango_films(loss.lost, loss.gained, loss.n, margin, level=0.90)
    if loss.high <= margin:
        return 0
    # At least one: a bound may lie above the margin by a rounding error alone.
    return None if needed is None else max(1, needed - loss.n)


def _undecided(class_: _ClassLoss, margin: float) -> str:
    start = f"{class_.measure} may lose {_bound(class_.loss, 'up to', class_.loss.high)}"
    if class_.films_needed is None:
        shown = f"no number of {class_.name} films shows less than {margin:.2%}"
        return f"{start}: at this loss {shown}"
    more = class_.films_needed
    films = "1 more film" if more == 1 else f"{more} more films"
    verb = "is" if more == 1 else "are"
    return f"{start}: {films} of class {class_.name} {verb} needed to tell"
