"""A loss of the margin passes in one export of twenty at most; a sound graph mostly passes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from edge_export.proof.faults import Fault
from edge_export.proof.parity import Budget
from edge_export.proof.verdict import Outcome, Verdict, judge, worst
from edge_export.statistics.estimates import Bools
from edge_export.statistics.paired import PairedLoss, paired_loss

EXPORTS = 2000
FILMS = 400  # of each class
RIGHT = 0.9  # of the reference's decisions

Right = tuple[Bools, Bools]


@cache
def loss(lost: int, gained: int, n: int = FILMS) -> PairedLoss:
    """A loss by its counts; what both get right or wrong has no say in it."""
    film = np.arange(n)
    return paired_loss(film >= gained, (film < gained) | (film >= gained + lost))


@cache
def verdict(
    sensitivity: PairedLoss, specificity: PairedLoss, auc_difference: float = 0.0
) -> Verdict:
    both = (sensitivity, specificity)
    return judge(
        *both,
        flips=sum(one.lost + one.gained for one in both),
        n=sum(one.n for one in both),
        auc_difference=auc_difference,
        budget=Budget(),
        positive="covid",
        negative="normal",
    )


def test_a_pass_needs_both_upper_bounds_within_the_margin() -> None:
    found = verdict(loss(3, 1), loss(0, 0))
    assert found.answer == "pass"
    assert found.reasons == (
        "sensitivity loses at most 1.64% (95 %, 3 lost and 1 gained of 400), margin 2.00%",
        "specificity loses at most 0.67% (95 %, 0 lost and 0 gained of 400), margin 2.00%",
    )


@pytest.mark.parametrize("swapped", [False, True])
def test_either_class_alone_leaves_it_undecided(swapped: bool) -> None:
    unclear, clear = loss(4, 0), loss(0, 0)
    found = verdict(clear, unclear) if swapped else verdict(unclear, clear)
    measure, name = ("specificity", "normal") if swapped else ("sensitivity", "covid")
    assert found.answer == "undecided"
    assert found.reasons == (
        f"{measure} may lose up to 2.21% (95 %, 4 lost and 0 gained of 400): "
        f"131 more films of class {name} are needed to tell",
    )
    assert found.films_needed[name] == 131


def test_without_a_flip_132_films_of_a_class_are_too_few_and_133_are_enough() -> None:
    few, enough = loss(0, 0, 132), loss(0, 0, 133)
    assert verdict(enough, enough).answer == "pass"
    found = verdict(few, enough)
    assert found.answer == "undecided"
    assert found.films_needed == {"covid": 1, "normal": 0}
    assert found.reasons[0].endswith(": 1 more film of class covid is needed to tell")


@pytest.mark.parametrize("lost", [2, 3])
def test_a_loss_seen_at_the_margin_or_above_is_undecided_until_it_is_shown(lost: int) -> None:
    found = verdict(loss(lost, 0, 100), loss(0, 0, 300))
    assert found.answer == "undecided"
    assert found.films_needed["covid"] is None
    assert "no number of covid films" in found.reasons[0]


def test_a_loss_shown_above_the_margin_fails_even_within_the_point_budgets() -> None:
    found = verdict(loss(6, 0, 60), loss(0, 0, 1000))
    assert found.answer == "fail"
    assert [line.split()[0] for line in found.reasons] == ["sensitivity"]
    assert "at least 5.25%" in found.reasons[0]


@pytest.mark.parametrize(
    ("flips", "auc_difference", "answer", "reason"),
    [
        (8, 0.005, "pass", "sensitivity loses at most"),
        (9, 0.005, "fail", "flips 9 of 800 decisions"),
        (8, 0.0051, "fail", "moves the AUC by +0.0051"),
        (8, -0.0051, "fail", "moves the AUC by -0.0051"),
        (8, math.nan, "fail", "moves the AUC by +nan"),
        (8, math.inf, "fail", "moves the AUC by +inf"),
    ],
)
def test_a_point_budget_is_held_to_its_last_film_and_digit(
    flips: int, auc_difference: float, answer: str, reason: str
) -> None:
    found = judge(
        loss(0, 0),
        loss(0, 0),
        flips=flips,
        n=800,
        auc_difference=auc_difference,
        budget=Budget(flips=0.01, auc=0.005),
    )
    assert found.answer == answer
    assert found.reasons[0].startswith(reason)


@pytest.mark.parametrize("flips", range(1, 100))
def test_a_share_of_flips_that_is_the_budget_holds_it_however_it_rounds(flips: int) -> None:
    found = judge(
        loss(0, 0),
        loss(0, 0),
        flips=flips,
        n=100,
        auc_difference=0.0,
        budget=Budget(flips=flips / 100),
    )
    assert found.answer == "pass"


def test_a_fault_fails_what_would_pass_and_is_named() -> None:
    fault = Fault("constant", "model.int8.tflite: constant: answers 0 whatever the film; train")
    found = judge(
        loss(0, 0),
        loss(0, 0),
        flips=0,
        n=800,
        auc_difference=0.0,
        budget=Budget(),
        faults=[fault],
    )
    assert (found.answer, found.reasons) == ("fail", (fault.line,))


def test_the_margin_is_the_one_given() -> None:
    def found(margin: float) -> Verdict:
        return judge(
            loss(3, 0),
            loss(0, 0),
            flips=3,
            n=800,
            auc_difference=0,
            budget=Budget(margin=margin),
        )

    assert [found(margin).answer for margin in (0.0185, 0.0187)] == ["undecided", "pass"]


@pytest.mark.parametrize(
    ("flips", "n", "margin"), [(0, 0, 0.02), (3, 2, 0.02), (-1, 2, 0.02), (0, 2, 0), (0, 2, 1)]
)
def test_what_cannot_be_judged_is_refused(flips: int, n: int, margin: float) -> None:
    with pytest.raises(ValueError, match=r"flips|margin"):
        judge(
            loss(0, 0),
            loss(0, 0),
            flips=flips,
            n=n,
            auc_difference=0.0,
            budget=Budget(margin=margin),
        )


@pytest.mark.parametrize(
    ("answers", "expected"),
    [("ppp", "pass"), ("pup", "undecided"), ("puf", "fail"), ("fpp", "fail"), ("u", "undecided")],
)
def test_the_worst_answer_of_all_counts(answers: str, expected: str) -> None:
    by_letter = {
        "p": verdict(loss(0, 0), loss(0, 0)),
        "u": verdict(loss(4, 0), loss(0, 0)),
        "f": verdict(loss(30, 0), loss(0, 0)),
    }
    assert worst(by_letter[letter] for letter in answers) == expected


def test_no_verdict_at_all_is_no_pass() -> None:
    with pytest.raises(ValueError):
        worst([])


# Simulated exports. A simulated export is one decision per film of reference and candidate; the
# two of a class are made by the functions below. The AUC stays, which is in favour of a pass.


def drawn(rng: np.random.Generator, lost: float, gained: float) -> Right:
    """Decisions `(FILMS,)`, right or not, that are lost and gained with these probabilities."""
    reference = rng.random(FILMS) < RIGHT
    flip = rng.random(FILMS) < np.where(reference, lost / RIGHT, gained / (1 - RIGHT))
    return reference, reference ^ flip


def flipped(rng: np.random.Generator, count: int) -> Right:
    """Decisions of which `count` flip, each as likely for better as for worse."""
    reference = rng.random(FILMS) < RIGHT
    lost = int(rng.binomial(count, 0.5))
    candidate = reference.copy()
    candidate[rng.choice(np.flatnonzero(reference), lost, replace=False)] = False
    candidate[rng.choice(np.flatnonzero(~reference), count - lost, replace=False)] = True
    return reference, candidate


def simulated(sensitivity: Callable[[], Right], specificity: Callable[[], Right]) -> list[Verdict]:
    def counted(right: Right) -> PairedLoss:
        reference, candidate = right
        return loss(int((reference & ~candidate).sum()), int((candidate & ~reference).sum()))

    return [verdict(counted(sensitivity()), counted(specificity())) for _ in range(EXPORTS)]


def share(verdicts: list[Verdict], answer: Outcome) -> float:
    return Counter(one.answer for one in verdicts)[answer] / EXPORTS


@pytest.mark.parametrize("gained", [0.0, 0.005])
def test_a_true_loss_of_the_margin_passes_in_at_most_one_export_in_twenty(gained: float) -> None:
    rng = np.random.default_rng(1)
    verdicts = simulated(
        lambda: drawn(rng, Budget().margin + gained, gained), lambda: drawn(rng, 0.0, 0.0)
    )
    assert share(verdicts, "pass") <= 0.055


@pytest.mark.parametrize("gained", [0.0, 0.0025, 0.01, 0.04])
def test_tangos_bound_alone_holds_its_error_at_the_margin(gained: float) -> None:
    # As probabilities, without a simulation: every table of 400 films with its chance.
    lost = Budget().margin + gained
    log_factorial = np.array([math.lgamma(one + 1) for one in range(FILMS + 1)])

    def chance(a: int, b: int) -> float:
        rest = FILMS - a - b
        choices = log_factorial[FILMS] - log_factorial[[a, b, rest]].sum()
        logs = [
            n * math.log(p) for n, p in ((a, lost), (b, gained), (rest, 1 - lost - gained)) if n
        ]
        return math.exp(choices + sum(logs))

    tables = [(a, b) for a in range(60) for b in range(45 if gained else 1)]
    likely = {table: p for table in tables if (p := chance(*table)) > 1e-7}
    assert sum(likely.values()) == pytest.approx(1, abs=1e-3)
    assert sum(p for table, p in likely.items() if loss(*table).high <= Budget().margin) <= 0.05


def test_one_percent_of_symmetric_flips_passes_in_at_least_17_exports_of_20() -> None:
    # Exactly 4 films of 400 flip in each class: all that the budget of 1 % allows.
    rng = np.random.default_rng(2)
    verdicts = simulated(lambda: flipped(rng, 4), lambda: flipped(rng, 4))
    assert share(verdicts, "pass") >= 0.85
    assert share(verdicts, "fail") == 0


def test_flips_that_are_one_percent_on_average_are_refused_in_two_exports_of_five() -> None:
    """A budget on the point estimate is over for 41 % of those drawn at the budget itself."""
    rng = np.random.default_rng(3)
    verdicts = simulated(*[lambda: flipped(rng, int(rng.binomial(FILMS, 0.01)))] * 2)
    over = [one for one in verdicts if one.reasons[0].startswith("flips")]
    assert len(over) / EXPORTS == pytest.approx(0.41, abs=0.03)
    assert share(verdicts, "pass") == pytest.approx(0.57, abs=0.03)


def test_a_true_loss_of_six_points_is_shown_in_at_least_four_exports_of_five() -> None:
    rng = np.random.default_rng(4)
    verdicts = simulated(lambda: drawn(rng, 0.06, 0.0), lambda: drawn(rng, 0.0, 0.0))
    assert share(verdicts, "fail") >= 0.80
    # Not by the budget on flips alone: the loss itself is shown to be above the margin.
    shown = [one for one in verdicts if any("loses at least" in line for line in one.reasons)]
    assert len(shown) / EXPORTS >= 0.80
