"""A bundle on a disk, zip or folder, of which nothing is used before it was verified.

Opening verifies the manifest and, in a zip, every byte that is not some file's data; `read`
verifies the file it returns; `verify_all` leaves no byte out. Whatever does not hold raises, never
warns. This module is on the cold path of `edge-run`, hence what it does not import.
"""
# Loading pathlib would take longer than all that is done here:
# ruff: noqa: PTH112, PTH118

from __future__ import annotations

import binascii
import mmap
import os
import stat

from edge_runtime import archive, manifest
from edge_runtime.archive import MANIFEST
from edge_runtime.digest import sha256
from edge_runtime.errors import IntegrityError, NotABundle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType
    from typing import Self

_OPEN_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_BINARY", 0)  # only Windows has it, and needs it
    | getattr(os, "O_NONBLOCK", 0)  # a pipe of that name must not keep us waiting
)
_COPY_AGAIN = "copy the bundle again"


class Bundle:
    """An opened bundle: `path`, `manifest`, and the files that the manifest lists.

    Views that `read` handed out stay valid after `close`, which only lets go of the file.
    """

    def __init__(self, path: str) -> None:
        """Open the zip or folder at `path`, see `open_bundle`."""
        self.path = path
        self._load: Callable[[str], memoryview] | None
        self._crcs: dict[str, int] = {}
        if os.path.isdir(path):
            if not os.path.lexists(os.path.join(path, MANIFEST)):
                raise NotABundle(path, f"holds no {MANIFEST}", "give a .edge file or its folder")
            names = list(_listing(path))
            self._load = lambda name: _mapped(os.path.join(path, name), f"{path}: {name}", name)
        else:
            stored = archive.decode(_mapped(path, path), path)
            views = {member.name: view for member, view in stored}
            self._crcs = {member.name: member.crc for member, _ in stored}
            names = list(views)
            self._load = views.__getitem__
        subject = f"{path}: {MANIFEST}"
        view = self._load(MANIFEST)
        if self._crcs and self._crcs[MANIFEST] != binascii.crc32(view):
            raise IntegrityError(subject, "does not match its CRC-32", _COPY_AGAIN)
        self.manifest = manifest.parse(bytes(view[: manifest.LARGEST_MANIFEST + 1]), subject)
        listed = {MANIFEST, *self.manifest.files}
        if missing := listed - set(names):
            raise NotABundle(path, f"the file {min(missing)} is missing", _COPY_AGAIN)
        if extra := set(names) - listed:
            raise NotABundle(
                path, f"{min(extra)} is not in its {MANIFEST}", "remove it or export again"
            )

    @property
    def identity(self) -> str:
        """The SHA-256 that names this bundle, in hex."""
        return self.manifest.identity

    def read(self, name: str) -> memoryview:
        """Return the bytes of the file `name`, without copying them, after checking their digest.

        The view is writable so that `ctypes` takes its address; the bundle itself cannot be
        written through it.

        Raises:
            KeyError: the manifest lists no such file.
            IntegrityError: the file is not the one the manifest lists.
        """
        wanted = self.manifest.files[name]
        if self._load is None:
            raise ValueError(f"{self.path} is closed")
        view = self._load(name)
        subject = f"{self.path}: {name}"
        if len(view) != wanted.bytes:
            problem = f"has {len(view)} bytes instead of {wanted.bytes}"
            raise IntegrityError(subject, problem, _COPY_AGAIN)
        if sha256(view) != wanted.sha256:
            raise IntegrityError(subject, "is not the file that was written", _COPY_AGAIN)
        return view

    def verify(self) -> None:
        """Check every byte that opening the bundle has not.

        Raises:
            IntegrityError: some byte is not the one that was written.
        """
        for name in self.manifest.files:
            view = self.read(name)
            if self._crcs and self._crcs[name] != binascii.crc32(view):
                subject = f"{self.path}: {name}"
                raise IntegrityError(subject, "does not match its CRC-32", _COPY_AGAIN)

    def close(self) -> None:
        """Let go of the file; the last view to disappear unmaps it."""
        self._load = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_bundle(path: str | os.PathLike[str]) -> Bundle:
    """Return the bundle at `path`, a `.edge` file or a folder, ready for `read`.

    Raises:
        NotABundle: there is none, or it is of a kind or schema that is not known here.
        IntegrityError: the manifest or the structure of the zip has been changed.
    """
    return Bundle(os.fspath(path))


def verify_all(path: str | os.PathLike[str]) -> Bundle:
    """Return the bundle at `path` after checking every byte of it.

    Raises:
        NotABundle: there is none, or it is of a kind or schema that is not known here.
        IntegrityError: some byte is not the one that was written.
    """
    bundle = open_bundle(path)
    bundle.verify()
    return bundle


def _mapped(path: str, subject: str, name: str = "") -> memoryview:
    """Return the bytes of the file at `path`; where `name` is given it may be no link."""
    flags = _OPEN_FLAGS | (getattr(os, "O_NOFOLLOW", 0) if name else 0)
    try:
        descriptor = os.open(path, flags)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise NotABundle(subject, "is not a regular file", "give a .edge file or a folder")
            if not status.st_size:  # which mmap refuses
                return memoryview(b"")
            return memoryview(mmap.mmap(descriptor, 0, access=mmap.ACCESS_COPY))
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:
        raise _unreadable(subject, error) from error


def _listing(folder: str, inside: str = "") -> Iterator[str]:
    """Yield the name of every file in `folder`, with `/` between its parts.

    Raises:
        NotABundle: something in it is no regular file, or lies where no bundle has files.
    """
    subject = f"{folder}: {inside.rstrip('/')}" if inside else folder
    try:
        with os.scandir(os.path.join(folder, inside)) as entries:
            found = list(entries)
    except OSError as error:
        raise _unreadable(subject, error) from error
    if inside and not found:
        raise NotABundle(subject, "is an empty folder", "remove it")
    for entry in found:
        name = inside + entry.name
        if entry.is_symlink() or not (entry.is_dir() or entry.is_file()):
            raise NotABundle(f"{folder}: {name}", "is not a regular file", "remove it")
        if problem := archive.name_problem(name):
            raise NotABundle(folder, f"the name {name!r} {problem}", "remove it")
        if entry.is_dir():
            yield from _listing(folder, name + "/")
        else:
            yield name


def _unreadable(subject: str, error: Exception) -> NotABundle:
    """Return our error for what the operating system said."""
    if isinstance(error, FileNotFoundError):
        return NotABundle(subject, "does not exist", "give a .edge file or its folder")
    if isinstance(error, PermissionError):
        return NotABundle(subject, "may not be read by this user", "ask its owner to allow it")
    problem = getattr(error, "strerror", None) or str(error)
    return NotABundle(subject, f"cannot be read ({problem})", "copy it to this machine's disk")
