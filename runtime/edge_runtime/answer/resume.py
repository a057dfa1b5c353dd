"""Answers in a CSV that a later run takes up again: no film lost, none twice, no line torn.

Rows are appended one by one and reach the disk itself every few seconds, so that a killed process
costs nothing and a power failure the last seconds. What either leaves of a last row is cut off when
the file is taken up. Films that could not be read (`error`: the disk, the rights) have their rows
at the end of the file, from where they are cut off as well, and tried again.
"""
# Names are compared without pathlib, millions of them:
# ruff: noqa: PTH116, PTH119, PTH120, PTH123

from __future__ import annotations

import csv
import errno
import os
import stat
import sys
from collections import deque
from contextlib import suppress
from itertools import chain
from time import monotonic

from edge_runtime.answer.classify import FIELDS, STATUSES
from edge_runtime.answer.names import Names
from edge_runtime.answer.rows import row_writer
from edge_runtime.errors import CannotWrite, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType
    from typing import IO, Self

    from edge_runtime.answer.classify import Answer
    from edge_runtime.bundle import Bundle

SYNC = 5.0
"""After how many seconds at most a row is on the disk, if rows go on coming."""

UNREAD = 10_000
"""How many rows of films that could not be read are held back for the end of the file."""

_FILE, _STATUS, _IDENTITY = (FIELDS.index(name) for name in ("file", "status", "bundle_sha256"))
_ERRORS = sys.getfilesystemencodeerrors()  # names of any bytes come through
_HEADER = ",".join(f'"{name}"' for name in FIELDS).encode() + b"\n"
_LONGEST = 1 << 20  # bytes of one line; no name and no problem come near
_ANOTHER = "give the name of another file"
_CURES = {errno.ENOSPC: "free the disk and resume", errno.ENOENT: "make the folder first"}


class Results:
    """A CSV of answers, opened for more of them; `again` are the films to be tried once more.

    `skipped` counts the films that were done, `refused` the refusals among all rows.
    """

    def __init__(self, path: str, bundle: Bundle, engine: str) -> None:
        """Open the CSV at `path`, or create it.

        Raises:
            UsageError: it is no CSV of this command and bundle, or another process writes it.
            CannotWrite: the disk does not let us.
        """
        self.path = path
        self.skipped = 0
        self.refused = 0
        self.again: list[str] = []
        self._done = Names()
        self._counts = dict.fromkeys(STATUSES, 0)
        self._unread: list[Answer] = []
        self._descriptor = _opened(path)
        try:
            _lock(self._descriptor, path)
            with open(self._descriptor, "rb", closefd=False) as stream:
                end = self._take_up(stream, bundle.identity)
            os.ftruncate(self._descriptor, end)
        except BaseException:
            os.close(self._descriptor)
            raise
        self._out = open(  # noqa: SIM115 -- `close` does
            self._descriptor, "a", newline="", encoding="utf-8", errors=_ERRORS
        )
        self._write = row_writer("csv", self._out, bundle, engine, header=not end)
        self._synced = monotonic()
        if not end:
            self._sync()
            _sync_folder(path)

    def not_done(self, films: Iterable[str]) -> Iterator[str]:
        """Yield those to be tried once more, then those of `films` without a row, each once."""
        for film in chain(self.again, films):
            if self._is_this_file(film):
                continue
            if self._done.add(film):
                yield film
            else:
                self.skipped += 1

    def _is_this_file(self, film: str) -> bool:
        if os.path.basename(film) == os.path.basename(self.path):
            with suppress(OSError, ValueError):
                return os.path.samestat(os.stat(film), os.fstat(self._descriptor))
        return False

    def write(self, answer: Answer) -> None:
        """Append a row, now or, for a film that could not be read, when the file is closed."""
        self._counts[answer.status] += 1
        if answer.status == "error" and len(self._unread) < UNREAD:
            self._unread.append(answer)
            return
        self.refused += answer.status == "refused"
        try:
            self._write(answer)
            if monotonic() - self._synced > SYNC:
                self._sync()
        except OSError as error:
            raise _cannot_write(self.path, error) from error

    def close(self) -> None:
        """Append what was held back, and wait until the disk has all of it."""
        try:
            with self._out:
                for answer in self._unread:
                    self._write(answer)
                self._sync()
        except OSError as error:
            raise _cannot_write(self.path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.close()
        except CannotWrite:
            if not isinstance(error, CannotWrite):  # which said so already
                raise

    def __str__(self) -> str:
        answered, refused, unread = self._counts.values()
        return (
            f"{self.path}: {answered} films answered, {refused} refused, {unread} not read, "
            f"{self.skipped} done before"
        )

    def _sync(self) -> None:
        self._out.flush()
        os.fsync(self._descriptor)
        self._synced = monotonic()

    def _take_up(self, stream: IO[bytes], identity: str) -> int:
        """Learn which films are done, and return where the rows that stay end."""
        header = stream.readline(4096)
        if len(header) < len(_HEADER) and _HEADER.startswith(header):
            return 0  # nothing yet, or torn
        found = next(csv.reader([header.decode("utf-8", "replace")]), [])
        if found != list(FIELDS) or not header.endswith(b"\n"):
            raise UsageError(self.path, "is no CSV of edge-run classify", _ANOTHER)
        sound = len(header)
        torn = False
        unread: deque[tuple[int, str]] = deque(maxlen=UNREAD)
        for row, end in _rows(stream, sound):
            if not _is_sound(row):
                torn = True  # if it is the end
                continue
            if torn:
                raise UsageError(self.path, f"has no row at byte {sound}", "mend it, or begin anew")
            if row[_IDENTITY] != identity:
                problem = f"has answers of another bundle, {row[_IDENTITY]}"
                raise UsageError(self.path, problem, f"name that bundle, or {_ANOTHER}")
            if row[_STATUS] == "error":
                unread.append((sound, row[_FILE]))
            else:
                unread.clear()
                self._done.add(row[_FILE])
                self.refused += row[_STATUS] == "refused"
            sound = end
        self.again = [film for _, film in unread]
        return unread[0][0] if unread else sound


def _rows(stream: IO[bytes], end: int) -> Iterator[tuple[list[str], int]]:
    """Yield each row from byte `end` on and where it ends; what is torn is an empty row."""
    whole = True

    def lines() -> Iterator[str]:
        nonlocal end, whole
        while line := stream.readline(_LONGEST):
            end += len(line)
            whole = line.endswith(b"\n")
            yield line.decode("utf-8", _ERRORS)

    reader = csv.reader(lines(), strict=True)
    while True:
        try:
            row = next(reader, None)
        except csv.Error:  # such as the end of the file within quotes
            row = []
        if row is None:
            return
        yield row if whole else [], end


def _is_sound(row: list[str]) -> bool:
    return len(row) == len(FIELDS) and row[_STATUS] in STATUSES


def _opened(path: str) -> int:
    """Return a descriptor of the file at `path`, created where there is none."""
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
    # Windows translates no line ends; a pipe of that name does not keep us waiting.
    flags |= getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags, 0o666)
    except (OSError, ValueError) as error:  # a name that no file can have is a ValueError
        raise _cannot_write(path, error) from error
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise UsageError(path, "is not a regular file", _ANOTHER)


def _lock(descriptor: int, path: str) -> None:
    """Keep other processes that resume out, until this one ends, where the disk can do that."""
    try:
        if sys.platform == "win32":
            import msvcrt

            # Others cannot read what is locked: the last byte that can be.
            os.lseek(descriptor, 0x7FFFFFFE, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        problem = "is being written by another edge-run"
        raise UsageError(path, problem, f"wait for it, or {_ANOTHER}") from None
    except (ImportError, OSError):  # not every system and network disk has locks
        pass


def _sync_folder(path: str) -> None:
    """Bring the name of a new file to the disk, where the system can."""
    if os.name == "posix":
        with suppress(OSError):
            descriptor = os.open(os.path.dirname(path) or os.curdir, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _cannot_write(path: str, error: Exception) -> CannotWrite:
    problem = f"cannot be written ({getattr(error, 'strerror', None) or error})"
    return CannotWrite(path, problem, _CURES.get(getattr(error, "errno", 0), _ANOTHER))
