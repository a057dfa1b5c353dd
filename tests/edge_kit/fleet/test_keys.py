"""A list of boxes is read as a person keeps it, and a line that is none is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_kit.fleet.keys import KnownBox, read_boxes
from edge_runtime.errors import DataError

BOX, KEY = "a" * 32, "b" * 64


def listed(tmp_path: Path, text: str) -> dict[str, KnownBox]:
    path = tmp_path / "boxes"
    path.write_text(text, encoding="utf-8")
    return read_boxes(path)


@pytest.mark.parametrize(
    ("line", "title"),
    [
        (f"{BOX} {KEY}", ""),
        (f"  {BOX}\t{KEY}  Clinique de l'Île ", "Clinique de l'Île"),
        (f"box {BOX} key {KEY} receipt 12", ""),
    ],
)
def test_a_line_is_a_box_a_key_and_what_people_call_it(
    tmp_path: Path, line: str, title: str
) -> None:
    text = f"# our boxes\n\n{line}\r\n"
    assert listed(tmp_path, text) == {BOX: KnownBox(KEY, title)}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"{BOX}\n", "line 1 is no box with its key"),
        (f"# x\n{BOX} {KEY[:-1]}\n", "line 2 is no box with its key"),
        (f"{BOX.upper()} {KEY}\n", "line 1 is no box"),
        (f"{BOX} {KEY} {'x' * 101}\n", "line 1 is no box"),
        (f"{BOX} {KEY}\n{BOX} {'c' * 64}\n", "line 2 gives a box another key"),
    ],
)
def test_a_line_that_is_none_is_named(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(DataError, match=problem):
        listed(tmp_path, text)


def test_a_list_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name in ("gone", "binary"):
        with pytest.raises(DataError, match="cannot be read"):
            read_boxes(tmp_path / name)
