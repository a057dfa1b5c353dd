"""Exports by the command line, carried out or only noted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge_export.examine import ExportPlan
from edge_export.films.film import Film
from edge_kit.arguments import reader_of
from edge_kit.cli import parser
from edge_kit.commands.export import order
from edge_kit.exporting.export import export_source

LOOSE = [
    "--max-flips", "1", "--max-auc-difference", "1", "--margin", "0.9", "--calibration-films", "8",
    "--allow-calibration", "few_films", "--allow-calibration", "noise", "--max-uncertain", "1",
]  # fmt: skip


def export(*arguments: object) -> list[str]:
    """Carry out `edge-kit export ... --int8`; return what it said."""
    said: list[str] = []
    options = parser().parse_args(["export", *map(str, arguments), "--int8", *LOOSE])
    export_source(order(options), reader_of(options), said.append, lambda _: None)
    return said


@dataclass
class Exported:
    """What the exporter was asked to do, without doing it."""

    films: Sequence[Film]
    plan: ExportPlan
    said: list[str]
