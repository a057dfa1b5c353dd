"""Films that come into a tray, however they come, are answered once; a tray may come and go."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge_runtime.answer.classify import Answer
from edge_runtime.audit_trail import AuditTrail
from edge_runtime.bundle import Bundle
from edge_runtime.errors import CannotWrite, UsageError
from edge_runtime.tray.folder import TrayFolder
from edge_runtime.tray.watch import TrayWatch
from trays import film, judged, plan, problems, rows, watch_once


def test_films_go_where_their_answer_sends_them(tray: Path, bundle: Bundle, tmp_path: Path) -> None:
    contents = [film(1), film(2, b"blank"), film(3, b"torn"), film(4, b"lost")]
    for name, content in zip("abcd", contents, strict=True):
        (tray / f"{name}.png").write_bytes(content)
    watch = watch_once(tray, bundle, audit=tmp_path / "trail.jsonl")
    assert str(watch) == "1 films answered, 2 refused, 1 not read"
    assert problems(tray, contents, tmp_path / "trail.jsonl") == []
    assert {row["file"]: row["refusal"] for row in rows(tray)} == {
        "done/a.png": "", "refused/b.png": "blank", "refused/c.png": "unreadable",
        "failed/d.png": "",
    }  # fmt: skip
    assert "a.png" not in (tmp_path / "trail.jsonl").read_text()


def test_a_film_that_comes_again_is_said_to_be_the_same_and_gets_a_number(
    tray: Path, bundle: Bundle
) -> None:
    for name in ("a.png", "b.png"):
        (tray / name).write_bytes(film(1))
        watch_once(tray, bundle)
    (tray / "a.png").write_bytes(film(1))
    watch_once(tray, bundle)
    assert [(row["file"], row["warning"]) for row in rows(tray)] == [
        ("done/a.png", ""),
        ("done/b.png", "the same bytes as done/a.png"),
        ("done/a-2.png", "the same bytes as done/a.png"),
    ]
    assert problems(tray, [film(1)] * 3) == []


def test_films_of_one_batch_are_told_apart(tray: Path, bundle: Bundle) -> None:
    contents = {"a": film(1), "a.json": film(2), "b.png": film(3), "c.png": film(3)}
    for name, content in contents.items():
        (tray / name).write_bytes(content)
    watch_once(tray, bundle)
    places = {row["file"] for row in rows(tray)} - {"done/b.png", "done/c.png"}
    # Whichever came first; the answer of the one has not the name of the other.
    assert places in ({"done/a", "done/a-2.json"}, {"done/a-2", "done/a.json"})
    assert len(rows(tray)) == 4
    warnings = sorted(row["warning"] for row in rows(tray) if row["warning"])
    assert warnings in (["the same bytes as done/b.png"], ["the same bytes as done/c.png"])
    there = {place: (tray / place).read_bytes() for place in places}
    assert sorted(there.values()) == [film(1), film(2)]


def test_a_name_is_free_only_where_its_document_is_too(tray: Path, bundle: Bundle) -> None:
    folder = TrayFolder(tray)
    (tray / "done" / "a.png.json").write_text("mine")
    (tray / "done" / "b-2.png").write_text("mine")
    (tray / "done" / "b.png").write_text("mine")
    taken: set[str] = set()
    assert folder.free_name("done", "a.png", taken) == "a-2.png"
    assert folder.free_name("done", "b.png", taken) == "b-3.png"
    assert folder.free_name("done", "B.png", taken) in ("B.png", "B-2.png")
    (tray / "a.png").write_bytes(film(1))
    watch_once(tray, bundle)
    assert (tray / "done" / "a.png.json").read_text() == "mine"


def test_a_half_copied_film_is_judged_when_it_is_whole(tray: Path, bundle: Bundle) -> None:
    path, seen = tray / "a.png", list[bytes]()
    path.write_bytes(film(1, b"torn"))

    def judge(name: str) -> Answer:
        answer = judged(name)
        seen.append(path.read_bytes())
        if len(seen) == 1:  # the rest of the copy comes after the quiet time
            with path.open("ab") as stream:
                stream.write(b" and now whole")
        return answer

    watch_once(tray, bundle, judge)
    assert [row["status"] for row in rows(tray)] == ["ok"]
    assert problems(tray, [film(1, b"torn") + b" and now whole"]) == []


def test_a_preallocated_film_is_judged_by_its_final_content(tray: Path, bundle: Bundle) -> None:
    path, count = tray / "a.png", [0]
    final = film(7)
    path.write_bytes(final[:8] + b"\0" * (len(final) - 8))
    was = path.stat()

    def judge(name: str) -> Answer:
        count[0] += 1
        if count[0] == 1:  # size and time stay what they are
            with path.open("r+b") as stream:
                stream.write(final)
            os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
        return judged(name)

    watch_once(tray, bundle, judge)
    assert count[0] == 2 and rows(tray)[0]["status"] == "ok"
    assert problems(tray, [final]) == []


def test_what_is_unfinished_hidden_or_no_film_is_left_alone(tray: Path, bundle: Bundle) -> None:
    left = ["a.png.part", ".hidden.png", "~b.png", "notes.txt", "c.TMP", "Thumbs.db", "sub/d.png"]
    (tray / "sub").mkdir()
    for name in left:
        (tray / name).write_bytes(b"text" if name.endswith(("txt", "db")) else film(1))
    (tray / "link.png").symlink_to(tray / "sub" / "d.png")
    (tray / "film.txt").write_bytes(film(2))  # by its first bytes, it is one
    watch_once(tray, bundle)
    assert [row["file"] for row in rows(tray)] == ["done/film.txt"]
    assert all((tray / name).exists() for name in [*left, "link.png"])
    (tray / "a.png.part").rename(tray / "a.png")
    watch_once(tray, bundle)
    assert [row["file"] for row in rows(tray)] == ["done/film.txt", "done/a.png"]


@pytest.mark.parametrize("name", ['quote",comma.png', "new\nline.png", "\udcff.png", "=1+1.png"])
def test_a_film_of_any_name_is_one_row(name: str, tray: Path, bundle: Bundle) -> None:
    for number in range(3):
        try:
            (tray / name).write_bytes(film(number % 2))
        except OSError:
            pytest.skip("this disk has no such names")
        watch_once(tray, bundle)
    text = (tray / "results.csv").read_bytes()
    assert text.count(b'"ok"') == 3
    assert text.count(b"the same bytes as done/") == 1
    watch_once(tray, bundle)
    assert (tray / "results.csv").read_bytes() == text


@pytest.mark.parametrize("name", ["a.png", "=1.png"])
def test_films_that_are_left_are_answered_once_and_again_when_they_change(
    name: str, tray: Path, bundle: Bundle
) -> None:
    path = tray / name
    path.write_bytes(film(1))
    for _ in range(2):
        watch_once(tray, bundle, leave=True)
    assert [row["file"].removeprefix("./") for row in rows(tray)] == [name]
    path.write_bytes(film(2))
    watch_once(tray, bundle, leave=True)
    assert len(rows(tray)) == 2 and path.exists() and (tray / f"{name}.json").exists()


def test_no_film_that_is_left_is_written_over_by_the_answer_of_another(
    tray: Path, bundle: Bundle
) -> None:
    (tray / "a").write_bytes(film(1))
    (tray / "a.json").write_bytes(film(2))
    for _ in range(2):
        watch_once(tray, bundle, leave=True)
    assert (tray / "a.json").read_bytes() == film(2)
    assert sorted(row["file"] for row in rows(tray)) == ["a", "a.json"]


def test_a_tray_that_goes_and_comes_back_is_gone_on_with(
    tray: Path, bundle: Bundle, tmp_path: Path
) -> None:
    contents, count = [film(number) for number in range(6)], [0]
    for number, content in enumerate(contents):
        (tray / f"{number}.png").write_bytes(content)
    elsewhere, heard, gone = tmp_path / "pocket", list[str](), [0]

    def judge(name: str) -> Answer:
        count[0] += 1
        if count[0] % 2 == 0 and gone[0] < 2 and tray.exists():
            gone[0] += 1
            tray.rename(elsewhere)
        return judged(name)

    def say(line: str) -> None:
        heard.append(line)
        if "gone" in line:
            elsewhere.rename(tray)

    watch_once(tray, bundle, judge, audit=tmp_path / "trail.jsonl", say=say)
    assert heard == ["the tray is gone; its films are answered when it is back",
                     "the tray is back"] * 2  # fmt: skip
    assert problems(tray, contents, tmp_path / "trail.jsonl") == []


def test_another_folder_in_the_place_of_the_tray_is_not_the_tray(tray: Path) -> None:
    folder = TrayFolder(tray)
    tray.rename(tray.with_name("pocket"))
    tray.mkdir()
    assert not folder.is_here()
    assert folder.absence().startswith("the folder is another one, or lost its .edge-run")
    TrayFolder(tray)
    assert not folder.is_here()


def test_two_watchers_of_one_tray_are_refused(tray: Path, bundle: Bundle) -> None:
    (tray / "a.png").write_bytes(film(1))
    refused: list[UsageError] = []

    def judge(name: str) -> Answer:
        with pytest.raises(UsageError, match="a tray has one watcher") as error:
            watch_once(tray, bundle)
        refused.append(error.value)
        return judged(name)

    watch_once(tray, bundle, judge)
    assert refused and problems(tray, [film(1)]) == []


@pytest.mark.parametrize("modified", [0, 4_000_000_000])
def test_a_clock_that_jumped_changes_nothing(modified: int, tray: Path, bundle: Bundle) -> None:
    for number in range(2):
        (tray / f"{number}.png").write_bytes(film(number))
        os.utime(tray / f"{number}.png", (modified, modified))
    watch_once(tray, bundle)
    assert problems(tray, [film(0), film(1)]) == []


def test_a_full_trail_stops_the_answers(
    tray: Path, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tray / "a.png").write_bytes(film(1))
    full = CannotWrite("trail", "the disk is full", "free some of it")

    def record(*_: object) -> None:
        raise full

    with monkeypatch.context() as patch:
        patch.setattr(AuditTrail, "record", record)
        with pytest.raises(CannotWrite, match="the disk is full"):
            watch_once(tray, bundle, audit=tmp_path / "trail.jsonl")
    assert rows(tray) == [] and (tray / "a.png").exists()
    assert not list((tray / "done").iterdir())
    watch_once(tray, bundle, audit=tmp_path / "trail.jsonl")
    assert problems(tray, [film(1)], tmp_path / "trail.jsonl") == []


def test_stopping_ends_between_two_films(tray: Path, bundle: Bundle) -> None:
    for number in range(9):
        (tray / f"{number}.png").write_bytes(film(number))

    def judge(name: str) -> Answer:
        watch.stop()
        return judged(name)

    watch = TrayWatch(TrayFolder(tray), plan(bundle, judge), lambda _: None)
    watch.run()
    moved = [path for path in (tray / "done").iterdir() if path.suffix == ".png"]
    assert len(moved) == len(rows(tray)) < 9
    watch_once(tray, bundle)
    assert problems(tray, [film(number) for number in range(9)]) == []


def test_results_that_are_not_ours_are_left_as_they_are(tray: Path, bundle: Bundle) -> None:
    (tray / "results.csv").write_text("name,grade\nkim,1\n")
    with pytest.raises(UsageError, match="is no CSV of edge-run classify"):
        watch_once(tray, bundle)
    assert (tray / "results.csv").read_text() == "name,grade\nkim,1\n"


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no folder"):
        TrayFolder(tmp_path / "missing")
