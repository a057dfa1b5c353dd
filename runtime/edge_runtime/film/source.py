"""Which bytes an answer is about, so that a later run can tell whether they are still there.

On the cold path of `edge-run`.
"""

from __future__ import annotations

import os
import struct
from contextlib import contextmanager
from io import BytesIO
from time import time_ns

from edge_runtime.bundle.digest import sha256, sha256_of
from edge_runtime.errors import FilmError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

LARGEST = 128 << 20
"""Bytes of a file that are digested at most; no larger one is read as DICOM."""

_IN_MEMORY = 1 << 20  # bytes of a file that is read once, for digest and decoder

_SETTLED = 2_000_000_000
"""Nanoseconds within which two changes may get the same time: FAT has steps of two seconds."""


class SourceFile:
    """The file of a film as it was when it was judged; `None` is what is not known of it.

    `bytes` is its size and `sha256` the digest of all of it. `stamp` stands for size and times of
    the last change: where it is the same again, nobody has written the file since. A file that was
    written just before it was read has none, and no date can be read from it.
    """

    __slots__ = ("bytes", "digested", "sha256", "stamp")

    def __init__(self, *, digested: bool) -> None:
        """Begin with nothing known; where `digested`, `watch` sets the digest as well."""
        self.digested = digested
        self.bytes: int | None = None
        self.sha256: str | None = None
        self.stamp: str | None = None

    @contextmanager
    def watch(self, stream: BinaryIO) -> Iterator[BinaryIO]:
        """Note size, digest and times of the film in `stream`; yield a stream of the same bytes.

        Raises:
            FilmError: it was written meanwhile, so that nobody knows what the block has read.
            OSError: the disk did not let us read it.
        """
        was = os.fstat(stream.fileno())
        settled = is_settled(was)
        read, digest = self._begun(stream, was.st_size)
        try:
            yield read
        finally:  # a film that is refused is remembered as well
            now = os.fstat(stream.fileno())
            same = (now.st_size, now.st_mtime_ns) == (was.st_size, was.st_mtime_ns)
            if digest and read is stream and not settled:  # so that times alone would not tell
                stream.seek(0)
                same = same and sha256_of(stream) == digest
            if not same:
                problem = "was written while it was read"
                raise FilmError(stream.name, problem, "wait until it is whole")
            self.bytes, self.sha256 = was.st_size, digest
            self.stamp = stamp(was) if settled else None

    def adopt(self, seen: object) -> None:
        """Take `[bytes, sha256, stamp]`, what another process saw while it read the file.

        What is no such list is passed over, and so is each value that is none of its kind.
        """
        kinds = {"bytes": int, "sha256": str, "stamp": str}
        if isinstance(seen, list) and len(seen) == len(kinds):
            for (name, kind), value in zip(kinds.items(), seen, strict=True):
                setattr(self, name, value if type(value) is kind else None)

    def _begun(self, stream: BinaryIO, size: int) -> tuple[BinaryIO, str | None]:
        """Return a stream of the bytes that are digested, and their digest, if that is wanted."""
        if not self.digested or size > LARGEST:
            return stream, None
        if size <= _IN_MEMORY:
            data = stream.read()
            return BytesIO(data), sha256(data)
        digest = sha256_of(stream)
        stream.seek(0)
        return stream, digest


def stamp(status: os.stat_result) -> str:
    """Return 16 hex digits that stand for the size and the times of the last change of a file."""
    times = (time & (1 << 63) - 1 for time in (status.st_mtime_ns, status.st_ctime_ns))
    return sha256(struct.pack("<3q", status.st_size, *times))[:16]


def place(path: str, start: str | None = None) -> str | None:
    """Return 16 hex digits for the folder that a relative `path` starts from, if it is relative.

    That is `start`, or else the working directory.
    """
    if os.path.isabs(path):  # noqa: PTH117
        return None
    try:
        return sha256(os.fsencode(start or os.getcwd()))[:16]  # noqa: PTH109
    except OSError:  # the folder is gone, and nothing can be found from it
        return None


def is_settled(status: os.stat_result) -> bool:
    """Tell whether the file's times will change with anything that is written from now on."""
    return max(status.st_mtime_ns, status.st_ctime_ns) < time_ns() - _SETTLED
