"""The one way in which a result is written to a path that the user gave.

Only a regular file is ever replaced, all of it or nothing. A link stays, and what it leads to is
written, whether that is there yet or not. A device, a pipe, a socket and a folder are refused and
left as they are. The file that takes the place of another has its mode, and its owner where the
system lets us; another hard link to the old file keeps the old content.

Nothing here is on the cold path, so the standard library is used as it comes.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from edge_runtime.errors import CannotWrite

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import BinaryIO

    Name = str | os.PathLike[str]
    Data = bytes | bytearray | memoryview

_CURES = {
    errno.EACCES: "choose a folder that you may write to",
    errno.EPERM: "choose a folder that you may write to",
    errno.EROFS: "this disk is read-only: choose another",
    errno.ENOENT: "make the folder first",
    errno.ENOTDIR: "make the folder first",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ELOOP: "choose another name",
}
_FULL = (errno.ENOSPC, errno.EDQUOT)
_KINDS = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def write_whole(path: Name, data: Data) -> None:
    """Write `data` to the file `path`: all of it, or nothing and what stood there stays.

    Raises:
        CannotWrite: `path` is none that may be replaced, or the disk did not take it.
    """
    with replacing(path, memoryview(data).nbytes) as stream:
        stream.write(data)


def write_together(files: Mapping[Path, Data]) -> None:
    """Write every one of `files`, or none where one of them cannot be written.

    All of them are on the disk before the first is there: a disk may say that it is full, or over
    its quota, as late as that.

    Raises:
        CannotWrite: as `write_whole` does.
    """
    drafts: list[tuple[Path, _Draft]] = []
    try:
        for path, data in files.items():
            with as_cannot_write(path, memoryview(data).nbytes):
                drafts.append((path, draft := _Draft(path)))
                draft.stream.write(data)
                draft.settle()
        for path, draft in drafts:
            with as_cannot_write(path):
                draft.publish()
    finally:
        for _, draft in drafts:
            draft.discard()
    for folder in {draft.target.parent for _, draft in drafts}:
        sync_folder(folder)


def write_secret(path: Name, data: Data) -> None:
    """Write `data` to the file `path`, all of it or nothing; nobody else may read it at any time.

    Raises:
        CannotWrite: as `write_whole` does.
    """
    with as_cannot_write(path):
        Path(os.path.realpath(path)).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with replacing(path, memoryview(data).nbytes, is_secret=True) as stream:
        stream.write(data)


@contextmanager
def replacing(
    path: Name, size: int = 0, what: str = "a file", *, is_secret: bool = False
) -> Iterator[BinaryIO]:
    """Yield a stream whose content becomes the file `path` if the block succeeds.

    Until then what stood there stays, and nothing else is left behind. `size` is how many bytes the
    disk needs, and `what` the kind of file that is to be named. Where it `is_secret`, nobody else
    may read it at any time, whatever the rights of the file before.

    Raises:
        CannotWrite: `path` is none that may be replaced, or the disk did not take it.
    """
    with as_cannot_write(path, size):
        draft = _Draft(path, what, is_secret=is_secret)
        try:
            yield draft.stream
            draft.settle()
            draft.publish()
        finally:
            draft.discard()
    sync_folder(draft.target.parent)


class _Draft:
    """A new file beside the one at `target`, whose place it takes once it is on the disk."""

    def __init__(self, path: Name, what: str = "a file", *, is_secret: bool = False) -> None:
        self._is_secret = is_secret
        self.target = destination(path, what)
        self._path = self.target.parent / f".{secrets.token_hex(8)}.part"
        self.stream = os.fdopen(os.open(self._path, _NEW, 0o600 if is_secret else 0o666), "wb")

    def settle(self) -> None:
        """Wait until all that was written is on the disk."""
        self.stream.flush()
        os.fsync(self.stream.fileno())
        self.stream.close()

    def publish(self) -> None:
        """Take the place of the file at `target`."""
        if not self._is_secret:
            keep_rights(self.target, self._path)
        self._path.replace(self.target)

    def discard(self) -> None:
        """Leave nothing behind but what was published."""
        with suppress(OSError):
            self.stream.close()
        with suppress(OSError):
            self._path.unlink()


def destination(path: Name, what: str = "a file") -> Path:
    """Return the file that a result called `path` is written to: `path`, or where its links lead.

    Raises:
        CannotWrite: that is a folder, a device, a pipe, a socket, a loop of links, or where
            stdout or stderr goes.
        ValueError: no file can have that name.
    """
    name, cure = os.fspath(path), f"give the name of {what}"
    with as_cannot_write(path):
        try:
            status = os.stat(name or os.curdir)  # noqa: PTH116, a Path drops what ends a name
        except FileNotFoundError:
            if name.endswith(("/", os.sep)):
                raise CannotWrite(path, "is the name of a folder", cure) from None
            return Path(os.path.realpath(name))
        if stat.S_ISDIR(status.st_mode):
            raise CannotWrite(path, "is a folder", cure)
        for is_kind, kind in _KINDS:
            if is_kind(status.st_mode):
                raise CannotWrite(path, f"is {kind}, which nothing is written to", cure)
        if _takes_our_output(status):
            raise CannotWrite(path, "is where stdout or stderr goes", "give another name")
        target = Path(os.path.realpath(name))
        # Links of the kernel may lead to a file that has no name any more.
        if not (target.exists() and os.path.samestat(target.stat(), status)):
            raise CannotWrite(path, "is no name of a file", cure)
    return target


def require_place(path: Name, what: str = "a file") -> Path:
    """Return the `destination` of a result, before the work for its content is done.

    Raises:
        CannotWrite: as `destination` does, or no file can be made there.
    """
    target = destination(path, what)
    _require_room(path, target.parent)
    return target


def _require_room(path: Name, folder: Path) -> None:
    """Refuse to write `path` where `folder` is no folder, or is not writable for this user."""
    with as_cannot_write(path):
        if not folder.is_dir():
            cure = "make the folder first" if not folder.exists() else "name another place"
            raise CannotWrite(path, f"{folder} is no folder to write to", cure)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise CannotWrite(path, f"{folder} is no folder to write to", "name another place")


def new_folder_at(path: Name, *, or_empty: bool = False) -> Path:
    """Return where a new folder called `path` is made: there, or where its links lead.

    Raises:
        CannotWrite: something is there, other than an empty folder where that is welcome, links
            lead nowhere but in a circle, or none can be made there.
    """
    with as_cannot_write(path):
        place = Path(path)
        try:
            status = place.stat()
        except FileNotFoundError:
            new = Path(os.path.realpath(place))
            _require_room(path, next(parent for parent in new.parents if parent.exists()))
            return new
        if not (or_empty and stat.S_ISDIR(status.st_mode)) or any(place.iterdir()):
            raise CannotWrite(path, "exists already", "name a new folder")
        return Path(os.path.realpath(place))


@contextmanager
def as_cannot_write(path: Name, size: int = 0) -> Iterator[None]:
    """Turn what the system refuses in this block into one `CannotWrite` about `path`.

    Raises:
        CannotWrite: in place of an `OSError`, or of the `ValueError` of an impossible name.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            cure = f"free {size} bytes" if size else "free some of it"
            raise CannotWrite(path, "the disk is full", cure) from error
        cure = _CURES.get(error.errno or 0, "choose another folder or disk")
        raise CannotWrite(path, f"cannot be written ({error.strerror or error})", cure) from error
    except ValueError as error:  # a name that no file can have
        raise CannotWrite(path, f"cannot be written ({error})", "choose another name") from error


def keep_rights(old: Path, new: Path) -> None:
    """Give the file `new` the mode and the owner of `old`, as far as the disk and the user may."""
    with suppress(OSError):
        was = old.stat()
        if hasattr(os, "chown"):
            for owner in ((-1, was.st_gid), (was.st_uid, -1)):
                with suppress(OSError):
                    os.chown(new, *owner)
        mode = stat.S_IMODE(was.st_mode) & 0o777
        if new.stat().st_gid != was.st_gid:  # the rights of one group are not another's
            mode &= ~0o070
        new.chmod(mode)


def sync_folder(folder: Path) -> None:
    """Wait until the names in `folder` are on the disk, where the system can say so."""
    if os.name == "posix":
        with suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _takes_our_output(status: os.stat_result) -> bool:
    """Tell whether it is the file that stdout or stderr goes to, which would lose what follows."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # closed, or no real file
            if os.path.samestat(os.fstat(stream.fileno()), status):
                return True
    return False
