"""What a command printed, and the papers that it wrote, to be compared with one another."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from edge_export.cautions import WARNING
from edge_kit.cli import run
from papers import papers


@dataclass(frozen=True)
class Said:
    """What a command printed, and the texts of the papers that it wrote, by name."""

    err: str
    out: str
    papers: dict[str, str]

    @property
    def warnings(self) -> list[str]:
        lines = self.err.splitlines()
        return [line.removeprefix(WARNING) for line in lines if line.startswith(WARNING)]

    @property
    def sentences(self) -> list[str]:
        """What is said of figures on stdout: whole sentences, and what a leak adds."""
        return [line for line in self.out.splitlines() if re.match(r"[A-Z].*\.$|the leak ", line)]


def carry_out(*arguments: object, wrote: Sequence[Path], status: int = 0) -> Said:
    err, out = StringIO(), StringIO()
    with redirect_stderr(err), redirect_stdout(out):
        assert run([str(one) for one in arguments]) == status, err.getvalue()
    return Said(err.getvalue(), out.getvalue(), papers(*wrote))


def write_rows(root: Path, rows: Sequence[Sequence[str]]) -> None:
    with (root / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        head = ("path", "label", "split", "patient_id", "source", "modality")
        csv.writer(file).writerows([head, *((*row, "xray") for row in rows)])
