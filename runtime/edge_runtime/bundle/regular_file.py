"""Reading a regular file of a bundle into memory of our own; whatever fails is one of our errors.

A map of the file would show what is written to it later, and end the process without a word once a
USB stick is pulled out (SIGBUS). On the cold path of `edge-run`, hence what it does not import.
"""

from __future__ import annotations

import mmap
import os
import stat
import sys
from contextlib import suppress
from io import FileIO

from edge_runtime.errors import IntegrityError, NotABundle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

COPY_AGAIN = "copy the bundle again"
_NOT_WAITING = getattr(os, "O_NONBLOCK", 0)  # a pipe of that name must not keep us waiting


class RegularFile:
    """A regular file, open for reading, all of whose errors are ours."""

    def __init__(self, path: str, subject: str, flags: int = 0) -> None:
        """Open the file at `path`, with `flags` beside the customary ones."""
        self._subject = subject
        try:
            self._file = FileIO(
                path, opener=lambda path, mode: os.open(path, mode | flags | _NOT_WAITING)
            )
            status = os.fstat(self._file.fileno())
        except (OSError, ValueError) as error:
            raise unreadable(subject, error) from error
        if not stat.S_ISREG(status.st_mode):
            self._file.close()
            raise NotABundle(subject, "is not a regular file", "give a .edge file or a folder")
        self.size = status.st_size

    def read(self, start: int, length: int) -> bytes:
        """Return `length` bytes from `start` on."""
        return bytes(self._fill(memoryview(bytearray(length)), start))

    def copy(self, start: int, length: int) -> memoryview:
        """Return `length` bytes from `start` on in whole pages of our own."""
        if not length:  # of which there is no map
            return memoryview(bytearray())
        try:
            return self._fill(memoryview(_pages(length)), start)
        except OSError as error:
            raise unreadable(self._subject, error) from error

    def _fill(self, view: memoryview, start: int) -> memoryview:
        try:
            self._file.seek(start)
            done = 0
            while done < len(view):
                count = self._file.readinto(view[done:])
                if not count:
                    problem = "was cut short while it was read"
                    raise IntegrityError(self._subject, problem, COPY_AGAIN)
                done += count
        except OSError as error:
            raise unreadable(self._subject, error) from error
        return view

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _pages(length: int) -> mmap.mmap:
    """Return `length` bytes of memory, in huge pages where there are any: they fill fastest."""
    if sys.platform == "win32":
        return mmap.mmap(-1, length)
    pages = mmap.mmap(-1, length, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if sys.platform == "linux":
        with suppress(OSError):  # a kernel that was built without them
            pages.madvise(mmap.MADV_HUGEPAGE)
    return pages


def unreadable(subject: str, error: Exception) -> NotABundle:
    """Return our error for what the operating system said."""
    if isinstance(error, FileNotFoundError):
        return NotABundle(subject, "does not exist", "give a .edge file or its folder")
    if isinstance(error, PermissionError):
        return NotABundle(subject, "may not be read by this user", "ask its owner to allow it")
    problem = getattr(error, "strerror", None) or str(error)
    return NotABundle(subject, f"cannot be read ({problem})", "copy it to this machine's disk")
