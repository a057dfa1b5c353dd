"""Each film has its row, whatever somebody does with the results meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edge_runtime.answer.classify import Answer
from edge_runtime.bundle import Bundle
from edge_runtime.errors import Refusal, UsageError
from trays import film, judged, problems, rows, watch_once


def replaced(results: Path) -> None:
    """As an editor does."""
    results.with_name(".new").write_bytes(results.read_bytes())
    results.with_name(".new").replace(results)


def cut(results: Path) -> None:
    results.write_bytes(results.read_bytes().splitlines(keepends=True)[0])


@pytest.mark.parametrize("change", [Path.unlink, replaced, cut])
@pytest.mark.parametrize("again", [film(1), film(2)], ids=["same", "other"])
def test_no_row_is_lost_when_somebody_changes_the_results_meanwhile(
    change: Callable[[Path], None], again: bytes, tray: Path, bundle: Bundle
) -> None:
    def judge(name: str) -> Answer:
        if Path(name).name == "b.png":
            seen.append(name)
            if len(seen) == 1:  # so that it waits until the other one is done with
                return Answer(name, 1.0, error=Refusal("unreadable", name, "problem", "cure"))
            change(tray / "results.csv")
        return judged(name)

    seen: list[str] = []
    (tray / "a.png").write_bytes(film(1))
    (tray / "b.png").write_bytes(again)
    watch_once(tray, bundle, judge)
    first = ["done/a.png"] if change is replaced else []
    assert [row["file"] for row in rows(tray)] == [*first, "done/b.png"]
    assert (tray / "done" / "b.png.json").exists()


def test_what_somebody_writes_into_the_results_meanwhile_is_named_and_no_row_is_lost(
    tray: Path, bundle: Bundle
) -> None:
    def judge(name: str) -> Answer:
        with (tray / "results.csv").open("a") as stream:
            stream.write("hello\n")
        return judged(name)

    (tray / "a.png").write_bytes(film(1))
    with pytest.raises(UsageError, match="has no row at byte"):
        watch_once(tray, bundle, judge)
    text = (tray / "results.csv").read_text()
    (tray / "results.csv").write_text(text.removesuffix("hello\n"))
    watch_once(tray, bundle)
    assert problems(tray, [film(1)]) == []
