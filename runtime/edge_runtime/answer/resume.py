"""Answers in a CSV that a later run takes up again: no film lost, none twice, no line torn.

A row tells which bytes were judged. A film whose file has changed since is judged again, and so is
one that could not be read (`error`: the disk, the rights, a decoder that was missing). Its old row
stands until the new one takes its place, so that whatever ends the run leaves one row for it.

A relative path names other films in other folders, and a row tells from which one it started. From
another one the same path is the same film only if its bytes are; else it is called by its full
path, and the row that the other one has stays.
"""

from __future__ import annotations

import io
import os
from collections import deque
from itertools import chain
from threading import Lock
from time import monotonic

from edge_runtime.answer.classify import FIELDS, STATUSES
from edge_runtime.answer.names import IN_DOUBT, MET, NameTable, is_untouched, number
from edge_runtime.answer.rowcheck import ANOTHER, HEADER, is_blank, is_row, is_torn, require_header
from edge_runtime.answer.rowfile import ERRORS, SYNC, RowFile
from edge_runtime.answer.rows import row_writer
from edge_runtime.bundle.digest import sha256_of
from edge_runtime.errors import CannotWrite, FilmError, UsageError
from edge_runtime.film.decode import open_film
from edge_runtime.film.source import is_settled, place, stamp
from edge_runtime.text import guarded_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType
    from typing import Self

    from edge_runtime.answer.classify import Answer
    from edge_runtime.bundle import Bundle

HELD = 10_000
"""How many films are held in memory, of those that may have changed and of new rows for them."""

_SHARE = 20
"""Replacing rows means writing the file anew, which is given one part in so many of the time."""

_FILE, _STATUS, _IDENTITY, _PLACE, _BYTES, _SHA256, _STAMP = (
    FIELDS.index(name)
    for name in ("file", "status", "bundle_sha256", "place", "bytes", "sha256", "stamp")
)


class Results:
    """A CSV of answers, opened for more of them; `again` are films that could not be read.

    `skipped` counts the films that were done before this run, each once, `refused` the refusals
    among all rows.
    """

    def __init__(self, path: str, bundle: Bundle, engine: str) -> None:
        """Open the CSV at `path`, or create it.

        Raises:
            UsageError: it is no CSV of this command and bundle, or another process writes it.
            CannotWrite: it is no regular file, or the disk does not let us.
        """
        self.path = path
        self.skipped = 0
        self.refused = 0
        self.again: deque[str] = deque(maxlen=HELD)
        self._again = 0  # new rows in the places of old ones
        self._here = place("film") or ""
        self._names = NameTable()
        self._counts = dict.fromkeys(STATUSES, 0)
        self._stale: set[str] = set()  # films with a row that is to be replaced
        self._new: dict[str, tuple[bytes, bool]] = {}  # name -> new row, is it a refusal
        self._stamps: dict[str, str] = {}  # of films that are still what they were
        self._more: dict[str, int] = {}  # of films with several rows, how many but the last
        self._line = line_of(bundle, engine)
        self._reading = Lock()  # no file is replaced while another thread reads it
        self._file = RowFile(path)
        try:
            began = monotonic()
            end, missing = self._take_up(bundle.identity)
            self._file.cut(end)
            if missing:
                self._file.append(missing)
                self._file.sync()
        except BaseException:
            self._file.close()
            raise
        self._rewritten, self._takes = monotonic(), monotonic() - began

    def not_done(self, films: Iterable[str]) -> Iterator[str]:
        """Yield those of `films` that have no row or have to be judged again, each once.

        Those in `again` are among them, whether `films` names them or not.
        """
        yield from self._undone(chain(self.again, films))

    def _undone(self, films: Iterable[str]) -> Iterator[str]:
        doubtful: list[str] = []
        for film in films:
            if self._file.owns(film):
                continue
            known = self._names.put(guarded_path(film), MET)
            if known is None:
                yield film
            elif known == MET:
                continue
            elif known != IN_DOUBT and is_untouched(film, known):
                self.skipped += 1
            else:
                doubtful.append(film)
            if len(doubtful) >= HELD:
                yield from self._changed(doubtful)
                doubtful.clear()
        yield from self._changed(doubtful)

    def write(self, answer: Answer) -> None:
        """Append a row, or hold it back to replace the row that the film has."""
        self._counts[answer.status] += 1
        name, line, refused = (
            guarded_path(answer.file), self._line(answer), answer.status == "refused",
        )  # fmt: skip
        if name not in self._stale:
            self.refused += refused
            self._file.append(line)
            return
        self._again += name not in self._new
        self._new[name] = line, refused
        pause = max(SYNC, _SHARE * self._takes)
        if len(self._new) >= HELD or monotonic() - self._rewritten > pause:
            self._rewrite()

    def close(self) -> None:
        """Write the rows that were held back, and wait until all rows are on the disk.

        Raises:
            CannotWrite: the disk does not take it; the rows that stood there still do.
        """
        try:
            if self._new or self._stamps or self._more:
                self._rewrite()
            self._file.sync()
        finally:
            self._file.close()

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
        again = f", {self._again} judged again" if self._again else ""
        return (
            f"{self.path}: {answered} films answered, {refused} refused, {unread} not read, "
            f"{self.skipped} done before{again}"
        )

    def _take_up(self, identity: str) -> tuple[int, bytes]:
        """Learn which films have rows; return where the last one ends, and what is missing there.

        Raises:
            UsageError: there is what is neither a row nor what is left of the last one.
        """
        rows = self._file.rows()
        header, raw = next(rows, ([], b""))
        if len(raw) < len(HEADER) and HEADER.startswith(raw):
            return 0, HEADER  # nothing yet, or torn
        require_header(self.path, header, raw)
        sound = at = len(raw)
        missing, torn = b"" if raw.endswith(b"\n") else b"\n", False
        for row, raw in rows:
            at += len(raw)
            if is_blank(row, raw):
                continue
            if torn or not is_row(row, raw):
                torn = is_torn(raw)
                if not torn:
                    problem = f"has no row at byte {sound}"
                    raise UsageError(self.path, problem, "mend it, or begin anew")
                continue
            if row[_IDENTITY] != identity:
                problem = f"has answers of another bundle, {row[_IDENTITY]}"
                raise UsageError(self.path, problem, f"name that bundle, or {ANOTHER}")
            self._remember(row)
            sound, missing = at, b"" if raw.endswith(b"\n") else b"\n"
        return sound, missing

    def _remember(self, row: list[str]) -> None:
        name = row[_FILE]
        self.refused += row[_STATUS] == "refused"
        unread = row[_STATUS] == "error"
        if unread and row[_PLACE] in ("", self._here):  # another one is not found from here
            self.again.append(name)
        known = IN_DOUBT if unread else number(row[_STAMP], row[_PLACE])
        if self._names.put(name, known) is not None:
            self._more[name] = self._more.get(name, 0) + 1

    def _changed(self, doubtful: list[str]) -> Iterator[str]:
        """Yield those of `doubtful` that are not what was judged, or that were not read."""
        named = {guarded_path(film): film for film in doubtful}
        rows: dict[str, list[str]] = {}
        if named:
            with self._reading:
                ours = (row for row, raw in self._file.rows() if is_row(row, raw))
                rows = {row[_FILE]: row for row in ours if row[_FILE] in named}
        others: list[str] = []
        for name, film in named.items():
            row = rows.get(name)
            is_elsewhere = row is not None and row[_PLACE] not in ("", place(film))
            same = row is not None and self._is_as_judged(film, row, unread=not is_elsewhere)
            if row and same and row[_STATUS] != "error":
                self.skipped += 1
            elif is_elsewhere and not same:
                others.append(os.path.abspath(film))  # noqa: PTH100, which drops no link's name
            else:
                if row:
                    self._stale.add(name)
                yield film
        if others:
            yield from self._undone(others)

    def _is_as_judged(self, film: str, row: list[str], *, unread: bool) -> bool:
        """Tell whether `film` has the bytes that `row` is about; `unread` if it cannot be read."""
        try:
            with open_film(film) as stream:
                now = os.fstat(stream.fileno())
                fresh = stamp(now) if is_settled(now) else None
                if str(now.st_size) != row[_BYTES] or not row[_SHA256]:
                    return False
                if sha256_of(stream) != row[_SHA256]:
                    return False
        except (OSError, ValueError, FilmError):  # such as a disk that is not there today
            return unread
        if fresh and row[_PLACE] == (place(film) or "") and row[_STATUS] != "error":
            self._stamps[row[_FILE]] = fresh
        return True

    def _rewrite(self) -> None:
        """Write the file anew, with the new rows in the places of the old ones."""
        began = monotonic()
        with self._reading:
            stamps = dict(self._stamps)  # another thread goes on adding to them
            self._file.rewrite(self._rows_now(stamps))
        self._stale -= self._new.keys()
        self._new.clear()
        self._more.clear()
        for name in stamps:
            del self._stamps[name]
        self._rewritten = monotonic()
        self._takes = self._rewritten - began

    def _rows_now(self, stamps: dict[str, str]) -> Iterator[bytes]:
        """Yield the bytes of the header and of each row as it is to be, one for each film."""
        more, refused = dict(self._more), 0
        rows = self._file.rows()
        yield next(rows)[1]
        for row, raw in rows:
            if not is_row(row, raw):  # a blank line
                continue
            name = row[_FILE]
            if more.get(name):  # a later one counts
                more[name] -= 1
                continue
            line, is_refusal = self._new.get(name) or (raw, row[_STATUS] == "refused")
            if line is raw and name in stamps:
                line = raw.rpartition(b",")[0] + f',"{stamps[name]}"\n'.encode()
            refused += is_refusal
            yield line
        self.refused = refused


def line_of(
    bundle: Bundle, engine: str, form: str = "csv", start: str | None = None
) -> Callable[[Answer], bytes]:
    """Return what makes the bytes of a row of an answer, of which paths begin in `start`."""
    buffer = io.StringIO(newline="")
    write = row_writer(form, buffer, bundle, engine, header=False, start=start)

    def line(answer: Answer) -> bytes:
        buffer.seek(0)
        buffer.truncate()
        write(answer)
        return buffer.getvalue().encode("utf-8", ERRORS)

    return line
