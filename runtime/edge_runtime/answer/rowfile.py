"""A CSV that rows are appended to, one process at a time, and that is replaced whole or not at all.

A row reaches the disk itself every few seconds, so that a killed process costs nothing and a power
failure the last seconds. What either leaves of a last row is no row, and `cut` removes it.
"""

from __future__ import annotations

import csv
import os
import sys
from contextlib import suppress
from itertools import chain, islice, repeat
from pathlib import Path
from time import monotonic

from edge_runtime.answer.classify import FIELDS
from edge_runtime.answer.rowcheck import ANOTHER, is_row
from edge_runtime.lock import lock
from edge_runtime.output import as_cannot_write, destination, keep_rights, sync_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

SYNC = 5.0
"""After how many seconds at most a row is on the disk, if rows go on coming."""

ERRORS = sys.getfilesystemencodeerrors()
"""How bytes that are no text come through: names of films have any."""

_CURE = f"wait for it, or {ANOTHER}"
_LONGEST = 1 << 20  # bytes of one line; no name and no problem come near
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND
# Windows translates no line ends; a pipe of that name does not keep us waiting.
_FLAGS |= getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)


def engine_of(path: str) -> str:
    """Return the engine that the first row of the CSV at `path` names; empty where there is none.

    What is wrong with the file is for whoever opens it for more rows to say.
    """
    with suppress(OSError, ValueError):
        place = Path(path)
        if place.is_file():  # and no pipe, which would keep us waiting
            with place.open("rb") as stream:
                (header, _), (row, raw) = islice(chain(rows_of(stream), repeat(([], b""))), 2)
                if header == list(FIELDS) and is_row(row, raw):
                    return row[FIELDS.index("engine")]
    return ""


class RowFile:
    """The file at `path`, or where its links lead, created where there is none."""

    def __init__(self, path: str) -> None:
        """Open it, and lock it against other processes where the file system can do that.

        Raises:
            UsageError: another process writes it.
            CannotWrite: it is no regular file, or the disk does not let us.
        """
        self.path = path
        with as_cannot_write(path):
            self._place = destination(path)
            self._draft = self._place.with_name(f".{self._place.name}.part")
            self._out = self._opened()
            with suppress(FileNotFoundError):
                self._draft.unlink()  # of a process that was killed
        sync_folder(self._place.parent)
        self._synced = monotonic()

    def owns(self, film: str) -> bool:
        """Tell whether `film` is this file, or the draft that replaces it."""
        folder, name = os.path.split(film)
        for own in (Path(self.path), self._place, self._draft):
            if own.name == name:
                with suppress(OSError, ValueError):
                    return os.path.samefile(folder or os.curdir, own.parent)  # noqa: PTH121
        return False

    def is_in_place(self, size: int) -> bool:
        """Tell whether the open file still has its name, and `size` bytes."""
        status = os.fstat(self._out.fileno())
        with suppress(OSError):
            return status.st_size == size and os.path.samestat(self._place.stat(), status)
        return False

    def rows(self) -> Iterator[tuple[list[str], bytes]]:
        """Yield the cells and the bytes of each row, the header first; what is no CSV has no cells.

        Raises:
            CannotWrite: the file cannot be read.
        """
        with as_cannot_write(self.path), self._place.open("rb") as stream:
            yield from rows_of(stream)

    def cut(self, end: int) -> None:
        """Remove what stands from byte `end` on."""
        with as_cannot_write(self.path):
            os.ftruncate(self._out.fileno(), end)

    def append(self, row: bytes) -> None:
        """Append a row in one write, so that other readers see all of it or nothing.

        Raises:
            CannotWrite: the disk does not take it.
        """
        with as_cannot_write(self.path):
            self._out.write(row)
            self._out.flush()
            if monotonic() - self._synced > SYNC:
                self.sync()

    def sync(self) -> None:
        """Wait until the disk has all rows."""
        with as_cannot_write(self.path):
            os.fsync(self._out.fileno())
            self._synced = monotonic()

    def rewrite(self, rows: Iterable[bytes]) -> None:
        """Replace all rows by `rows`; the old file stays until all of them are on the disk.

        Raises:
            CannotWrite: the disk does not take them, and the old ones stay.
        """
        with as_cannot_write(self.path):
            draft = os.fdopen(os.open(self._draft, _FLAGS | os.O_EXCL, 0o666), "ab")
            try:
                draft.writelines(rows)
                draft.flush()
                os.fsync(draft.fileno())
                keep_rights(self._place, self._draft)
                if os.name == "nt":  # which replaces no open file
                    draft.close()
                    self._out.close()
                else:
                    lock(draft.fileno(), self.path, _CURE)  # before anybody else finds it
                self._draft.replace(self._place)
            except BaseException:
                draft.close()
                with suppress(OSError):
                    self._draft.unlink()
                raise
            self._out.close()
            self._out = self._opened() if draft.closed else draft
            sync_folder(self._place.parent)
            self._synced = monotonic()

    def close(self) -> None:
        """Close the file, so that other processes can write it."""
        with as_cannot_write(self.path):
            self._out.close()

    def _opened(self) -> BinaryIO:
        """Open and lock the file, once more where another process replaced it meanwhile."""
        while True:
            out = os.fdopen(os.open(self._place, _FLAGS, 0o666), "ab")
            try:
                lock(out.fileno(), self.path, _CURE)
                # Another process may have replaced it before it let go of it.
                with suppress(FileNotFoundError):
                    if os.path.samestat(self._place.stat(), os.fstat(out.fileno())):
                        return out
            except BaseException:
                out.close()
                raise
            out.close()


def rows_of(stream: BinaryIO) -> Iterator[tuple[list[str], bytes]]:
    """Yield the cells and the bytes of each row in `stream`, from where it stands."""
    taken: list[bytes] = []

    def lines() -> Iterator[str]:
        while line := stream.readline(_LONGEST):
            text = line.decode("utf-8", ERRORS)
            # Spreadsheets begin a CSV in UTF-8 with this mark.
            if stream.tell() == len(line):
                text = text.removeprefix("\ufeff")
            taken.append(line)
            yield text

    reader = csv.reader(lines(), strict=True)
    while True:
        try:
            row = next(reader, None)
        except csv.Error:  # such as the end of the file within quotes
            row = []
        if row is None:
            return
        raw = b"".join(taken)
        taken.clear()
        yield row, raw
