"""A film that breaks a limit or the process that reads it is refused, and the others go on."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from PIL import Image

import wild_reader
from edge_runtime import Classifier, FilmError, MachineLacks, Refusal
from edge_runtime.answer.classify import classify
from edge_runtime.bundle import open_bundle
from edge_runtime.engines import open_engine
from edge_runtime.film.preprocess import film_pixels
from edge_runtime.film.source import SourceFile
from edge_runtime.isolation import process
from edge_runtime.isolation.limits import Limits
from edge_runtime.isolation.workers import Workers
from edge_runtime.memory.reserve import asking
from tiny_bundle import write_film

unix = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of Unix")
pytestmark = unix


@pytest.fixture
def wild(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workers]:
    """Return one process that does what films are called, within a second."""
    monkeypatch.setattr(process, "module_command", lambda _: wild_reader.COMMAND)
    limits = Limits(processor=1, clock=20)
    with open_bundle(tiny) as bundle, Workers(bundle.manifest, 1, limits) as workers:
        yield workers


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[process.Process]:
    """Return the processes that are started from now on."""
    found: list[process.Process] = []

    class Noted(process.Process):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            found.append(self)

    monkeypatch.setattr("edge_runtime.isolation.workers.Process", Noted)
    return found


def named(folder: Path, name: str) -> str:
    return str(write_film(folder / f"{name}.png"))


@pytest.mark.parametrize(
    ("name", "kind", "reason", "words"),
    [
        ("spin", Refusal, "unreadable", "takes too long to read"),
        ("crash", Refusal, "unreadable", "the process that read it crashed (SIGSEGV)"),
        ("eat", Refusal, "too_large", "takes more than 768 MiB to read"),
        ("killed", MachineLacks, None, "was killed, as where memory runs out"),
        ("ended", MachineLacks, None, "the process that read it crashed (SIGTERM)"),
        ("exit", MachineLacks, None, "left with status 3"),
        ("short", MachineLacks, None, "left with status 1"),
    ],
)
def test_a_film_that_breaks_its_reader_is_refused_and_the_next_is_read(
    name: str,
    kind: type[FilmError],
    reason: str | None,
    words: str,
    wild: Workers,
    tmp_path: Path,
) -> None:
    with pytest.raises(kind) as caught:
        wild.pixels(named(tmp_path, name), "its name")
    assert type(caught.value) is kind
    assert caught.value.subject == "its name"
    assert words in caught.value.problem
    assert caught.value.cure
    assert getattr(caught.value, "reason", None) == reason
    good = named(tmp_path, "good")
    assert wild.pixels(good, good) == film_pixels(good, wild.preprocess)


def test_an_answer_that_does_not_come_is_not_waited_for(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "module_command", lambda _: wild_reader.COMMAND)
    with open_bundle(tiny) as bundle, Workers(bundle.manifest, 1, Limits(clock=1)) as workers:
        with pytest.raises(Refusal, match="takes too long to read"):
            workers.pixels(named(tmp_path, "sleep"), "sleep.png")
        good = named(tmp_path, "good")
        assert workers.pixels(good, good)


def test_a_process_that_does_not_start_is_not_waited_for(
    tiny: Path, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = [sys.executable, "-c", "import time; time.sleep(600)"]
    monkeypatch.setattr(process, "module_command", lambda _: endless)
    with (
        open_bundle(tiny) as bundle,
        Workers(bundle.manifest, 1, Limits(clock=1)) as workers,
        pytest.raises(MachineLacks, match="no process can be started"),
    ):
        workers.pixels(str(film), "its name")


def test_a_film_that_breaks_its_reader_holds_up_no_other(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "module_command", lambda _: wild_reader.COMMAND)
    names = ["crash", "good", "spin", *(f"film {index}" for index in range(8))]
    with open_bundle(tiny) as bundle, Workers(bundle.manifest, 3, Limits(processor=1)) as workers:

        def read(name: str) -> object:
            try:
                return workers.pixels(named(tmp_path, name), name)
            except Refusal as refusal:
                return refusal.reason

        with ThreadPoolExecutor(len(names)) as threads:
            found = dict(zip(names, threads.map(read, names), strict=True))
        expected = film_pixels(tmp_path / "good.png", bundle.manifest.preprocess)
    assert found == {
        **dict.fromkeys(names, expected), "crash": "unreadable", "spin": "unreadable"
    }  # fmt: skip


def test_what_reads_films_writes_no_file(
    wild: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "written"
    monkeypatch.setenv("WILD_FILE", str(target))
    with pytest.raises(FilmError, match="File too large"):
        wild.pixels(named(tmp_path, "write"), "write.png")
    assert target.stat().st_size == 0


def test_memory_is_asked_for_in_the_classifiers_process(wild: Workers, tmp_path: Path) -> None:
    asked: list[int] = []
    with asking(asked.append):
        wild.pixels(named(tmp_path, "large"), "large.png")
    assert asked == [1 << 30, 2 * 96 * 80]


def test_an_interrupted_question_gets_no_answer_to_the_next(wild: Workers, tmp_path: Path) -> None:
    first, second = named(tmp_path, "first"), str(write_film(tmp_path / "second.png", 11))

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with asking(interrupt), pytest.raises(KeyboardInterrupt):
        wild.pixels(first, first)
    assert wild.pixels(second, second) == film_pixels(second, wild.preprocess)


def test_isolated_answers_are_those_of_one_process(tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"\xff films")  # no UTF-8
    folder.mkdir()
    films: list[Any] = [write_film(folder / f"{seed}.png", seed) for seed in range(4)]
    (folder / "text.png").write_text("no film")
    films += [folder / "text.png", folder / "missing.png", folder, films[0].read_bytes(), b""]
    films += [Image.open(films[0]).copy()]
    with Classifier(tiny, isolated=True) as isolated, Classifier(tiny) as plain:
        for film in films:
            one, other = isolated.classify(film), plain.classify(film)
            assert (one.file, one.status, one.logit) == (other.file, other.status, other.logit)
            assert str(one.error) == str(other.error)
            assert type(one.error) is type(other.error)
            assert seen(one.source) == seen(other.source)


def seen(source: SourceFile | None) -> object:
    return source and (source.bytes, source.sha256, source.stamp)


def test_a_digest_is_made_of_the_bytes_that_were_read(tiny: Path, film: Path) -> None:
    with open_bundle(tiny) as bundle, Workers(bundle.manifest, 1) as workers:
        engine = open_engine(bundle)
        one, other = (
            classify(film, bundle, engine, digested=True, read=read)
            for read in (workers.pixels, None)
        )
    assert one.source is not None
    assert one.source.sha256
    assert seen(one.source) == seen(other.source)


def test_closing_ends_the_processes_and_waits_for_those_at_work(
    tiny: Path, tmp_path: Path, started: list[process.Process]
) -> None:
    asked, go_on = Event(), Event()

    def hold(_: int) -> None:
        asked.set()
        assert go_on.wait(60)

    film = named(tmp_path, "film")
    found: list[bytes] = []
    with open_bundle(tiny) as bundle, Workers(bundle.manifest, 2) as workers:

        def read() -> None:
            with asking(hold):
                found.append(workers.pixels(film, film))

        busy = Thread(target=read)
        busy.start()
        assert asked.wait(60)
        workers.pixels(film, film)
        workers.close()
        go_on.set()
        busy.join()
        assert found == [film_pixels(film, bundle.manifest.preprocess)]
    assert [one.close() for one in started] == [1, 1]  # nobody asked any more


def test_where_no_process_starts_the_film_is_no_ones_fault(
    tiny: Path, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "module_command", lambda _: [sys.executable, "-c", "pass"])
    with Classifier(tiny, isolated=True) as judge:
        answer = judge.classify(film)
        monkeypatch.undo()
        assert judge.classify(film).status == "ok"
    assert answer.status == "error"
    assert "no process can be started to read it" in str(answer.error)


def test_a_reader_that_was_ended_while_it_was_idle_costs_no_film_its_answer(
    wild: Workers, tmp_path: Path, started: list[process.Process]
) -> None:
    good = named(tmp_path, "good")
    expected = wild.pixels(good, good)
    os.kill(started[0].identifier, signal.SIGKILL)
    os.waitid(os.P_PID, started[0].identifier, os.WEXITED | os.WNOWAIT)
    assert wild.pixels(good, good) == expected
    assert len(started) == 2


def test_where_no_thread_starts_the_film_is_no_ones_fault(
    wild: Workers, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(Thread, "start", refuse)
    with pytest.raises(MachineLacks, match="no process can be started"):
        wild.pixels(str(film), "its name")
    monkeypatch.undo()


def test_a_film_named_from_a_folder_that_is_no_more_is_an_error_of_that_film(
    wild: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(FilmError, match="No such file or directory"):
        wild.pixels("film.png", "film.png")
    good = named(tmp_path, "good")
    assert wild.pixels(good, good)


def test_an_interrupt_from_the_terminal_is_for_the_classifier_alone(
    wild: Workers, tmp_path: Path, started: list[process.Process]
) -> None:
    good = named(tmp_path, "good")
    wild.pixels(good, good)
    (reader,) = started
    os.kill(reader.identifier, signal.SIGINT)
    assert wild.pixels(good, good)
    assert started == [reader]
