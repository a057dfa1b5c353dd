"""Where a run was killed or the disk failed, its whole rows stay, and no line is torn."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from edge_runtime.answer import resume, rowfile
from edge_runtime.answer.resume import Results
from edge_runtime.bundle import Bundle
from edge_runtime.errors import CannotWrite
from resumed_runs import FILMS, answered, rows, run

pytestmark = pytest.mark.usefixtures("no_waiting_for_the_disk")

NULS = bytes(5000)


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


TORN = [
    *(
        NULS,
        b'"',
        b'"b',
        b'"b"',
        b'"b",',
        b'"b","',
        b'"b","re',
        b'"b","ok",',
        b'"b","ok","covid",0.',
    ),
    *(b'"b\n', b'"b\nc', b'"b""', b'"b","ok","covid",0.7,1.2,"",0.5,"","","two\nlines'),
    *(b'"b","ok"' + NULS, NULS + b'k","covid"', NULS + b'covid",0.7\n"c","o', NULS * 1000),
]


@pytest.mark.parametrize("tail", TORN, ids=range(len(TORN)))
def test_what_was_left_of_one_row_and_nuls_of_a_power_failure_are_cut_off(
    tail: bytes, path: Path, bundle: Bundle
) -> None:
    run(path, bundle, FILMS[:3])
    begun = path.read_bytes()
    path.write_bytes(begun + tail)
    assert run(path, bundle, FILMS) == FILMS[3:]
    assert path.read_bytes().startswith(begun)
    assert rows(path) == [(film, "ok") for film in FILMS]


def test_a_full_disk_is_told_once_and_what_was_written_stays(
    path: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    run(path, bundle, ["a.png", "b.png"], "b.png")
    before = path.read_bytes()
    with (
        pytest.raises(CannotWrite, match=r"results\.csv: the disk is full; free some of it"),
        Results(str(path), bundle, "litert") as results,
    ):
        for film in results.not_done(["a.png", "b.png", "c.png"]):
            results.write(answered(film))
            monkeypatch.setattr(os, "fsync", full)
    assert path.read_bytes().startswith(before)
    assert os.listdir(path.parent) == [path.name]  # noqa: PTH208
    monkeypatch.setattr(os, "fsync", lambda _: None)
    assert run(path, bundle, ["a.png", "b.png", "c.png"]) == ["b.png"]


def test_rows_reach_the_disk_every_few_seconds_and_at_the_end(
    path: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, synced = [0.0], []
    monkeypatch.setattr(os, "fsync", lambda _: synced.append(path.read_bytes().count(b"\n")))
    monkeypatch.setattr(rowfile, "monotonic", lambda: now[0])
    monkeypatch.setattr(rowfile, "sync_folder", lambda _: None)
    with Results(str(path), bundle, "litert") as results:
        for number in range(10):
            now[0] += 2
            results.write(answered(f"{number}.png"))
    assert synced == [1, 4, 7, 10, 11]


def test_new_rows_for_old_films_reach_the_disk_as_the_size_of_the_file_allows(
    path: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    films = [f"{number}.png" for number in range(10)]
    run(path, bundle, films, *films)
    now, written = [0.0], []
    monkeypatch.setattr(resume, "monotonic", lambda: now[0])
    with Results(str(path), bundle, "litert") as results:
        for film in results.not_done(films):
            now[0] += 2
            results.write(answered(film))
            written.append(sum(status == "ok" for _, status in rows(path)))
    assert written == [0, 0, 3, 3, 3, 6, 6, 6, 9, 9]
    assert rows(path) == [(film, "ok") for film in films]


def test_a_draft_that_a_killed_process_left_is_removed(path: Path, bundle: Bundle) -> None:
    run(path, bundle, FILMS, "z.png")
    draft = path.with_name(f".{path.name}.part")
    draft.write_bytes(path.read_bytes()[:100])
    path.chmod(0o640)
    assert run(path, bundle, FILMS) == ["z.png"]
    assert not draft.exists()
    assert rows(path) == [(film, "ok") for film in FILMS]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
