"""Films of a tray have a place whatever their names are."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_runtime.bundle import Bundle
from trays import film, problems, rows, watch_once


@pytest.mark.parametrize("name", ["M" * 251 + ".png", "é" * 125 + ".png", "a." + "x" * 253])
@pytest.mark.parametrize("leave", [False, True])
def test_a_name_that_leaves_no_room_for_its_answers_does_not_stop_the_tray(
    name: str, leave: bool, tray: Path, bundle: Bundle
) -> None:
    contents = [film(1), film(2), film(3)]
    for content in contents:
        (tray / name).write_bytes(content)
        watch_once(tray, bundle, leave=leave)
    if leave:
        assert [row["file"] for row in rows(tray)] == [name] * 3
    else:
        assert problems(tray, contents) == []
        assert len({row["file"] for row in rows(tray)}) == 3
