"""No cell of ours is a formula to a spreadsheet, and each is known again by what reads it."""

from __future__ import annotations

import csv
import os
from io import StringIO

import pytest

from edge_runtime.text import CsvTable, guarded, guarded_path, lines, printable, unguarded

STARTS = ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"]
TEXTS = [
    *STARTS,
    *(f"{start}1+1" for start in STARTS),
    *(f"{start}cmd|' /C calc'!A0" for start in STARTS),
]
PLAIN = ["", "a", "a=b", "film.png", "/=a", "1-1", "'a", "it's", "\udcff", " =", "./=a"]


@pytest.mark.parametrize("text", TEXTS)
def test_what_would_be_a_formula_gets_something_before_it(text: str) -> None:
    assert guarded(text) == f"'{text}"
    assert guarded_path(text) == f"./{text}"
    assert os.path.normpath(guarded_path(text)) == os.path.normpath(text)


@pytest.mark.parametrize("text", PLAIN)
def test_any_other_text_is_left_alone(text: str) -> None:
    assert guarded(text) == guarded_path(text) == unguarded(text) == text


@pytest.mark.parametrize("apostrophes", ["", "'", "''", "'''"])
@pytest.mark.parametrize("text", [*TEXTS, *PLAIN])
def test_a_text_is_given_back(text: str, apostrophes: str) -> None:
    whole = apostrophes + text
    assert unguarded(guarded(whole)) == whole
    assert guarded(whole)[:1] not in STARTS


HOSTILE = "a\x1b]0;owned\x07b\x9bc\u202egnp.exe\u2028d\udcff\r"


def test_no_character_that_a_terminal_carries_out_is_left() -> None:
    shown = printable(HOSTILE)
    assert shown.isprintable()
    assert shown == r"a\x1b]0;owned\x07b\x9bc\u202egnp.exe\u2028d\udcff\r"


def test_lines_stay_lines_and_each_is_printable() -> None:
    assert lines(f"first\n{HOSTILE}\n") == f"first\n{printable(HOSTILE)}\n"


@pytest.mark.parametrize("quoted", [False, True])
def test_a_table_has_the_cells_that_were_written(quoted: bool) -> None:
    stream = StringIO(newline="")
    table = CsvTable(stream, paths=[0], quoted=quoted)
    rows = [["=cmd|calc", "=cmd|calc", 1.5, None], ["a,b", '"', -2, "'=x"], ["-", "x\ry\nz", 0, ""]]
    table.write_all(rows)
    read = [*csv.reader(StringIO(stream.getvalue(), newline=""))]
    assert read[0] == ["./=cmd|calc", "'=cmd|calc", "1.5", ""]
    assert read[1] == ["a,b", '"', "-2", "''=x"]
    assert read[2] == ["./-", "x\ry\nz", "0", ""]


def test_a_table_on_a_terminal_is_printable_and_one_in_a_file_names_the_files_there_are() -> None:
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    name = "film\x1b[31m\u202e.png"
    for stream, shown in ((Terminal(), printable(name)), (StringIO(), name)):
        CsvTable(stream, paths=[0]).write([name, 0.5])
        assert next(csv.reader([stream.getvalue()])) == [shown, "0.5"]
