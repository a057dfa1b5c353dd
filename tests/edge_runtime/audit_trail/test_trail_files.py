"""How the files of a trail are opened, waited for and followed, and what a disk's refusal says."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge_runtime.audit_trail.segments import Segments
from edge_runtime.errors import CannotWrite, IntegrityError, UsageError
from trails import entry, opened, put, verified, write_trail

TRAIL = "edge_runtime.audit_trail.trail"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trail.jsonl"


def refusing(real: Callable[..., Any], wanted: str, code: int = errno.EACCES) -> Callable[..., Any]:
    """Return `real`, which the system refuses for paths that end with `wanted`."""

    def refuse(path: Any, *arguments: Any, **named: Any) -> Any:
        if str(path).endswith(wanted):
            raise OSError(code, os.strerror(code))
        return real(path, *arguments, **named)

    return refuse


def test_a_file_is_opened_to_grow_alone_and_for_its_owner_and_group(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int]] = []
    real = os.open

    def noting(path: Any, flags: int, mode: int = 0o777, **named: Any) -> int:
        if str(path).endswith(".jsonl"):
            asked.append((flags, mode))
        return real(path, flags, mode, **named)

    monkeypatch.setattr(os, "open", noting)
    opened(path).close()
    grows = os.O_RDWR | os.O_CREAT | os.O_APPEND
    assert asked == [(grows | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0), 0o640)]
    assert stat.S_IMODE(path.stat().st_mode) & 0o137 == 0


def test_lines_and_a_new_file_in_its_folder_are_waited_for(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[str | int] = []
    monkeypatch.setattr(f"{TRAIL}.sync_folder", lambda folder: waited.append(str(folder)))
    monkeypatch.setattr(os, "fsync", lambda file: waited.append(os.fstat(file).st_size))
    with opened(path, 700) as trail:
        assert waited == [str(path.parent), path.stat().st_size]
        size = 0
        while size < 700:
            trail.record(entry(1))
            size = path.stat().st_size
            assert waited[-1] == size
        waited.clear()
        trail.record(entry(2))
        following = Segments(path).path(2).read_bytes().splitlines(keepends=True)
        first, both = len(following[0]), len(b"".join(following))
        assert waited == [str(path.parent), first, both]


@pytest.mark.parametrize(("less", "files"), [(0, 2), (1, 1)])
def test_a_file_that_has_its_largest_size_is_followed_by_another(
    less: int, files: int, path: Path
) -> None:
    with opened(path) as trail:
        trail.record(entry(1))
    with opened(path, path.stat().st_size + less) as trail:
        trail.record(entry(2))
    assert len([*path.parent.iterdir()]) == files
    last = Segments(path).path(files).read_bytes().splitlines()
    begun = json.loads(last[0])
    assert (begun["kind"], begun["format"]) == ("begun", 2)


def test_one_who_may_not_write_leaves_no_file_open(path: Path) -> None:
    with opened(path):
        before = len([*Path("/proc/self/fd").iterdir()])
        with pytest.raises(UsageError):
            opened(path)
        assert len([*Path("/proc/self/fd").iterdir()]) == before


def two_files(path: Path) -> tuple[Path, Path]:
    """Write a trail of two files, the second of which has begun and holds one answer."""
    with opened(path) as trail:
        trail.record(entry(1))
    with opened(path, 1) as trail:
        trail.record(entry(2))
    first, second = Segments(path).path(1), Segments(path).path(2)
    assert len(second.read_bytes().splitlines()) == 2
    return first, second


def test_a_file_that_was_made_and_not_begun_follows_the_one_before(path: Path) -> None:
    """A process was killed between the two."""
    first, second = two_files(path)
    put(second, b"")
    with opened(path) as trail:
        trail.record(entry(3))
    found = verified(first, second)
    assert (found.problems, found.answers) == ([], 2)
    assert json.loads(second.read_bytes().splitlines()[0])["counter"] == 3


def test_a_third_file_that_was_not_begun_follows_the_second(path: Path) -> None:
    first, second = two_files(path)
    third = Segments(path).path(3)
    put(third, b"")
    with opened(path) as trail:
        trail.record(entry(3))
    assert verified(first, second, third).problems == []


def test_a_torn_end_of_the_file_before_is_none_of_its_lines(path: Path) -> None:
    first, second = two_files(path)
    put(first, first.read_bytes() + b"\0" * 600)
    put(second, b"")
    with opened(path) as trail:
        assert trail.head.counter == 3


def test_a_trail_goes_on_whose_older_files_were_put_away(path: Path) -> None:
    first, second = two_files(path)
    first.unlink()
    with opened(path) as trail:
        assert trail.head.counter == 4
        assert [line.head.counter for line in trail.entries_after(0)] == [4]
        trail.record(entry(3))
    (missing,) = verified(second).problems
    assert missing.endswith("lines 1 to 2 are in no file that is named")


def test_older_files_are_read_as_far_back_as_an_entry_may_stand_and_no_further(path: Path) -> None:
    first, second = two_files(path)
    with opened(path) as trail:
        assert [line.head.counter for line in trail.entries_after(1)] == [2, 4]
        put(first, b"no trail\n")
        assert [line.head.counter for line in trail.entries_after(2)] == [4]
        assert second.exists()


def test_what_was_torn_with_a_line_end_gets_no_other_one(path: Path) -> None:
    content = write_trail(path, 1).read_bytes()
    torn = b"\0" * 600 + b"\n"
    put(path, content + torn)
    opened(path).close()
    told = path.read_bytes()
    assert told.startswith(content + torn + b"{")
    assert verified(path).problems == []


def test_a_folder_that_cannot_be_listed_is_a_line_about_the_trail(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "scandir", refusing(os.scandir, path.parent.name))
    with pytest.raises(CannotWrite) as said:
        opened(path)
    assert str(said.value).startswith(f"{path}: cannot be written (Permission denied)")


@pytest.mark.parametrize(
    ("name", "kept_from", "subject"),
    [("open", "trail.jsonl", "trail.jsonl"), ("read_bytes", "trail-2.jsonl", "trail.jsonl")],
)
def test_what_cannot_be_read_is_a_line_about_its_file_or_about_the_trail(
    name: str, kept_from: str, subject: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_files(path)
    monkeypatch.setattr(Path, name, refusing(getattr(Path, name), kept_from))
    with pytest.raises(CannotWrite) as said:
        opened(path)
    told = f"{path.with_name(subject)}: cannot be written (Permission denied)"
    assert str(said.value).startswith(told)


def test_a_full_disk_is_a_line_about_the_trail_that_says_how_much_is_wanted(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(path) as trail:
        trail.record(entry(1))
        size = len(path.read_bytes().splitlines(keepends=True)[1])
        monkeypatch.setattr(os, "write", refusing(os.write, "", errno.ENOSPC))
        with pytest.raises(CannotWrite) as said:
            trail.record(entry(2))
    assert str(said.value) == f"{path}: the disk is full; free {size} bytes"


def test_a_following_file_that_cannot_be_made_is_a_line_about_the_trail(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(path, 1) as trail:
        monkeypatch.setattr(os, "open", refusing(os.open, "-2.jsonl"))
        with pytest.raises(CannotWrite) as said:
            trail.record(entry(1))
    assert str(said.value).startswith(f"{path}: cannot be written (Permission denied)")


def test_a_file_that_does_not_follow_the_one_before_is_not_written_on(path: Path) -> None:
    first, second = two_files(path)
    with opened(path.with_name("other.jsonl")) as other:
        other.record(entry(7))
    put(first, path.with_name("other.jsonl").read_bytes())
    content = second.read_bytes()
    with pytest.raises(IntegrityError, match="line 1 does not follow the line before it"):
        opened(path)
    assert second.read_bytes() == content


def test_a_file_with_the_number_zero_is_none_of_a_trail(path: Path) -> None:
    path.with_name("trail-0.jsonl").write_bytes(b"somebody else's\n")
    with opened(path) as trail:
        assert trail.head.counter == 1
