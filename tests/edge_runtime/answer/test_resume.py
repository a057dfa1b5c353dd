"""However a run ends, the next one completes its CSV: every film of every folder once."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from edge_runtime.answer import resume, rowfile
from edge_runtime.answer.classify import Answer
from edge_runtime.answer.resume import Results
from edge_runtime.answer.rowfile import RowFile, engine_of
from edge_runtime.bundle import Bundle
from edge_runtime.errors import CannotWrite, UsageError
from edge_runtime.lock import lock
from resumed_runs import FILMS, answered, judged, rows, run, unread

pytestmark = pytest.mark.usefixtures("no_waiting_for_the_disk")


def test_a_film_is_answered_once_however_often_it_is_named(path: Path, bundle: Bundle) -> None:
    assert run(path, bundle, [*FILMS, *FILMS]) == FILMS
    assert run(path, bundle, [*FILMS, "new.png", *FILMS, "new.png"]) == ["new.png"]
    assert rows(path) == [(film, "ok") for film in [*FILMS, "new.png"]]


def test_films_that_could_not_be_read_keep_their_places_and_are_tried_again(
    path: Path, bundle: Bundle
) -> None:
    run(path, bundle, FILMS, "a.png", "z.png")
    statuses = ["error", "ok", "ok", "ok", "ok", "error"]
    assert rows(path) == list(zip(FILMS, statuses, strict=True))
    assert run(path, bundle, FILMS, "z.png") == ["a.png", "z.png"]
    assert run(path, bundle, ["more.png"]) == ["more.png", "z.png"]  # though nobody names it
    assert rows(path) == [(film, "ok") for film in [*FILMS, "more.png"]]


@pytest.mark.parametrize("held", [1, 2, 3, 100])
def test_more_films_than_are_held_in_memory_are_still_judged_again(
    held: int, path: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resume, "HELD", held)
    run(path, bundle, FILMS, *FILMS[:4])
    assert rows(path) == [(film, "error" if film in FILMS[:4] else "ok") for film in FILMS]
    assert sorted(run(path, bundle, [*FILMS, "more.png"])) == sorted([*FILMS[:4], "more.png"])
    assert rows(path) == [(film, "ok") for film in [*FILMS, "more.png"]]


def test_each_row_has_the_engine_that_gave_it(path: Path, bundle: Bundle) -> None:
    for film, engine in (("a.png", "litert"), ("b.png", "onnxruntime")):
        with Results(str(path), bundle, engine) as results:
            results.write(answered(film))
    with path.open(newline="") as stream:
        assert [row["engine"] for row in csv.DictReader(stream)] == ["litert", "onnxruntime"]


def test_a_file_names_the_engine_that_it_began_with(path: Path, bundle: Bundle) -> None:
    assert engine_of(str(path)) == engine_of(str(path.parent)) == ""
    for written in (b"", b"no rows\n", b'"file",\n', b"\xff\xfe\0" * 99):
        path.write_bytes(written)
        assert engine_of(str(path)) == ""
    path.unlink()
    for film, engine in (("a\n.png", "onnxruntime"), ("b.png", "litert")):
        with Results(str(path), bundle, engine) as results:
            results.write(answered(film))
        assert engine_of(str(path)) == "onnxruntime"
    header = path.read_bytes().splitlines(keepends=True)[0]
    for torn in (header, header + b'"a.png","o'):
        path.write_bytes(torn)
        assert engine_of(str(path)) == ""


def test_a_file_that_another_run_writes_is_refused_until_it_ends(
    path: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(path, bundle, ["a.png"], "a.png")
    monkeypatch.setattr(resume, "HELD", 1)  # so that the file is replaced meanwhile
    with Results(str(path), bundle, "litert") as results:
        for film in results.not_done(["a.png", "b.png"]):
            results.write(answered(film))
            with pytest.raises(UsageError, match="is being written by another edge-run"):
                Results(str(path), bundle, "litert")
    assert run(path, bundle, ["a.png", "b.png", "c.png"]) == ["c.png"]


def test_a_file_that_was_replaced_while_it_was_waited_for_is_opened_anew(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(b"old\n")
    real = lock
    replaced: list[Path] = []

    def late(descriptor: int, subject: object, cure: str) -> None:
        if not replaced:
            (path.parent / "new").write_bytes(b"new\n")
            replaced.append((path.parent / "new").replace(path))
        real(descriptor, subject, cure)

    monkeypatch.setattr(rowfile, "lock", late)
    file = RowFile(str(path))
    file.append(b"row\n")
    file.close()
    assert path.read_bytes() == b"new\nrow\n"


@pytest.mark.skipif(os.name == "nt", reason="there are no such names there")
def test_a_file_that_cannot_be_made_is_a_line(tmp_path: Path, bundle: Bundle) -> None:
    for name, cure in (
        ("", "is a folder; give the name of a file"),
        ("no/folder/results.csv", "make the folder first"),
        ("a\0b", "choose another name"),
    ):
        with pytest.raises(CannotWrite, match=cure):
            Results(str(tmp_path / name), bundle, "litert")


def test_the_results_are_no_film_of_the_folder_they_lie_in(path: Path, bundle: Bundle) -> None:
    (path.parent / "sub").mkdir()
    other, link = path.parent / "sub" / path.name, path.parent / "sub" / "link.csv"
    other.touch()
    link.symlink_to(path)
    films = [str(path), str(other), f"{path.parent}/sub/../{path.name}", str(link)]
    films.append(str(path.with_name(f".{path.name}.part")))
    assert run(link, bundle, films) == [str(other)]
    assert link.is_symlink()


def of(film: Path) -> Answer:
    """Return an answer to a film as a command line names it that runs in its folder."""
    return answered(film.name, judged(film))


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return two films of one name in two folders, of which the first one has a row."""
    films = [tmp_path / folder / "film.jpg" for folder in ("A", "B")]
    for film in films:
        film.parent.mkdir()
        film.write_bytes(film.parent.name.encode())
    monkeypatch.chdir(films[0].parent)
    return films


def run_in(folder: Path, path: Path, bundle: Bundle, *films: str) -> list[str]:
    """Answer films as a run would that was started in a folder; return what was tried."""
    os.chdir(folder)
    tried = []
    with Results(str(path), bundle, "litert") as results:
        for film in results.not_done(films):
            tried.append(film)
            results.write(answered(film, judged(Path(film))))
    return tried


@pytest.mark.parametrize("settled", [False, True])
def test_a_relative_path_from_another_folder_takes_no_row_from_another_film(
    settled: bool, two: list[Path], path: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    if settled:
        monkeypatch.setattr("edge_runtime.film.source.is_settled", lambda _: True)
        monkeypatch.setattr(resume, "is_settled", lambda _: True)
    a, b = two
    assert run_in(a.parent, path, bundle, "film.jpg") == ["film.jpg"]
    assert run_in(b.parent, path, bundle, "film.jpg", "film.jpg") == [str(b)]
    assert rows(path) == [("film.jpg", "ok"), (str(b), "ok")]
    for folder in (a.parent, b.parent):  # each is known from now on, by either name
        assert run_in(folder, path, bundle, "film.jpg", str(b)) == []
    b.write_bytes(b"changed")
    assert run_in(b.parent, path, bundle, "film.jpg") == [str(b)]
    a.write_bytes(b"changed as well")
    assert run_in(a.parent, path, bundle, "film.jpg") == ["film.jpg"]
    assert rows(path) == [("film.jpg", "ok"), (str(b), "ok")]


def test_films_of_the_same_size_and_dates_in_two_folders_are_two(
    two: list[Path], path: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FAT dates by two seconds, and uncompressed films have one size."""
    for module in ("film.source", "answer.names", "answer.resume"):
        monkeypatch.setattr(f"edge_runtime.{module}.stamp", lambda _: "0123456789abcdef")
    a, b = two
    run_in(a.parent, path, bundle, "film.jpg")
    assert run_in(b.parent, path, bundle, "film.jpg") == [str(b)]


def test_the_same_films_on_a_disk_that_is_mounted_elsewhere_are_done(
    two: list[Path], path: Path, bundle: Bundle
) -> None:
    a, b = two
    run_in(a.parent, path, bundle, "film.jpg")
    b.write_bytes(a.read_bytes())
    before = path.read_bytes()
    assert run_in(b.parent, path, bundle, "film.jpg") == []
    assert path.read_bytes() == before


def test_a_film_that_could_not_be_read_keeps_its_row_from_another_folder(
    two: list[Path], path: Path, bundle: Bundle
) -> None:
    a, b = two
    with Results(str(path), bundle, "litert") as results:
        results.write(unread("film.jpg"))
    assert run_in(b.parent, path, bundle) == []  # where that one is not
    assert run_in(b.parent, path, bundle, "film.jpg") == [str(b)]
    assert rows(path) == [("film.jpg", "error"), (str(b), "ok")]
    assert run_in(a.parent, path, bundle) == ["film.jpg"]
    assert rows(path) == [("film.jpg", "ok"), (str(b), "ok")]


def test_a_film_that_is_not_in_this_folder_is_not_done(
    two: list[Path], path: Path, bundle: Bundle
) -> None:
    a, b = two
    run_in(a.parent, path, bundle, "film.jpg")
    b.unlink()
    os.chdir(b.parent)
    with Results(str(path), bundle, "litert") as results:
        assert list(results.not_done(["film.jpg"])) == [str(b)]
    a.unlink()
    os.chdir(a.parent)
    with Results(str(path), bundle, "litert") as results:  # one that is gone keeps its row
        assert list(results.not_done(["film.jpg"])) == []


def test_films_that_were_done_before_are_counted_once(path: Path, bundle: Bundle) -> None:
    run(path, bundle, FILMS, *FILMS[:2])
    with Results(str(path), bundle, "litert") as results:
        for film in results.not_done([*FILMS, *FILMS, "new.png", "new.png"]):
            results.write(answered(film))
        assert results.skipped == len(FILMS) - 2
        assert str(results) == (
            f"{path}: 3 films answered, 0 refused, 0 not read, 4 done before, 2 judged again"
        )
