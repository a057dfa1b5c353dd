"""Of the graphs that pass, the smallest of the fast ones is shipped."""

from __future__ import annotations

from typing import Literal

import pytest

from edge_export.proof.choose import Candidate, choose
from edge_export.proof.latency import Latency
from edge_export.statistics.estimates import Estimate
from edge_runtime.errors import DataError

ONE = Estimate(1.0, 1.0, 1.0, 200)


def candidate(
    file: str,
    size: int,
    milliseconds: float,
    width: float = 0.001,
    answer: Literal["pass", "fail", "undecided"] = "pass",
) -> Candidate:
    times = (milliseconds, milliseconds - width, milliseconds + width)
    return Candidate(file, size, Latency(file, "float32", *times, ONE), answer)


TABLES = {
    "the only one": ([candidate("a", 9, 9.0)], "a"),
    "the fastest, though larger": ([candidate("a", 2, 1.0), candidate("b", 1, 1.06)], "a"),
    "the smaller within 5 %": ([candidate("a", 2, 1.0), candidate("b", 1, 1.049)], "b"),
    "the smaller where time cannot tell": (
        [candidate("a", 2, 1.0, 0.2), candidate("b", 1, 1.3, 0.2)],
        "b",
    ),
    "the smallest, whatever the order": (
        [candidate("a", 1, 1.04), candidate("b", 3, 1.0), candidate("c", 2, 1.02)],
        "a",
    ),
    "no failed one, however fast and small": (
        [candidate("a", 1, 0.1, answer="fail"), candidate("b", 2, 1.0)],
        "b",
    ),
    "no undecided one, however fast and small": (
        [candidate("a", 1, 0.1, answer="undecided"), candidate("b", 2, 1.0)],
        "b",
    ),
    "the fastest of those that pass": (
        [candidate("a", 1, 0.1, answer="fail"), candidate("b", 3, 1.0), candidate("c", 2, 2.0)],
        "b",
    ),
    "of equal sizes the faster": ([candidate("a", 1, 1.01), candidate("b", 1, 1.0)], "b"),
    "of equal ones the first by name": ([candidate("b", 1, 1.0), candidate("a", 1, 1.0)], "a"),
}


@pytest.mark.parametrize(("candidates", "expected"), TABLES.values(), ids=TABLES)
def test_it_takes_the_smallest_of_the_fast_ones_that_pass(
    candidates: list[Candidate], expected: str
) -> None:
    assert choose(candidates) == expected
    assert choose(candidates[::-1]) == expected


def test_where_none_passes_the_line_has_each_answer() -> None:
    candidates = [candidate("a", 1, 1.0, answer="fail"), candidate("b", 1, 1.0, answer="undecided")]
    with pytest.raises(DataError, match=r"no graph passes \(a: fail, b: undecided\)"):
        choose(candidates)
    with pytest.raises(DataError, match="there is none"):
        choose([])
