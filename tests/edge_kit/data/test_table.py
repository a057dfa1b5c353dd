"""A table is read row by row within bounds, or refused in a line that names file and row."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_kit.data import table as module
from edge_kit.data.table import LARGEST, LONGEST, MOST_COLUMNS, read_lines, read_table
from edge_runtime.errors import DataError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "t.csv"


def rows(path: Path, content: bytes, *columns: str) -> list[tuple[int, dict[str, str]]]:
    path.write_bytes(content)
    return list(read_table(path, columns))


def test_rows_are_read_with_the_line_they_end_in(path: Path) -> None:
    content = b'\xef\xbb\xbf Path ,LABEL\r\n a.png , x \n\n"b\nc.png",y\nd.png\n'
    assert rows(path, content, "path", "label") == [
        (2, {"path": "a.png", "label": "x"}),
        (5, {"path": "b\nc.png", "label": "y"}),
        (6, {"path": "d.png", "label": ""}),
    ]


def test_columns_without_a_name_and_commas_at_the_end_are_no_fault(path: Path) -> None:
    content = b"a,,,b,\n1,2,3,4,\n1,2,3,4,,,\n"
    assert [row["b"] for _, row in rows(path, content, "b")] == ["4", "4"]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"a,b\n1,2\n1\0,2\n", "t.csv line 3: holds a byte that is 0; save it as CSV UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), "t.csv: is UTF-16, not UTF-8; save it as CSV UTF-8"),
        ("a,b\n1,2\n".encode("utf-16-le"), "t.csv line 1: holds a byte that is 0; save it"),
        (b"a,b\n1,\xff\n", "t.csv line 2: is not UTF-8 (byte 6); save it as CSV UTF-8"),
        (b"a,b,a\n1,2,3\n", "t.csv: has the column 'a' twice; rename one, or delete it"),
        (b"a,b\n1,2,3\n", "t.csv line 2: has 3 cells, the first line 2; put cells that hold"),
        (b"a,b\n" + b"x" * LONGEST + b"\n", "t.csv line 2: a row is longer than 256 KiB; check"),
        (b"a,b\n1," + b'"x\n",' * LONGEST, "a row is longer than 256 KiB; check its quotes"),
        (b"a,b\n" + b"," * (LONGEST + 1), "t.csv line 2: a row is longer than 256 KiB"),
        (b"a," * (MOST_COLUMNS + 1), f"t.csv: has {MOST_COLUMNS + 2} columns, 1024 are the most"),
        (b'a,b\n"' + b"x\n" * 70_000, "is not CSV (field larger than field limit"),
        (b"x" * 90_000, "has no column 'a', only xxxxxxxxx"),
        (b"", "has no column 'a', only an empty first line"),
    ],
)
def test_what_is_no_table_of_films_is_refused_in_a_line(
    content: bytes, line: str, path: Path
) -> None:
    with pytest.raises(DataError) as refused:
        rows(path, content, "a")
    assert line in str(refused.value)
    assert len(str(refused.value)) < 1000 + len(str(path))


def test_a_table_of_gigabytes_is_not_read_at_all(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(LARGEST + 1)
    with pytest.raises(DataError, match="has 256 MiB, 256 are the most of a table"):
        list(read_table(path, ()))


def test_a_line_without_an_end_is_not_read_whole(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b"a,b\n1,2\n")
        file.truncate(LARGEST)
    with pytest.raises(DataError, match="line 3: a row is longer"):
        list(read_table(path, ()))


@pytest.mark.parametrize("read", [lambda path: read_table(path, ("a",)), read_lines])
def test_there_are_only_so_many_rows(
    read: object, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_ROWS", 3)
    path.write_bytes(b"a\n1\n2\n3\n4\n")
    with pytest.raises(DataError, match=r"t.csv line [45]: 3 (rows|lines) are the most"):
        list(read(path))  # type: ignore[operator]


def test_no_more_than_a_row_is_held(path: Path) -> None:
    path.write_bytes(b"a,b\n" + b"first,second\n" * 100_000)

    def count(found: Iterator[object]) -> int:
        return sum(1 for _ in found)

    tracemalloc.start()
    try:
        assert count(read_table(path, ("a",))) == 100_000
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_a_pipe_and_a_folder_are_no_tables_and_nobody_waits(path: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        list(read_table(tmp_path, ()))
    with pytest.raises(DataError, match="cannot be read"):
        list(read_table(tmp_path / "a\0b", ()))
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes here")
    os.mkfifo(path)
    with pytest.raises(DataError, match="is no file"):
        list(read_table(path, ()))


def test_a_list_is_read_line_by_line(path: Path) -> None:
    path.write_bytes("\ufeffeins\r\n\nzwei".encode())
    assert list(read_lines(path)) == [(1, "eins"), (2, ""), (3, "zwei")]
