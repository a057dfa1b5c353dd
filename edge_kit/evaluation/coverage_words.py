"""What has to be said beside a coverage, in plain words; the most important first."""

from __future__ import annotations

from collections.abc import Iterator

from edge_kit.evaluation.covered import Coverage


def coverage_warnings(coverage: Coverage, negative: str, positive: str) -> Iterator[str]:
    """Yield what travels with a `coverage` of the classes `negative` and `positive`."""
    asked = f"{coverage.asked:g}"
    yield (
        f"the coverage of {asked} holds for films of this hospital alone, like those it was fitted "
        "on: another hospital, other equipment or other patients need a fit of their own"
    )
    for name, fitted in ((negative, coverage.negative), (positive, coverage.positive)):
        yield (
            f"at least {asked} is the average over calibrations: of those on {fitted.n} films of "
            f"{name}, one in twenty covers less than {fitted.low:.3f}"
        )
    yield (
        "films called uncertain count as covered: of the films that are answered a larger share "
        "may be wrong than of all"
    )
    chosen, every = coverage.chosen.wrong, coverage.curve[-1].wrong
    if chosen and every and chosen.value >= every.value > 0:
        yield (
            f"fewer answers are no better ones here: {chosen} of those given are wrong, and "
            f"{every} of all at the threshold"
        )
    if not coverage.held_out:
        yield (
            "no films of both classes were held out, as the test split beside val would be: right, "
            "wrong and uncertain answers are counted on the films it was fitted on, which flatters"
        )
    if coverage.ends.crossed:
        ends = coverage.ends
        yield (
            f"films with a probability between {ends.negative_to:g} and {ends.positive_from:g} are "
            "uncertain because they are unlike the films of either class: more may be answered "
            f"with a coverage above {asked}"
        )
    if coverage.widened:
        yield (
            f"the band is wider than a coverage of {asked} asks for: it is as wide as engines "
            "differ by"
        )
