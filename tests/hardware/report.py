"""The table, a row as soon as it is known, and after it what is wrong or could not be had."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

from hardware.compare import Difference, Films

HEADER = (
    *("box", "engine", "n", "other pixels", "golden dlogit", "dlogit", "dp"),
    *("flips (outside the band)", "gate", "tests"),
)
OK, WRONG, MISSING = 0, 1, 3


@dataclass(slots=True)
class Report:
    """What was found: answers of all runs, remarks, what is wrong, what could not be had."""

    films: list[Films] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def head(self, title: str) -> None:
        """Print what the table is about, and its head."""
        _print(f"{title}\n")
        self._row(HEADER)
        self._row(("---",) * len(HEADER))

    def figures(self, run: tuple[str, str], far: Difference, golden: float, tests: str) -> None:
        """Print the row of a `run`, box and engine."""
        gate = "none" if far.gate is None else str(far.gate)
        flips = f"{far.flips} ({far.outside})"
        differences = (f"{golden:.2g}", f"{far.logit:.2g}", f"{far.probability:.2g}")
        self._row((*run, str(far.n), str(far.pixels), *differences, flips, gate, tests))

    def word(self, run: tuple[str, str], said: str, tests: str = "") -> None:
        """Print the row of a `run` that gave no figures."""
        self._row((*run, said, *[""] * (len(HEADER) - 4), tests))

    def end(self, contradicted: str, films: list[str]) -> int:
        """Print what else there is to say, and return the exit status.

        `films` are those that are `contradicted`.
        """
        _print("")
        for note in self.notes:
            _print(f"- {note}")
        _print(f"- films {contradicted}, over all pairs of runs: {len(films)}")
        if films:
            self.wrong.append(f"{len(films)} films {contradicted}")
        for line in self.missing:
            _print(f"- NOT RUN: {line}")
        for line in self.wrong:
            _print(f"- WRONG: {line}")
        return WRONG if self.wrong else MISSING if self.missing else OK

    def _row(self, cells: tuple[str, ...]) -> None:
        _print(f"| {' | '.join(cells)} |")


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
