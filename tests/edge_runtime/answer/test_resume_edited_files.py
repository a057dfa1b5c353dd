"""A CSV that another program wrote is taken up, or refused and left as it is."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_runtime.answer.classify import FIELDS
from edge_runtime.answer.resume import Results
from edge_runtime.answer.rows import row_writer
from edge_runtime.bundle import Bundle
from edge_runtime.errors import UsageError
from resumed_runs import FILMS, answered, refused, rows, run, unread

pytestmark = pytest.mark.usefixtures("no_waiting_for_the_disk")

GARBAGE = bytes(range(256)) * 20


# Tails that no killed process leaves.
WRITTEN = {
    "a row of fewer cells": b'"tl/film9.jpg","reviewed by hand","covid"\n',
    "a total": b"Total: 4 films\n",
    "a total without a line's end": b"Total: 4 films",
    "another status": b'"b","reviewed",',
    "another status that is not closed": b'"b","reviewed',
    "a short row before a torn one": b'"a","ok"\n"b"',
    "garbage": GARBAGE,
    "bytes": b"\xff\n\xfe",
    "an open quote": b'x,"ok\n',
    "more cells": b'"b"' + b',"ok"' * len(FIELDS),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_what_somebody_wrote_at_the_end_is_never_cut_off(
    name: str, path: Path, bundle: Bundle
) -> None:
    run(path, bundle, FILMS[:3])
    end = path.stat().st_size
    path.write_bytes(path.read_bytes() + WRITTEN[name])
    before = path.read_bytes()
    with pytest.raises(UsageError, match=f"has no row at byte {end}; mend it, or begin anew"):
        run(path, bundle, FILMS)
    assert path.read_bytes() == before


def test_a_status_that_was_edited_is_refused_wherever_it_stands(path: Path, bundle: Bundle) -> None:
    run(path, bundle, FILMS[3:])
    lines = path.read_bytes().splitlines(keepends=True)
    for number in (1, 2, 3):
        edited = [*lines]
        edited[number] = lines[number].replace(b'"ok"', b'"done"')
        path.write_bytes(b"".join(edited))
        with pytest.raises(UsageError, match=f"no row at byte {len(b''.join(lines[:number]))};"):
            run(path, bundle, FILMS)
        assert path.read_bytes() == b"".join(edited)


def of_a_spreadsheet(path: Path, **options: str) -> Path:
    """Write the CSV as spreadsheets save it: quotes only where they have to be."""
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as stream:
        cells = list(csv.reader(stream))
    with path.open("w", newline="", encoding="utf-8", errors="surrogateescape") as out:
        out.write(options.pop("before", ""))
        csv.writer(out, **options).writerows(cells)  # type: ignore[arg-type]
    return path


SPREADSHEETS: dict[str, Callable[[Path], object]] = {
    "a mark": lambda path: path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes()),
    "no quotes": of_a_spreadsheet,
    "a mark and no quotes": lambda path: of_a_spreadsheet(path, before="\ufeff"),
    "blank lines": lambda path: path.write_bytes(path.read_bytes().replace(b'""\n', b'""\n\n\r\n')),
    "blank cells": lambda path: path.write_bytes(
        path.read_bytes() + (b"," * (len(FIELDS) - 1) + b"\r\n") * 3
    ),
    "no last line's end": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "neither": lambda path: path.write_bytes(of_a_spreadsheet(path).read_bytes()[:-2]),
    "lines of old": lambda path: of_a_spreadsheet(path, lineterminator="\n"),
}


@pytest.mark.parametrize("name", SPREADSHEETS)
def test_what_a_spreadsheet_saved_is_taken_up(name: str, path: Path, bundle: Bundle) -> None:
    films = [film for film in FILMS if "\n" not in film]
    run(path, bundle, films[:-1], films[1])
    SPREADSHEETS[name](path)
    before = path.read_bytes().rstrip(b"\r\n,")
    assert run(path, bundle, films, films[1]) == [films[-1], films[1]]
    # Once more, and the rows that are replaced by new ones as well.
    assert run(path, bundle, films) == [films[1]]
    text = path.read_bytes().decode("utf-8-sig", "surrogateescape")
    header, *found = csv.reader(text.splitlines(keepends=True), strict=True)
    assert header == list(FIELDS)
    assert [row[:2] for row in found if any(row)] == [[film, "ok"] for film in films]
    assert path.read_bytes()[:3] == before[:3]


def test_a_csv_that_was_redirected_is_taken_up_with_one_row_for_a_film(
    path: Path, bundle: Bundle
) -> None:
    with path.open("w", newline="") as out:
        write = row_writer("csv", out, bundle, "litert")
        for answer in (answered("a.png"), unread("b.png"), answered("c.png"), refused("a.png")):
            write(answer)
    assert run(path, bundle, ["a.png", "b.png", "c.png"]) == ["b.png"]
    # the later row of a film counts
    assert rows(path) == [("b.png", "ok"), ("c.png", "ok"), ("a.png", "refused")]


ROW = (
    '"a.png","ok","covid",0.7,1.2,"",0.5,"","","","model3-xray-0.1.0","{}","litert",1.5'
    + ',""' * (len(FIELDS) - 14)
    + "\n"
)
HEADER = ",".join(f'"{name}"' for name in FIELDS) + "\n"
OLDER = ",".join(f'"{name}"' for name in FIELDS[:-3]) + "\n"
FOREIGN = {
    "a text": ("once upon a time", "is no CSV of edge-run classify"),
    "a long text": ("x" * 10_000_000, "is no CSV of edge-run classify"),
    "a binary": ("\0" * 5000, "is no CSV of edge-run classify"),
    "another CSV": ("file,label\na.png,covid\n", "is no CSV of edge-run classify"),
    "another version": (OLDER + ROW, "has the columns of another version of edge-run"),
    "another bundle": (HEADER + ROW.format("0" * 64), f"has answers of another bundle, {'0' * 64}"),
    "semicolons": (HEADER.replace(",", ";") + "a;ok\n", "has semicolons between its columns; save"),
    "tabs": (
        HEADER.replace('","', "\t").replace('"', "") + "a\tok\n",
        "has tabs between its columns",
    ),
    "a column more": (
        HEADER.replace('"label"', '"label","seen by"') + "a\n",
        "has a column that edge-run does not write, 'seen by'; remove it, or give",
    ),
    "a column at the end": (HEADER[:-1] + ",notes\n", "does not write, 'notes'; remove it"),
    "another order": (
        HEADER.replace('"file","status"', '"status","file"'),
        "has its columns in another order",
    ),
    "no row in the middle": (HEADER + "a.png\n" + ROW, f"has no row at byte {len(HEADER)}"),
    "torn in the middle": (HEADER + '"a.p\n' + ROW + ROW, f"has no row at byte {len(HEADER)}"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_that_is_no_work_of_this_bundle_is_refused_untouched(
    name: str, path: Path, bundle: Bundle
) -> None:
    text, said = FOREIGN[name]
    text = text.replace(ROW, ROW.format(bundle.identity))
    path.write_text(text, newline="")
    with pytest.raises(UsageError) as refusal:
        Results(str(path), bundle, "litert")
    assert said in str(refusal.value)
    assert refusal.value.cure
    assert path.read_text() == text


def test_windows_line_ends_are_taken_up(path: Path, bundle: Bundle) -> None:
    path.write_text((HEADER + ROW.format(bundle.identity)).replace("\n", "\r\n"), newline="")
    assert run(path, bundle, ["a.png", "b.png"]) == ["b.png"]


NAMES = ["=1+1.png", "+a.png", "-a.png", "@a.png", "\ta.png", "'=a.png", "''=a.png", "./=b.png"]


def test_names_that_a_spreadsheet_would_compute_are_known_again(path: Path, bundle: Bundle) -> None:
    assert run(path, bundle, NAMES) == NAMES
    assert run(path, bundle, NAMES) == []
    assert not [name for name, _ in rows(path) if name[0] in "=+-@\t"]
    path.write_bytes(path.read_bytes().replace(b'"ok"', b'"error"'))
    again = run(path, bundle, [])
    assert [os.path.normpath(one) for one in again] == [os.path.normpath(one) for one in NAMES]
    assert len(rows(path)) == len(NAMES)
