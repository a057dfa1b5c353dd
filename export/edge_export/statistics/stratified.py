"""AUCs within strata, such as sources of films, and their mean: what differs between them is out.

A pair of a positive and a negative film counts only where both are of one stratum. Whatever tells
strata apart, and nothing else, gives one half.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from edge_export.statistics.clustered import grouped_auc, grouped_auc_difference
from edge_export.statistics.estimates import Bools, Estimate, Floats

LEAST = 2
"""Films of each class that a stratum needs for an AUC with its interval."""


def within(
    positive: Bools, score: Floats, groups: Sequence[str], strata: Sequence[str]
) -> dict[str, Estimate]:
    """Return the AUC within each of the `strata` `(n,)` of both classes, by name, in their order.

    Films whose stratum is "" are in none. Intervals are by `groups` (Obuchowski's).

    Raises:
        ValueError: a score is not finite.
    """
    return _within(
        positive,
        groups,
        strata,
        lambda mask, names: grouped_auc(positive[mask], score[mask], names),
    )


def differences_within(
    positive: Bools,
    reference_score: Floats,
    candidate_score: Floats,
    groups: Sequence[str],
    strata: Sequence[str],
) -> dict[str, Estimate]:
    """Return the AUC of a candidate less that of its reference within each of the `strata`.

    Raises:
        ValueError: a score is not finite.
    """
    return _within(
        *(positive, groups, strata),
        lambda mask, names: grouped_auc_difference(
            positive[mask], reference_score[mask], candidate_score[mask], names
        ),
    )


def weights(positive: Bools, strata: Sequence[str], names: Sequence[str]) -> dict[str, float]:
    """Return the weight of each stratum of `names` in their mean: van Elteren's.

    With m films of one class and n of the other, m n / (m + n + 1): Bull. Int. Stat. Inst. 37
    (1960) 351; of AUCs, Zou, Carlsson and Yu, Biom. J. 54 (2012) 249. They depend on counts alone.
    Weights by the inverse variance would favour strata whose AUC happens to lie near 0 or 1 (of
    0.75 they made 0.84 in van Klaveren et al., BMC Med. Res. Methodol. 14 (2014) 5), those by pairs
    would leave little but the largest stratum, equal ones would shake with the smallest.
    """
    column = np.array(strata)
    counts = {
        name: (int((positive & (column == name)).sum()), int((~positive & (column == name)).sum()))
        for name in names
    }
    return {name: m * n / (m + n + 1) for name, (m, n) in counts.items()}


def mean(parts: Mapping[str, Estimate], weight: Mapping[str, float]) -> Estimate:
    """Return the weighted mean of independent estimates, with the interval that theirs give.

    The distances of their limits are weighted, squared and added: Zou and Donner, Stat. Med. 27
    (2008) 1693. So limits that are exact or clipped stay so, and one estimate is its own mean. Its
    n is that of all.

    Raises:
        ValueError: there are none.
    """
    if not parts:
        raise ValueError("a mean of no estimates")
    total = sum(weight[name] for name in parts)
    shares = {name: weight[name] / total for name in parts}
    value = sum(shares[name] * one.value for name, one in parts.items())
    down = math.hypot(*(shares[name] * (one.value - one.low) for name, one in parts.items()))
    up = math.hypot(*(shares[name] * (one.high - one.value) for name, one in parts.items()))
    return Estimate(value, value - down, value + up, sum(one.n for one in parts.values()))


def _within(
    positive: Bools,
    groups: Sequence[str],
    strata: Sequence[str],
    measure: Callable[[Bools, list[str]], Estimate],
) -> dict[str, Estimate]:
    column, members = np.array(strata, np.str_), np.array(groups, np.str_)
    found = {}
    for name in sorted(set(strata) - {""}):
        mask = column == name
        cases = int((mask & positive).sum())
        if min(cases, int(mask.sum()) - cases) >= LEAST:
            found[name] = measure(mask, members[mask].tolist())
    return found
