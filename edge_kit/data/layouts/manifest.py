"""Writes the manifest.csv of a folder whose films a published table labels."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from edge_kit.data.index import MANIFEST, NO_ID
from edge_kit.data.labels import (
    CLASSES,
    class_key,
    class_names,
    joined,
    listed,
    require_class_names,
    says_covid,
)
from edge_kit.data.layouts import chexpert, class_folders, covidx, ieee8023, nih, rsna
from edge_kit.data.layouts.any_table import Columns
from edge_kit.data.layouts.any_table import films as films_of_table
from edge_kit.data.layouts.table_film import UNKNOWN, FilmFiles, TableFilm, named
from edge_runtime.errors import CannotWrite, DataError, UsageError
from edge_runtime.output import write_whole
from edge_runtime.text import CsvTable

Films = Callable[[Path, FilmFiles], Iterator[TableFilm]]

LAYOUTS: Mapping[str, Films] = {
    "ieee8023": ieee8023.films,
    "nih": nih.films,
    "covidx": covidx.films,
    "chexpert": chexpert.films,
    "rsna": rsna.films,
    "radiography": class_folders.radiography,
    "kaggle": class_folders.kaggle,
}
ANY = "csv"
COLUMNS = ("path", "label", "finding", "patient_id", "split", "view", "modality")
LATERAL = frozenset({"l", "lateral", "ll", "rl", "lat", "left lateral", "right lateral"})
_MISSING = "no such file, or several of that name"
_UNLISTED = "files that no row names"
_TWICE = "listed twice, as both classes"


@dataclass(frozen=True, slots=True)
class Sides:
    """The labels of the two classes, and the findings that make each."""

    positive: str
    negative: str
    positives: frozenset[str]
    negatives: frozenset[str]

    def label(self, film: TableFilm) -> tuple[str, str]:
        """Return the label of a film, or nothing and the reason why it has none.

        A film is positive by one finding; negative where all that it has are among the negatives,
        and nothing of the positives is uncertain.
        """
        if any(finding & self.positives for finding in film.findings):
            return self.positive, ""
        if any(finding & self.positives for finding in film.uncertain):
            return "", "uncertain labels"
        if film.findings and all(finding & self.negatives for finding in film.findings):
            return self.negative, ""
        if not film.findings:
            unsure = any(finding & self.negatives for finding in film.uncertain)
            return "", "uncertain labels" if unsure else "without a finding"
        return "", "other findings"


def sides(positive: str, negative: str, layout: str = ANY) -> Sides:
    """Return the two classes that `--positive` and `--negative` name.

    They are covid and noncovid where a name says covid, or the set of `layout` is of nothing else.

    Raises:
        UsageError: one names nothing, or both name the same.
        DataError: one names what no class may be called.
    """
    names = class_names(positive), class_names(negative)
    keys = [frozenset(next(iter(named(name))) for name in side) for side in names]
    for option, side in zip(("--positive", "--negative"), names, strict=True):
        if not side:
            raise UsageError(option, "names no finding", "name one, or several with commas")
    if both := sorted(keys[0] & keys[1]):
        raise UsageError("--negative", f"{both[0]!r} is positive too", "name it once")
    of_covid = layout == "covidx" or any(says_covid(name) for side in names for name in side)
    if of_covid and {class_key(name) for name in names[0]} == {"covid"}:
        return Sides(*CLASSES, *keys)
    labels = joined(names[0]), joined(names[1])
    for option, label in zip(("--positive", "--negative"), labels, strict=True):
        require_class_names([label], option)
    return Sides(*labels, *keys)


def write_manifest(
    root: Path,
    layout: str,
    chosen: Sides,
    out: Path | None = None,
    columns: Columns | None = None,
) -> str:
    """Write the manifest of the films below `root`; return a line that counts them.

    Raises:
        CannotWrite: `out` exists, or the disk refuses.
        UsageError: the columns of any other table are not named, or are those of a layout.
        DataError: the table cannot be read, or a class has no film; nothing is written then.
    """
    place = out or root / MANIFEST
    if not root.is_dir():
        raise DataError(root, "is no folder", "give the folder that holds the films")
    if place.exists():
        cure = "name another with --out"
        cure = f"delete it, or {cure}" if place.is_file() else cure
        raise CannotWrite(place, "exists already", cure)
    columns = columns or Columns()
    if layout != ANY and columns != Columns():
        raise UsageError(f"--from {layout}", "knows its columns", "leave the others out")
    films = partial(films_of_table, columns=columns) if layout == ANY else LAYOUTS[layout]
    files = FilmFiles(root)
    rows, left_out = _labelled(films(root, files), chosen, files.paths)
    counts = Counter(label for label, _ in rows.values())
    told = f"left out: {listed(left_out)}" if left_out else "nothing is left out"
    _require_both(root, chosen, counts, told)
    write_whole(place, _table(rows).encode("utf-8", "surrogateescape"))
    line = f"wrote {place}: {_counted(counts)}, {_patients(rows)}; {told}"
    beside = root / MANIFEST
    return line if place.absolute() == beside.absolute() else f"{line}; it is read as {beside}"


Rows = dict[str, tuple[str, TableFilm]]


def _labelled(
    films: Iterable[TableFilm], chosen: Sides, paths: Iterable[str]
) -> tuple[Rows, Counter[str]]:
    """Return label and film by path, and how many are left out and why."""
    rows: Rows = {}
    unlisted = {*paths}
    left_out: Counter[str] = Counter()
    contradicted: set[str] = set()
    for film in films:
        unlisted.discard(film.path)
        label, reason = chosen.label(film)
        reason = reason or _unfit(film)
        if film.path in contradicted or (
            not reason and film.path in rows and rows[film.path][0] != label
        ):
            contradicted.add(film.path)
            reason = _TWICE
        elif not reason and film.path in rows:
            reason = "listed again"
        if reason:
            left_out[reason] += 1
        else:
            rows[film.path] = label, film
    for path in contradicted & rows.keys():
        left_out[_TWICE] += 1
        del rows[path]
    if unlisted:
        left_out[_UNLISTED] = len(unlisted)
    return rows, left_out


def _unfit(film: TableFilm) -> str:
    """Return why a film that has a label is left out, or nothing."""
    if film.view.casefold() in LATERAL:
        return "lateral views"
    if film.modality == UNKNOWN:
        return "of another modality"
    return "" if film.path else _MISSING


def _require_both(root: Path, chosen: Sides, counts: Counter[str], told: str) -> None:
    for label in (chosen.positive, chosen.negative):
        if not counts[label]:
            problem = f"holds no film that is {label} ({told})"
            cure = "name its findings as the table does, and check that the films are there"
            raise DataError(root, problem, cure)


def _counted(counts: Counter[str]) -> str:
    return " and ".join(f"{number} {label}" for label, number in sorted(counts.items()))


def _patients(rows: Rows) -> str:
    names = [film.patient for _, film in rows.values() if film.patient.lower() not in NO_ID]
    number, unknown = len({*names}), len(rows) - len(names)
    if not number:
        return "no patient is known"
    return f"{number} patients" + (f" and {unknown} films without one" if unknown else "")


def _table(rows: Rows) -> str:
    table = io.StringIO(newline="")
    writer = CsvTable(table, paths=[0])
    writer.write(COLUMNS)
    for path, (label, film) in sorted(rows.items()):
        cells: Sequence[str] = (film.written, film.patient, film.split, film.view, film.modality)
        writer.write([path, label, *cells])
    return table.getvalue()
