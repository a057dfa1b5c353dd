"""Which published layout a folder has, and the command that makes a manifest of it."""

from __future__ import annotations

import csv
import shlex
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from edge_kit.data.layouts import chexpert, covidx, ieee8023, nih, rsna
from edge_runtime.errors import DataError

_MOST_FOLDERS = 50
_FIRST = 1 << 16  # bytes of a table, which hold its header


def offered(root: Path, *, any_table: bool) -> str:
    """Return what to do with a folder that `root` is or holds, where it has a known layout.

    With `any_table` one other table is such a layout too. Empty where there is none, or a manifest.
    """
    with suppress(OSError):
        if (root / "manifest.csv").exists():
            return ""
        below = sorted(path for path in root.iterdir() if path.is_dir())
        for folder in [root, *below[:_MOST_FOLDERS]]:
            for options in _recognised(folder):
                return _command(folder, options)
        tables = [path for path in root.glob("*.csv") if any_table]
        if len(tables) == 1:
            columns = "--path-column COLUMN --label-column COLUMN"
            return _command(root, f"--from csv {columns} --positive CLASS --negative CLASS")
    return ""


def _command(folder: Path, options: str) -> str:
    return f"edge-kit data manifest {shlex.quote(str(folder))} {options}"


def _recognised(folder: Path) -> Iterator[str]:
    if {"finding", "filename"} <= _header(folder / ieee8023.TABLE):
        yield "--from ieee8023 --positive COVID-19 --negative 'No Finding'"
    if any(folder.glob(nih.TABLES)):
        yield "--from nih --positive Pneumonia --negative 'No Finding'"
    for name in chexpert.TABLES:
        if {"path", chexpert.COLUMN} <= _header(folder / name):
            yield "--from chexpert --positive Pneumonia --negative 'No Finding'"
    if (folder / rsna.CLASSES).is_file():
        yield "--from rsna --positive 'Lung Opacity' --negative Normal"
    if (folder / rsna.BOXES).is_file():
        yield "--from rsna --positive 'Lung Opacity' --negative 'No Lung Opacity'"
    yield from _covidx(folder)


def _covidx(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("train*.txt")):
        with suppress(DataError):
            labels = {label.casefold() for _, (_, _, label) in islice(covidx.rows(path), 1000)}
            if labels & {"positive", "negative"}:
                yield "--from covidx --positive positive --negative negative"
            elif labels:
                yield "--from covidx --positive COVID-19 --negative normal,pneumonia"


def _header(table: Path) -> set[str]:
    """Return the columns of a table, in small letters; none where it cannot be read."""
    try:
        if not table.is_file():  # a pipe would keep us waiting
            return set()
        with table.open("rb") as file:
            text = file.read(_FIRST).decode("utf-8-sig", "replace")
        return {name.strip().lower() for name in next(csv.reader(text.splitlines()), [])}
    except (OSError, csv.Error):
        return set()
