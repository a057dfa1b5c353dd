"""Runs that write their answers to a CSV, and the rows that they leave."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from edge_runtime.answer.classify import FIELDS, Answer
from edge_runtime.answer.resume import Results
from edge_runtime.bundle import Bundle
from edge_runtime.errors import FilmError, Refusal
from edge_runtime.film.decode import open_film
from edge_runtime.film.source import SourceFile

FILMS = ["a.png", 'quote",comma;\r.png', "new\nline\n.png", "Übersicht.png", "\udcff.png", "z.png"]


def answered(film: str, source: SourceFile | None = None) -> Answer:
    return Answer(film, 1.5, logit=1.25, probability=0.777, decided="covid", source=source)


def refused(film: str, source: SourceFile | None = None) -> Answer:
    error = Refusal("blank", film, "one even shade, no film", "cure")
    return Answer(film, 0.5, error=error, source=source)


def unread(film: str) -> Answer:
    return Answer(film, 0.5, error=FilmError(film, "No such\nfile", "cure"))


def run(path: Path, bundle: Bundle, films: Iterable[str], *missing: str) -> list[str]:
    """Answer `films` as a run would, those of `missing` apart; return what was tried."""
    tried = []
    with Results(str(path), bundle, "litert") as results:
        for film in results.not_done(films):
            tried.append(film)
            results.write(unread(film) if film in missing else answered(film))
    return tried


def rows(path: Path) -> list[tuple[str, str]]:
    """Return name and status of each row, of a file that has nothing else."""
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    assert text.endswith("\n")
    header, *cells = csv.reader(text.splitlines(keepends=True), strict=True)
    assert header == list(FIELDS)
    assert all(len(row) == len(FIELDS) for row in cells)
    return [(row[0], row[1]) for row in cells]


def judged(film: Path) -> SourceFile:
    """Return what a row remembers of a film."""
    source = SourceFile(digested=True)
    with open_film(film) as stream, source.watch(stream):
        stream.read(10)
    return source
