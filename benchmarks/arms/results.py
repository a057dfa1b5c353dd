"""The results of trainings: one JSON file each, and the tables of them."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scipy.stats import rankdata

from arms.judged import LEFT_OUT, PARTS

_AREAS = tuple(f"{name} {part}" for part in PARTS for name in ("own", "healthy", "other findings"))
_RANKED = ("healthy val", "other findings val")


@dataclass(frozen=True, slots=True)
class Training:
    """A training by what it changed, its seed, and the source that it left out, if any."""

    arm: str
    seed: int
    left_out: str | None = None

    def place(self, results: Path) -> Path:
        """Return the file of its result."""
        left_out = f"-without-{self.left_out}" if self.left_out else ""
        name = self.arm.replace(" ", "-").replace(":", "")
        return results / f"{name}-{self.seed}{left_out}.json"

    def write(self, results: Path, outcome: Mapping[str, Any]) -> None:
        """Write its result, whole or not at all."""
        without = {"without": self.left_out} if self.left_out else {}
        fields = {"arm": self.arm, "seed": self.seed, **without, **outcome}
        place = self.place(results)
        begun = place.with_suffix(".part")
        begun.write_text(json.dumps(fields, indent=1))
        begun.replace(place)


@dataclass(slots=True)
class _Outcomes:
    """The AUCs of an arm by column, one for each seed, and how many seeds there are."""

    seeds: int = 0
    areas: dict[str, list[float]] = field(default_factory=dict)

    def mean(self, column: str) -> float | None:
        """Return the mean over seeds, nothing where there is none."""
        values = self.areas.get(column)
        return statistics.mean(values) if values else None


def tables(results: Path, arms: Sequence[str], left_out: str | None) -> str:
    """Return the table of AUCs, means over seeds, and that of ranks where a source was left out.

    Arms that stand in `arms` come first, in that order.
    """
    found = _read(results, left_out)
    known = [name for name in arms if name in found]
    ordered = {name: found[name] for name in (*known, *sorted(found.keys() - {*known}))}
    columns = [*_AREAS, *([LEFT_OUT.format(left_out)] if left_out else [])]
    lines = [f"| arm | seeds | {' | '.join(columns)} |", "|---" * (len(columns) + 2) + "|"]
    for name, outcomes in ordered.items():
        shown = " | ".join(_shown(outcomes.mean(column)) for column in columns)
        lines.append(f"| {name} | {outcomes.seeds} | {shown} |")
    return "\n".join([*lines, *(["", *_ranks(ordered, left_out)] if left_out else [])])


def _read(results: Path, left_out: str | None) -> dict[str, _Outcomes]:
    """Return the outcomes by arm; the column of a source left out has a training of its own."""
    found: dict[str, _Outcomes] = {}
    for path in sorted(results.glob("*.json")):
        told = json.loads(path.read_text())
        without = told.get("without")
        if without not in (None, left_out):
            continue
        outcomes = found.setdefault(told["arm"], _Outcomes())
        outcomes.seeds += without is None
        for column in [LEFT_OUT.format(left_out)] if without else _AREAS:
            outcomes.areas.setdefault(column, []).append(told["auc"][column]["value"])
    return found


def _ranks(found: Mapping[str, _Outcomes], left_out: str) -> list[str]:
    """Return the lines of the table of ranks, the best first, of arms that have all columns."""
    columns = [*_RANKED, LEFT_OUT.format(left_out)]
    rows = {name: [outcomes.mean(column) for column in columns] for name, outcomes in found.items()}
    whole = {name: areas for name, areas in rows.items() if None not in areas}
    lines = [f"| arm | mean rank | {' | '.join(columns)} |", "|---" * (len(columns) + 2) + "|"]
    if not whole:
        return lines
    # Rank 1 is the greatest area; equal ones share the mean of their ranks.
    ranks = rankdata([[-float(area or 0) for area in areas] for areas in whole.values()], axis=0)
    ranked = sorted(zip(whole, ranks, strict=True), key=lambda row: float(row[1].mean()))
    for name, row in ranked:
        shown = " | ".join(f"{rank:g}" for rank in row)
        lines.append(f"| {name} | {row.mean():.1f} | {shown} |")
    return lines


def _shown(area: float | None) -> str:
    return "-" if area is None else f"{area:.3f}"
