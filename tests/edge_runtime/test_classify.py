"""Every film gets an answer, and what cannot be judged gets no number."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_runtime.bundle import Bundle
from edge_runtime.classify import classify, films_below
from edge_runtime.decide import sigmoid
from edge_runtime.engines import EngineUnavailable
from edge_runtime.errors import FilmError, Refusal


class FakeEngine:
    """Answers what the test wants."""

    name = "litert"

    def __init__(self, *logits: float) -> None:
        self._logits = logits

    def logits(self, pixels: bytes) -> tuple[float, ...]:
        assert len(pixels) == 64 * 64
        if not self._logits:
            raise EngineUnavailable("LiteRtRunCompiledModel returned status 3")
        return self._logits


def below(folder: Path) -> list[str]:
    return [os.path.relpath(path, folder) for path in films_below(str(folder))]


def test_a_judged_film_has_every_number_and_no_error(film: Path, bundle: Bundle) -> None:
    answer = classify(str(film), bundle, FakeEngine(2.0))
    assert (answer.status, answer.label, answer.error) == ("ok", "covid", None)
    assert (answer.logit, answer.probability) == (2.0, sigmoid(2.0))
    assert answer.milliseconds > 0


@pytest.mark.parametrize("logit", [math.nan, math.inf, -math.inf])
def test_a_logit_that_is_no_number_is_never_an_answer(
    film: Path, bundle: Bundle, logit: float
) -> None:
    answer = classify(str(film), bundle, FakeEngine(logit))
    assert answer.status == "error"
    assert (answer.label, answer.probability, answer.logit) == (None, None, None)
    assert type(answer.error) is FilmError
    assert "edge-run check" in answer.error.cure


def test_an_engine_that_fails_is_an_answer_without_numbers(film: Path, bundle: Bundle) -> None:
    answer = classify(str(film), bundle, FakeEngine())
    assert (answer.status, answer.logit) == ("error", None)
    assert "--engine" in str(answer.error)


def test_refused_and_unread_films_differ_in_status(tmp_path: Path, bundle: Bundle) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not a film")
    refused = classify(str(text), bundle, FakeEngine(2.0))
    assert (refused.status, refused.logit) == ("refused", None)
    assert isinstance(refused.error, Refusal)
    missing = classify(str(tmp_path / "none.png"), bundle, FakeEngine(2.0))
    assert (missing.status, missing.logit) == ("error", None)


def test_every_file_below_a_folder_is_listed_in_the_order_of_names(tmp_path: Path) -> None:
    tops = ["a.txt", "Z", "b.png", "ü.png", ".DS_Store"]
    for name in ("b/2.png", "b/1.png", ".hidden/x", "b/c/d", *tops):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "empty").mkdir()
    assert below(tmp_path) == [
        ".DS_Store", ".hidden/x", "Z", "a.txt", "b/1.png", "b/2.png", "b/c/d", "b.png", "ü.png",
    ]  # fmt: skip


def test_what_is_no_folder_is_itself(tmp_path: Path) -> None:
    for argument in ("", str(tmp_path / "none"), "a\0b"):
        assert list(films_below(argument)) == [argument]


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links_are_what_they_lead_to_and_no_loop_holds_us(tmp_path: Path) -> None:
    (tmp_path / "film").touch()
    (tmp_path / "sub").mkdir()
    links = {"to-film": "film", "to-self": "to-self", "to-nowhere": "x", "sub/to-parent": ".."}
    for name, target in links.items():
        (tmp_path / name).symlink_to(target)
    os.mkfifo(tmp_path / "pipe")
    assert below(tmp_path) == ["film", "to-film", "to-nowhere", "to-self"]
    (tmp_path / "argument").symlink_to("sub")
    (tmp_path / "sub" / "inside").touch()
    assert below(tmp_path / "argument") == ["inside"]


@pytest.mark.skipif(os.name == "nt", reason="bytes are no names there")
def test_names_of_any_bytes_are_listed(tmp_path: Path) -> None:
    names = [b"\xff\xfe.png", b"new\nline.png", b"n" * 255, b'tab\t"quoted",.png']
    for name in names:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).touch()
    assert sorted(map(os.fsencode, below(tmp_path))) == sorted(names)


def test_a_folder_that_cannot_be_listed_is_an_answer_and_the_others_go_on(
    tmp_path: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a/1", "b/2", "c/3"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    scandir = os.scandir

    def guarded(path: str) -> object:
        if path.endswith("b"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    assert below(tmp_path) == ["a/1", "b", "c/3"]
    answer = classify(str(tmp_path / "b"), bundle, FakeEngine(2.0))
    assert (answer.status, answer.file) == ("error", str(tmp_path / "b"))


@pytest.fixture
def deep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder nested 2200 deep, which neither shutil nor pytest could remove."""
    monkeypatch.chdir(tmp_path)
    for _ in range(2200):
        Path("d").mkdir()
        os.chdir("d")
    yield tmp_path
    for _ in range(2200):
        os.chdir("..")
        Path("d").rmdir()


@pytest.mark.skipif(sys.platform != "linux", reason="there, paths have 4096 bytes at most")
def test_folders_deeper_than_the_stack_and_the_longest_path_end_in_an_answer(
    deep: Path, bundle: Bundle
) -> None:
    (deepest,) = films_below(str(deep))
    assert len(deepest) >= 4096
    answer = classify(deepest, bundle, FakeEngine(2.0))
    assert (answer.status, str(answer.error).count("File name too long")) == ("error", 1)
