"""A terminal is told how far a batch is, and nobody else is."""

from __future__ import annotations

import io
import os
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from edge_runtime.answer import progress
from edge_runtime.answer.classify import Answer
from edge_runtime.answer.progress import Progress, reported
from edge_runtime.console import is_watched, say, show, silenced_stderr
from edge_runtime.errors import Refusal
from edge_runtime.silence import silence


class Terminal(io.StringIO):
    """What a person sees; `isatty` may lie."""

    def __init__(self, *, tty: bool = True) -> None:
        super().__init__()
        self.tty = tty

    def isatty(self) -> bool:
        return self.tty

    def line(self) -> str:
        """Return what stands on the last line, as a terminal overwrites it."""
        shown: list[str] = []
        for part in self.getvalue().rpartition("\n")[2].split("\r"):
            shown[: len(part)] = part
        return "".join(shown).rstrip()


def test_a_line_has_what_is_done_the_rate_and_how_long_it_takes_yet(tmp_path: Path) -> None:
    for number in range(9):
        (tmp_path / f"{number}.png").touch()
    unknown = Progress([])
    unknown.step(True, 0)
    unknown.step(False, 0)
    assert unknown.line(4.0, 0) == "2 films, 1 without an answer, 0.5/s"
    assert unknown.line(4.0, 10) == "12 films, 1 without an answer, 0.5/s"
    known = Progress([])
    known._count([str(tmp_path), str(tmp_path / "0.png")])
    known.step(True, 0)
    assert known.line(1.0, 0) == "1/10 films, 0 without an answer, 1.0/s, 9 s left"
    assert known.line(60.0, 4) == "5/10 films, 0 without an answer, 0.0/s, 5 min left"
    assert known.line(1.0, 10) == "11/10 films, 0 without an answer, 1.0/s, 0 s left"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "120 min"), (7200, "2 h"),
     (172_799, "48 h"), (172_800, "2 d")],
)  # fmt: skip
def test_a_span_is_said_in_its_unit(seconds: float, said: str) -> None:
    assert progress._span(seconds) == said


def test_answers_pass_through_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(progress, "_EVERY", 0.0)
    monkeypatch.setattr(progress, "show", shown.append)
    monkeypatch.setattr(progress, "columns", lambda: 30)
    answers = [
        Answer("a", 1.0, logit=1.0, probability=0.7, decided="covid"),
        Answer("b", 1.0, error=Refusal("blank", "b", "one even shade")),
    ]

    def given() -> Generator[Answer]:
        yield from answers

    assert list(reported(given(), [], None)) == answers
    assert [line.split(",")[0] for line in shown] == ["1 films", "2 films"]
    assert all(len(line) < 30 for line in shown)


def test_a_line_that_is_said_takes_the_place_of_the_one_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    show("10 films, 3/s")
    show("11 films")
    assert terminal.line() == "11 films"
    say("a complaint")
    assert terminal.getvalue().split("\r")[-1] == "a complaint\n"
    assert terminal.line() == ""


def test_only_who_does_not_see_the_rows_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = os.pipe()
    with (tmp_path / "rows").open("w") as file, open(writer, "w") as pipe:  # noqa: PTH123
        os.close(reader)
        for stderr, stdout, elsewhere, watched in (
            (Terminal(), file, False, True),
            (Terminal(), Terminal(), False, False),
            (Terminal(), pipe, False, False),
            (Terminal(), Terminal(), True, True),
            (Terminal(tty=False), file, True, False),
            (None, file, True, False),
        ):
            monkeypatch.setattr("sys.stderr", stderr)
            monkeypatch.setattr("sys.stdout", stdout)
            assert is_watched(rows_elsewhere=elsewhere) is watched


def test_what_compiled_code_writes_is_hushed_and_what_we_say_is_heard(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with open(2, "w", closefd=False) as stderr:
        monkeypatch.setattr("sys.stderr", stderr)
        with silenced_stderr():
            os.write(2, b"chatter\n")
            say("ä complaint")
            show("progress")
        say("after")
    assert capfd.readouterr().err.replace("\r", "").split("\n") == [
        "ä complaint", "progress" + " " * 8 + "after", ""
    ]  # fmt: skip


def test_a_line_is_heard_while_another_thread_is_silent(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, leave = Event(), Event()

    def open_an_engine() -> None:
        with silence():
            inside.set()
            leave.wait()

    with open(2, "w", closefd=False) as stderr, ThreadPoolExecutor(1) as threads:
        monkeypatch.setattr("sys.stderr", stderr)
        with silenced_stderr():
            opening = threads.submit(open_an_engine)
            inside.wait()
        say("interrupted")
        leave.set()
        opening.result()
    assert capfd.readouterr().err == "interrupted\n"
