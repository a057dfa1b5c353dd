"""A bundle is written whole or not at all, and the same content is always the same bytes."""

from __future__ import annotations

import errno
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge_runtime.bundle import verify_all
from edge_runtime.bundle.pack import pack, unpack, write_bundle
from edge_runtime.bundle.records import Classes
from edge_runtime.errors import CannotWrite, IntegrityError
from sample_bundle import MEMBERS, sample_fields

OLD = b"what stood there before"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_was_written_is_read(tmp_path: Path) -> None:
    identity = write_bundle(tmp_path / "m.edge", sample_fields(), MEMBERS)
    with verify_all(tmp_path / "m.edge") as bundle:
        assert bundle.identity == identity
        assert {name: bytes(bundle.read(name)) for name in bundle.manifest.files} == MEMBERS
    with zipfile.ZipFile(tmp_path / "m.edge") as file:
        assert file.testzip() is None
        assert file.namelist() == ["manifest.json", *sorted(MEMBERS)]
    assert names(tmp_path) == ["m.edge"]


def test_same_content_gives_the_same_bytes_by_every_road(tmp_path: Path) -> None:
    fields = {**sample_fields(), "classes": Classes(negative="noncovid", positive="covid")}
    reordered = dict(reversed(list(fields.items())))
    buffers = {name: bytearray(data) for name, data in reversed(list(MEMBERS.items()))}
    identities = {
        write_bundle(tmp_path / "a.edge", sample_fields(), MEMBERS),
        write_bundle(str(tmp_path / "b.edge"), reordered, buffers),
        unpack(tmp_path / "a.edge", tmp_path / "folder"),
        pack(tmp_path / "folder", tmp_path / "c.edge"),
        pack(tmp_path / "c.edge", tmp_path / "d.edge"),
    }
    assert len(identities) == 1
    assert len({path.read_bytes() for path in tmp_path.glob("*.edge")}) == 1
    assert names(tmp_path) == ["a.edge", "b.edge", "c.edge", "d.edge", "folder"]


def test_a_new_bundle_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "m.edge").write_bytes(OLD)
    write_bundle(tmp_path / "m.edge", sample_fields(), MEMBERS)
    verify_all(tmp_path / "m.edge")


ERRNOS: list[tuple[int, str]] = [
    (errno.ENOSPC, r"m\.edge: the disk is full; free \d+ bytes"),
    (errno.EDQUOT, r"m\.edge: the disk is full; free \d+ bytes"),
    (errno.EROFS, r"cannot be written \(.*\); this disk is read-only: choose another"),
    (errno.EACCES, r"cannot be written \(.*\); choose a folder that you may write to"),
    (errno.EIO, r"cannot be written \(.*\); choose another folder or disk"),
]


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize(("number", "line"), ERRNOS)
def test_a_failed_write_leaves_what_was_there_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int, line: str
) -> None:
    path = tmp_path / "m.edge"
    path.write_bytes(OLD)

    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(*{"fsync": (os, "fsync"), "replace": (Path, "replace")}[call], fail)
    with pytest.raises(CannotWrite, match=line):
        write_bundle(path, sample_fields(), MEMBERS)
    assert path.read_bytes() == OLD
    assert names(tmp_path) == ["m.edge"]


@pytest.mark.skipif(os.name != "posix", reason="limits the size of files")
def test_a_disk_that_takes_only_a_part_gets_nothing(tmp_path: Path) -> None:
    import resource

    path = tmp_path / "m.edge"
    path.write_bytes(OLD)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(CannotWrite, match="File too large"):
            write_bundle(path, sample_fields(), {**MEMBERS, "card.md": bytes(100_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_bytes() == OLD
    assert names(tmp_path) == ["m.edge"]


def test_an_interrupted_write_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_bundle(tmp_path / "m.edge", sample_fields(), MEMBERS)
    assert names(tmp_path) == []


def test_a_disk_that_cannot_sync_folders_still_takes_bundles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def files_only(descriptor: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):  # noqa: PTH112 -- a link of the kernel
            raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", files_only)
    write_bundle(tmp_path / "m.edge", sample_fields(), MEMBERS)
    verify_all(tmp_path / "m.edge")


BAD_TARGETS: dict[str, tuple[Callable[[Path], str | Path], str]] = {
    "no folder": (lambda d: d / "none" / "m.edge", "make the folder first"),
    "a file for a folder": (lambda d: d / "file" / "m.edge", "make the folder first"),
    "a folder": (lambda d: d, "is a folder; give the name of a .edge file"),
    "here": (lambda _: "", "is a folder; give the name of a .edge file"),
    "too long": (lambda d: d / ("x" * 300), "choose a shorter name"),
    "no name of a file": (lambda _: "m\0.edge", "choose another name"),
}


@pytest.mark.parametrize("name", BAD_TARGETS)
def test_a_target_that_cannot_be_is_refused(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # the checkout may be another user's
    (tmp_path / "file").write_bytes(OLD)
    target, line = BAD_TARGETS[name]
    with pytest.raises(CannotWrite) as caught:
        write_bundle(target(tmp_path), sample_fields(), MEMBERS)
    assert line in str(caught.value)
    assert names(tmp_path) == ["file"]


BAD_CONTENTS: dict[str, tuple[dict[str, Any], dict[str, bytes], str]] = {
    "a bad field": ({"version": "new"}, {}, "version: expected a version of digits and dots"),
    "an unknown field": ({"colour": 1}, {}, "colour: this key is unknown"),
    "a bad name": ({}, {"../x": b""}, "files.../x: expected the name of a file"),
    "its own manifest": ({}, {"manifest.json": b""}, "files.manifest.json: expected the name"),
    "too many": ({}, {f"f{i}": b"" for i in range(64)}, "files: expected an object of 1 to 63"),
}


@pytest.mark.parametrize("name", BAD_CONTENTS)
def test_what_a_reader_would_refuse_is_not_written(tmp_path: Path, name: str) -> None:
    fields, members, line = BAD_CONTENTS[name]
    with pytest.raises(CannotWrite) as caught:
        write_bundle(tmp_path / "m.edge", {**sample_fields(), **fields}, {**MEMBERS, **members})
    assert line in str(caught.value)
    assert names(tmp_path) == []


def test_a_damaged_bundle_is_neither_packed_nor_unpacked(tmp_path: Path) -> None:
    write_bundle(tmp_path / "m.edge", sample_fields(), MEMBERS)
    unpack(tmp_path / "m.edge", tmp_path / "m")
    (tmp_path / "m" / "card.md").write_bytes(b"!")
    with pytest.raises(IntegrityError, match=r"card\.md: has 1 bytes instead of 0"):
        pack(tmp_path / "m", tmp_path / "n.edge")
    with pytest.raises(IntegrityError):
        unpack(tmp_path / "m", tmp_path / "n")
    assert names(tmp_path) == ["m", "m.edge"]


def test_unpacking_never_touches_what_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_bundle(tmp_path / "m.edge", sample_fields(), MEMBERS)
    (tmp_path / "m").mkdir()
    with pytest.raises(CannotWrite, match="exists already; name a new folder"):
        unpack(tmp_path / "m.edge", tmp_path / "m")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CannotWrite, match="the disk is full"):
        unpack(tmp_path / "m.edge", tmp_path / "n")
    assert names(tmp_path) == ["m", "m.edge"]
    assert names(tmp_path / "m") == []
