"""However a run ends, the next one completes its CSV: every film once, no line torn."""

from __future__ import annotations

import csv
import errno
import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from edge_runtime.answer import resume
from edge_runtime.answer.classify import FIELDS, Answer
from edge_runtime.answer.resume import Results
from edge_runtime.answer.rows import row_writer
from edge_runtime.bundle import Bundle
from edge_runtime.errors import CannotWrite, FilmError, Refusal, UsageError

FILMS = ["a.png", 'quote",comma;\r.png', "new\nline\n.png", "Übersicht.png", "\udcff.png", "z.png"]
NULS, GARBAGE = bytes(5000), bytes(range(256)) * 20


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "results.csv"


def answered(film: str) -> Answer:
    return Answer(film, 1.5, logit=1.25, probability=0.777, decided="covid")


def refused(film: str) -> Answer:
    return Answer(film, 0.5, error=Refusal("blank", film, "one even shade, no film", "cure"))


def unread(film: str) -> Answer:
    return Answer(film, 0.5, error=FilmError(film, "No such\nfile", "cure"))


def run(path: Path, bundle: Bundle, films: Iterable[str], *missing: str) -> list[str]:
    """Answer `films` as a run would, those of `missing` apart; return what was tried."""
    tried = []
    with Results(str(path), bundle, "litert") as results:
        for film in results.not_done(films):
            tried.append(film)
            results.write(unread(film) if film in missing else answered(film))
    return tried


def rows(path: Path) -> list[tuple[str, str]]:
    """Return name and status of each row, of a file that has nothing else."""
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    assert text.endswith("\n")
    header, *found = csv.reader(text.splitlines(keepends=True), strict=True)
    assert header == list(FIELDS)
    assert all(len(row) == len(FIELDS) for row in found)
    return [(row[0], row[1]) for row in found]


def test_a_file_torn_at_any_byte_is_completed_to_the_same_bytes(path: Path, bundle: Bundle) -> None:
    films = FILMS[1:4]
    assert run(path, bundle, films) == films
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        tried = run(path, bundle, films)
        assert path.read_bytes() == whole
        assert tried == films[len(films) - len(tried) :]
    assert run(path, bundle, films) == []


@pytest.mark.parametrize("tail", [NULS, GARBAGE, b'"', b"\n", b'"a","ok"\n"b"', b"\xff\n\xfe"])
def test_whatever_a_power_failure_left_of_the_last_rows_is_cut_off(
    tail: bytes, path: Path, bundle: Bundle
) -> None:
    run(path, bundle, FILMS[:3])
    begun = path.read_bytes()
    path.write_bytes(begun + tail)
    assert run(path, bundle, FILMS) == FILMS[3:]
    assert path.read_bytes().startswith(begun)
    assert rows(path) == [(film, "ok") for film in FILMS]


def test_a_film_is_answered_once_however_often_it_is_named(path: Path, bundle: Bundle) -> None:
    assert run(path, bundle, [*FILMS, *FILMS]) == FILMS
    assert run(path, bundle, [*FILMS, "new.png", *FILMS, "new.png"]) == ["new.png"]
    assert rows(path) == [(film, "ok") for film in [*FILMS, "new.png"]]


def test_films_that_could_not_be_read_stand_last_and_are_tried_again(
    path: Path, bundle: Bundle
) -> None:
    run(path, bundle, FILMS, "a.png", "z.png")
    assert rows(path) == [(film, "ok") for film in FILMS[1:-1]] + [
        ("a.png", "error"), ("z.png", "error"),
    ]  # fmt: skip
    assert run(path, bundle, FILMS, "z.png") == ["a.png", "z.png"]
    assert run(path, bundle, ["more.png"]) == ["z.png", "more.png"]  # though nobody names it
    assert sorted(rows(path)) == sorted((film, "ok") for film in [*FILMS, "more.png"])


def test_films_that_could_not_be_read_are_held_back_up_to_a_limit(
    path: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resume, "UNREAD", 2)
    run(path, bundle, FILMS, *FILMS[:4])
    assert sorted(rows(path)) == sorted((film, "ok" if film in FILMS[4:] else "error")
                                        for film in FILMS)  # fmt: skip
    tried = run(path, bundle, FILMS)
    assert sorted(tried) == sorted(FILMS[:4])
    assert {film: status for film, status in rows(path)} == dict.fromkeys(FILMS, "ok")  # noqa: C416


def test_a_csv_that_was_redirected_is_taken_up_and_loses_no_row(path: Path, bundle: Bundle) -> None:
    with path.open("w", newline="") as out:
        write = row_writer("csv", out, bundle, "litert")
        for answer in (answered("a.png"), unread("b.png"), answered("c.png")):
            write(answer)
    assert run(path, bundle, ["a.png", "b.png", "c.png"]) == ["b.png"]
    films = [("a.png", "ok"), ("b.png", "error"), ("c.png", "ok"), ("b.png", "ok")]
    assert rows(path) == films  # the later row of a film counts


def test_refused_films_are_done_and_remembered(path: Path, bundle: Bundle) -> None:
    with Results(str(path), bundle, "litert") as results:
        results.write(refused("a.png"))
        results.write(answered("b.png"))
    with Results(str(path), bundle, "litert") as results:
        assert list(results.not_done(["a.png", "b.png"])) == []
        assert (results.skipped, results.refused) == (2, 1)


def test_each_row_has_the_engine_that_gave_it(path: Path, bundle: Bundle) -> None:
    for film, engine in (("a.png", "litert"), ("b.png", "onnxruntime")):
        with Results(str(path), bundle, engine) as results:
            results.write(answered(film))
    with path.open(newline="") as stream:
        assert [row["engine"] for row in csv.DictReader(stream)] == ["litert", "onnxruntime"]


ROW = '"a.png","ok","covid",0.7,1.2,"",0.5,"","","model3-xray-0.1.0","{}","litert",1.5\n'
HEADER = ",".join(f'"{name}"' for name in FIELDS) + "\n"
FOREIGN = {
    "a text": ("once upon a time", "is no CSV of edge-run classify"),
    "a long text": ("x" * 10_000_000, "is no CSV of edge-run classify"),
    "a binary": ("\0" * 5000, "is no CSV of edge-run classify"),
    "another CSV": ("file,label\na.png,covid\n", "is no CSV of edge-run classify"),
    "another bundle": (HEADER + ROW.format("0" * 64), f"has answers of another bundle, {'0' * 64}"),
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


def test_a_file_that_another_run_writes_is_refused_until_it_ends(
    path: Path, bundle: Bundle
) -> None:
    with Results(str(path), bundle, "litert") as results:
        results.write(answered("a.png"))
        with pytest.raises(UsageError, match="is being written by another edge-run"):
            Results(str(path), bundle, "litert")
        results.write(answered("b.png"))
    assert run(path, bundle, ["a.png", "b.png", "c.png"]) == ["c.png"]


@pytest.mark.skipif(os.name == "nt", reason="there are no such names there")
def test_what_is_no_regular_file_is_refused(tmp_path: Path, bundle: Bundle) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", os.devnull):
        with pytest.raises(UsageError, match="is not a regular file"):
            Results(str(tmp_path / name), bundle, "litert")
    for name, cure in (
        ("", "give the name of another file"),
        ("no/folder/results.csv", "make the folder first"),
        ("a\0b", "give the name of another file"),
    ):
        with pytest.raises(CannotWrite, match=cure):
            Results(str(tmp_path / name), bundle, "litert")


def test_the_results_are_no_film_of_the_folder_they_lie_in(path: Path, bundle: Bundle) -> None:
    (path.parent / "sub").mkdir()
    other = path.parent / "sub" / path.name
    other.touch()
    films = [str(path), str(other), f"{path.parent}/sub/../{path.name}"]
    assert run(path, bundle, films) == [str(other)]


def test_a_full_disk_is_told_once_and_what_was_written_stays(path: Path, bundle: Bundle) -> None:
    def full(_: Answer) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    results = Results(str(path), bundle, "litert")
    with (
        pytest.raises(CannotWrite, match=r"No space left on device.*; free the disk and resume"),
        results,
    ):
        results.write(answered("a.png"))
        results.write(unread("b.png"))
        results._write = full
        results.write(answered("c.png"))
    assert run(path, bundle, ["a.png", "b.png", "c.png"]) == ["b.png", "c.png"]


def test_rows_reach_the_disk_every_few_seconds_and_at_the_end(
    path: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, synced = [0.0], []
    monkeypatch.setattr(os, "fsync", lambda _: synced.append(path.read_bytes().count(b"\n")))
    monkeypatch.setattr(resume, "monotonic", lambda: now[0])
    monkeypatch.setattr(resume, "_sync_folder", lambda _: None)
    with Results(str(path), bundle, "litert") as results:
        for number in range(10):
            now[0] += 2
            results.write(answered(f"{number}.png"))
    assert synced == [1, 4, 7, 10, 11]
