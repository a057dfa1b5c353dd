"""What was counted, as a table: a row for a graph in an engine, and what int8 saves there."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

HEADER = (
    *("processor", "engine", "bundle", "graph", "inference, million (least to greatest)"),
    *("/ float", "/ first bundle", "edge-run classify, million (least to greatest)"),
)
FLOAT = "float32"


@dataclass(frozen=True, slots=True)
class Spread:
    """How many instructions: of several counts the median, the least and the greatest."""

    median: float
    least: int
    greatest: int

    @classmethod
    def of(cls, counts: Sequence[int]) -> Spread:
        """Return the spread of `counts`, of which there is at least one."""
        return cls(statistics.median(counts), min(counts), max(counts))

    def __str__(self) -> str:
        low, high = (f"{count / 1e6:.2f}" for count in (self.least, self.greatest))
        return f"{self.median / 1e6:.2f} ({low} to {high})"


@dataclass(frozen=True, slots=True)
class Cost:
    """What an inference of one graph costs in one engine of a box.

    `classify` is the cost of a whole `edge-run classify` of a film, for the graph that it runs.
    """

    processor: str
    engine: str
    bundle: str
    graph: str
    recipe: str
    inference: Spread
    classify: Spread | None = None


def rows(costs: Sequence[Cost]) -> Iterable[tuple[str, ...]]:
    """Yield the cells of each cost.

    `/ float` is what it is of the float graph of the same bundle in the same engine, and `/ first
    bundle` what it is of the first bundle's graph of the same recipe there; empty where there is
    none, or it is that graph itself.
    """
    for cost in costs:
        there = [
            twin for twin in costs
            if (twin.processor, twin.engine) == (cost.processor, cost.engine)
        ]  # fmt: skip
        floats = [twin for twin in there if twin.bundle == cost.bundle and twin.recipe == FLOAT]
        firsts = [twin for twin in there if twin.recipe == cost.recipe]
        yield (
            *(cost.processor, cost.engine, cost.bundle, cost.graph, str(cost.inference)),
            *(_ratio(cost, floats), _ratio(cost, firsts)),
            "" if cost.classify is None else str(cost.classify),
        )


def table(costs: Sequence[Cost]) -> str:
    """Return the costs as a table in Markdown."""
    lines = (HEADER, ("---",) * len(HEADER), *rows(costs))
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _ratio(cost: Cost, against: Sequence[Cost]) -> str:
    if not against or against[0] is cost:
        return ""
    return f"{cost.inference.median / against[0].inference.median:.2f}"
