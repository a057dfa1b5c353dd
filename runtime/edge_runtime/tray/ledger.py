"""The results of a tray: one CSV, and which films it has, by name and by content."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from edge_runtime.answer.classify import FIELDS
from edge_runtime.answer.names import NameTable
from edge_runtime.answer.rowcheck import HEADER, is_blank, is_row, is_torn, require_header
from edge_runtime.answer.rowfile import RowFile, rows_of
from edge_runtime.errors import UsageError
from edge_runtime.text import guarded_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_FILE, _SHA256, _BYTES = (FIELDS.index(name) for name in ("file", "sha256", "bytes"))


class Ledger:
    """`results.csv` of a tray. It keeps 100 bytes for each film in memory."""

    def __init__(self, path: Path) -> None:
        """Open it, or begin it; what is left of a torn last row is removed.

        Raises:
            UsageError: it is no CSV of ours, or another process writes it.
            CannotWrite: the disk does not let us.
        """
        self._path = path
        self._open()

    @property
    def end(self) -> int:
        """Return the size of the file, where the next row begins."""
        return self._end

    def first_place(self, digest: str | None) -> str | None:
        """Return the path that a film of these bytes got before, if one has come."""
        offset = self._contents.put(digest, 0) if digest else None
        if digest is None or not offset:
            return None
        self._contents.put(digest, offset)
        with suppress(OSError), self._path.open("rb") as stream:
            stream.seek(offset)
            row, raw = next(rows_of(stream), ([], b""))
            if is_row(row, raw) and row[_SHA256] == digest:
                return row[_FILE]
        return None  # somebody changed the file meanwhile, which `add` sees

    def has(self, place: str, digest: str | None, size: int) -> bool:
        """Tell whether a film of this path and these bytes has a row."""
        key = _key(guarded_path(place), digest, size)
        offset = self._named.put(key, 0)
        self._named.put(key, offset or 0)
        return bool(offset)

    def add(self, rows: Sequence[bytes], offset: int) -> None:
        """Append those of `rows` that do not stand at or after `offset`, and wait for the disk.

        What stands in the file is learned anew where somebody put another one in its place, removed
        it, or wrote into it: rows for a file that nobody finds any more would be lost.

        Raises:
            UsageError: what is there now is no CSV of ours, or another process writes it.
            CannotWrite: the disk does not take them.
        """
        if not self._file.is_in_place(self._end):
            self._file.close()
            self._open()
        missing = [row for row in rows if row not in self._rows_from(offset)]
        if missing:
            self._file.append(b"".join(missing))
        self._file.sync()
        self._learn(self._end)

    def close(self) -> None:
        """Let another process write it."""
        self._file.close()

    def _rows_from(self, offset: int) -> set[bytes]:
        if offset >= self._end:
            return set()
        with self._path.open("rb") as stream:
            stream.seek(offset)
            return {raw for _, raw in rows_of(stream)}

    def _open(self) -> None:
        self._file = RowFile(str(self._path))
        self._contents, self._named = NameTable(), NameTable()
        try:
            self._take_up()
        except BaseException:
            self._file.close()
            raise

    def _take_up(self) -> None:
        rows = self._file.rows()
        header, raw = next(rows, ([], b""))
        if len(raw) < len(HEADER) and HEADER.startswith(raw):
            self._file.cut(0)
            self._file.append(HEADER)
            self._file.sync()
            self._end = len(HEADER)
            return
        require_header(str(self._path), header, raw)
        at = self._end = len(raw)
        for row, raw in rows:
            if not is_row(row, raw) and not is_blank(row, raw) and not is_torn(raw):
                raise UsageError(self._path, f"has no row at byte {at}", "mend it, or move it away")
            if is_row(row, raw):
                self._remember(row, at)
                self._end = at + len(raw)
            at += len(raw)
        self._file.cut(self._end)
        with self._path.open("rb") as stream:
            stream.seek(self._end - 1)
            if stream.read(1) != b"\n":
                self._file.append(b"\n")
                self._end += 1

    def _learn(self, start: int) -> None:
        """Remember the rows from byte `start` on."""
        with self._path.open("rb") as stream:
            stream.seek(start)
            for row, raw in rows_of(stream):
                self._remember(row, self._end)
                self._end += len(raw)

    def _remember(self, row: list[str], offset: int) -> None:
        place, digest = row[_FILE], row[_SHA256]
        if digest and (first := self._contents.put(digest, offset)):
            self._contents.put(digest, first)
        size = int(row[_BYTES]) if row[_BYTES].isdecimal() else 0
        self._named.put(_key(place, digest or None, size), offset)


def _key(place: str, digest: str | None, size: int) -> str:
    """Return what tells one film with one content from all others."""
    return f"{place}\0{digest or size}"
