"""What may stand where a result is to be written, and what has to stand there afterwards."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_runtime.errors import EdgeError

Write = Callable[[Path], object]
"""Writes a result to a path, and returns an exit status, or nothing, or raises an `EdgeError`."""

OLD = b""
"""What a file holds that a result replaces; nothing, which every writer takes."""


def status_of(write: Write, path: Path) -> int:
    """Return the exit status that a command would leave with."""
    try:
        status = write(path)
    except EdgeError as error:
        assert "\n" not in str(error)
        assert error.cure
        return error.exit_status
    return status if isinstance(status, int) else 0


def device(path: Path) -> None:
    """Make a node of our own that takes everything, as /dev/null does."""
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    except (AttributeError, PermissionError):
        pytest.skip("only root may make a device")


def pipe(path: Path) -> None:
    os.mkfifo(path)


def listening(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # for the name of a socket has a hundred characters at most
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(path.name)
    os.chdir(here)


def loop(path: Path) -> None:
    path.symlink_to(path.name)


def loop_of_two(path: Path) -> None:
    path.symlink_to(path.with_name("other"))
    path.with_name("other").symlink_to(path)


def linked(make: Callable[[Path], None]) -> Callable[[Path], None]:
    """Return what makes a link to what `make` makes."""

    def link(path: Path) -> None:
        make(path.with_name("node"))
        path.symlink_to("node")

    return link


def link_through_a_file(path: Path) -> None:
    path.with_name("node").touch()
    path.symlink_to("node/result")


REFUSED: dict[str, Callable[[Path], None]] = {
    "device": device,
    "pipe": pipe,
    "socket": listening,
    "loop": loop,
    "loop of two": loop_of_two,
    "link to a device": linked(device),
    "link to a pipe": linked(pipe),
    "link to a loop": linked(loop),
    "link through a file": link_through_a_file,
}
"""What no result is written to, whether it is a file or a folder -> what makes it."""

NO_FILE = {**REFUSED, "folder": Path.mkdir, "link to a folder": linked(Path.mkdir)}
NO_FOLDER = {**REFUSED, "file": Path.touch, "link to a file": linked(Path.touch)}


def state(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Return kind and identity of everything in `folder`."""
    found = {}
    for path in folder.iterdir():
        one = path.lstat()
        found[path.name] = (one.st_mode, one.st_ino, one.st_size)
    return found


def require_refusal(write: Write, path: Path, make: Callable[[Path], None]) -> None:
    """Hold `write` to leave what `make` makes at `path` as it is, with status 10."""
    make(path)
    before = state(path.parent)
    assert status_of(write, path) == 10
    assert state(path.parent) == before


def plain(path: Path) -> Path:
    return path


def file(path: Path) -> Path:
    path.write_bytes(OLD)
    path.chmod(0o640)
    return path


def link(path: Path) -> Path:
    """Make a link to a file in another folder, by a relative name."""
    target = path.parent / "elsewhere" / "target"
    target.parent.mkdir()
    file(target)
    path.symlink_to("elsewhere/target")
    return target


def link_to_a_link(path: Path) -> Path:
    target = link(path.with_name("second"))
    path.symlink_to(path.with_name("second"))
    return target


def dangling(path: Path) -> Path:
    (path.parent / "elsewhere").mkdir()
    path.symlink_to("elsewhere/target")
    return path.parent / "elsewhere" / "target"


def hard_link(path: Path) -> Path:
    file(path.with_name("twin"))
    path.hardlink_to(path.with_name("twin"))
    return path


WRITTEN: dict[str, Callable[[Path], Path]] = {
    "nothing": plain,
    "file": file,
    "link": link,
    "link to a link": link_to_a_link,
    "dangling link": dangling,
    "hard link": hard_link,
}
"""Where a result is written -> what makes that, and returns the file that is written."""


def require_result(write: Write, path: Path, make: Callable[[Path], Path]) -> None:
    """Hold `write` to write the file that `make` leads to, keeping links and rights."""
    target = make(path)
    links = {one: one.readlink() for one in path.parent.iterdir() if one.is_symlink()}
    mode = target.stat().st_mode if target.exists() else None
    assert status_of(write, path) == 0
    assert {one: one.readlink() for one in path.parent.iterdir() if one.is_symlink()} == links
    assert stat.S_ISREG(target.lstat().st_mode)
    assert target.stat().st_size
    assert mode in (None, target.stat().st_mode)
    twin = path.with_name("twin")
    assert not (twin.exists() and make is hard_link and twin.read_bytes() != OLD)
    left = [one.name for one in path.parent.rglob("*") if one.name.startswith(".")]
    assert left == []
