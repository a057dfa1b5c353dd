"""Assigns groups of films to train, val and test, and writes the splits as a table."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from edge_export.films.film import SPLITS, Film, Split
from edge_kit.data.labels import split_of
from edge_kit.data.table import read_table
from edge_runtime.errors import DataError
from edge_runtime.output import write_whole
from edge_runtime.text import CsvTable, unguarded

FRACTIONS: Mapping[Split, float] = {"train": 0.7, "val": 0.15, "test": 0.15}
_COLUMNS = ("sha256", "label", "split", "group")


def assign(
    members: Iterable[tuple[str, str]],
    *,
    seed: int,
    fractions: Mapping[Split, float] = FRACTIONS,
) -> dict[str, Split]:
    """Return the split of every group, given the `(group, label)` of every film.

    Largest groups go first, each to the split where it leaves the smallest chi-square between
    the films of each label and `fractions` of them (taken relative to their sum); the seed
    orders groups of equal size. The last groups of a label go where it is lacking. The order of
    `members` does not matter.

    scikit-learn's StratifiedGroupKFold makes equal folds only, and needs at least as many groups of
    each label as folds.
    """
    groups: dict[str, Counter[str]] = {}
    for group, label in sorted(members):
        groups.setdefault(group, Counter())[label] += 1
    total = sum(groups.values(), Counter[str]())
    whole = sum(fractions.values())
    target = {(s, y): fractions[s] / whole * total[y] for s in fractions for y in total}
    filled: Counter[tuple[Split, str]] = Counter()
    left = Counter(label for counts in groups.values() for label in counts)

    def growth(split: Split, counts: Counter[str]) -> float:
        # (filled + n - target)^2 / target, less the same without n
        return sum(
            n * (n + 2 * (filled[split, y] - target[split, y])) / target[split, y]
            for y, n in counts.items()
        )

    def order(group: str) -> tuple[int, bytes]:
        shuffled = hashlib.sha256(f"{seed}:{group}".encode()).digest()
        return -groups[group].total(), shuffled

    chosen: dict[str, Split] = {}
    for group in sorted(groups, key=order):
        counts = groups[group]
        lacking = {y: [s for s in fractions if not filled[s, y]] for y in counts}
        due = [s for y, splits in lacking.items() if left[y] <= len(splits) for s in splits]
        best = min(due or fractions, key=lambda split: growth(split, counts))
        chosen[group] = best
        left.subtract(counts.keys())
        filled.update({(best, y): n for y, n in counts.items()})
    return chosen


def write_split_table(films: Iterable[Film], path: Path) -> None:
    """Write which film is in which split, by digest: no name or path, for patients' privacy.

    Raises:
        CannotWrite: the file system refuses; a table already there stays as it was.
    """
    rows = sorted((film.sha256, film.label, film.split, film.group) for film in films)
    table = io.StringIO(newline="")
    CsvTable(table).write_all([_COLUMNS, *rows])
    write_whole(path, table.getvalue().encode())


def with_splits(films: Iterable[Film], table: Path) -> tuple[Film, ...]:
    """Return `films` with the splits and groups that `table` gives them, in the same order.

    Raises:
        DataError: the table is damaged, or does not list exactly these films with these labels.
    """
    films = tuple(films)
    rows: dict[str, tuple[str, Split, str]] = {}
    for line, row in read_table(table, _COLUMNS):
        split = split_of(row["split"])
        if split is None or row["sha256"] in rows:
            problem = f"unknown split {row['split']!r}" if split is None else "film listed twice"
            raise DataError(f"{table} line {line}", problem, f"use {', '.join(SPLITS)}, once each")
        rows[row["sha256"]] = (unguarded(row["label"]), split, unguarded(row["group"]))
    cure = "use the data this table was written for, with the same options"
    unknown = [film for film in films if film.sha256 not in rows]
    if unknown:
        problem = f"not in the split table {table} ({len(unknown)} such films)"
        raise DataError(unknown[0].path, problem, cure)
    if missing := rows.keys() - {film.sha256 for film in films}:
        raise DataError(table, f"{len(missing)} of its {len(rows)} films are not here", cure)
    for film in films:
        if film.label != rows[film.sha256][0]:
            problem = f"is {film.label}, but {rows[film.sha256][0]} in {table}"
            raise DataError(film.path, problem, cure)
    return tuple(
        replace(film, split=rows[film.sha256][1], group=rows[film.sha256][2]) for film in films
    )
