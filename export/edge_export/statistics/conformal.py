"""Conformal prediction by class: which classes a probability leaves open, and how truly.

Split conformal prediction (Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World,
2005) with a quantile for each class, Mondrian or class-conditional (Vovk, PMLR 25 (2012) 475). The
score of a film for a class is 1 less the probability of that class.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy import stats

from edge_export.statistics.estimates import Bools, Floats

ONE_IN = 0.05
"""The share of calibrations that cover less than `ClassCoverage.low`; as many more than `high`."""


@dataclass(frozen=True, slots=True)
class ClassCoverage:
    """What a calibration on `n` films of a class covers of the films of that class to come.

    The quantile is the score of the rank `rank`. The coverage of one calibration is no number that
    was asked for, but one drawn from Beta(rank, n + 1 - rank) (Vovk 2012; Angelopoulos and Bates,
    Found. Trends Mach. Learn. 16 (2023) 494): `mean` over calibrations, from `low` to `high` in
    nine of ten. Ties add to it.
    """

    asked: float
    n: int
    rank: int
    mean: float
    low: float
    high: float


def least_films(coverage: float) -> int:
    """Return how many films of a class it takes: fewer have no score of the rank that is needed.

    That is ceil(1 / alpha) - 1 with alpha = 1 - `coverage`: 19 for 0.95.
    """
    return math.ceil(1 / (1 - _exact(coverage))) - 1


def class_coverage(n: int, coverage: float) -> ClassCoverage:
    """Return the rank of the quantile among `n` films of a class, and the coverage that it gives.

    The rank is ceil((n + 1) (1 - alpha)) with alpha = 1 - `coverage`, both of them shares.

    Raises:
        ValueError: there are fewer than `least_films`.
    """
    rank = math.ceil((n + 1) * _exact(coverage))
    if rank > n:
        raise ValueError(f"{n} films are too few for a coverage of {coverage:g}")
    low, high = (float(stats.beta.ppf(part, rank, n + 1 - rank)) for part in (ONE_IN, 1 - ONE_IN))
    return ClassCoverage(coverage, n, rank, rank / (n + 1), low, high)


def _exact(share: float) -> Fraction:
    """Return the share as it was written: 0.9 is nine tenths, and in binary it is not quite."""
    return Fraction(repr(share))


@dataclass(frozen=True, slots=True)
class Ends:
    """From which probability on a film may be positive, and up to which it may be negative.

    Both ends belong to their sides. Where `positive_from` is above `negative_to`, a film between
    them may be neither: it is unlike the films of either class.
    """

    positive_from: float
    negative_to: float

    @property
    def crossed(self) -> bool:
        """Tell whether films between the ends would be neither, and none of them both."""
        return self.positive_from > self.negative_to

    def sets(self, probability: Floats) -> tuple[Bools, Bools]:
        """Return for `(n,)` probabilities whether the negative and the positive class are in."""
        return probability <= self.negative_to, probability >= self.positive_from

    def answered(self, probability: Floats) -> Bools:
        """Return for which of `(n,)` probabilities one class is left, and no more."""
        negative, positive = self.sets(probability)
        return np.not_equal(negative, positive)

    def unsure(self) -> tuple[float, float]:
        """Return the least and the greatest probability that does not leave one class alone.

        The set is both classes on a closed interval, or neither on an open one, whose outermost
        numbers these are then. The first is the greater where there is no such probability.
        """
        if self.crossed:
            return math.nextafter(self.negative_to, 1.0), math.nextafter(self.positive_from, 0.0)
        return self.positive_from, self.negative_to


def conformal_ends(positive: Bools, probability: Floats, coverage: float) -> Ends:
    """Return the ends that films `(n,)` give, so that either class has the `coverage`.

    The probabilities may have been fitted on these films by any rising function, such as Platt's:
    ranks stay, and with them the films on each side of an end.

    Raises:
        ValueError: a class has too few films, or a probability is not finite.
    """
    if not np.isfinite(probability).all():
        raise ValueError("a probability is not finite")
    # By the probability itself: 1 less it would round, and make ties.
    cases, controls = np.sort(probability[positive])[::-1], np.sort(probability[~positive])
    return Ends(
        positive_from=float(cases[class_coverage(len(cases), coverage).rank - 1]),
        negative_to=float(controls[class_coverage(len(controls), coverage).rank - 1]),
    )
