"""Writing an audit trail: each entry is on the disk before anybody is given the answer.

Files only grow. What a killed process or a full disk leaves of a last line stays where it is, and
the next opening says so in a line of its own, which holds the digest of what was left.
"""

from __future__ import annotations

import os
from threading import Lock
from time import time
from typing import TYPE_CHECKING

from edge_runtime.audit_trail.chain import torn_fields, walk
from edge_runtime.audit_trail.line import (
    ANSWERED,
    BEGUN,
    EMPTY,
    FORMAT,
    MENDED,
    MODEL,
    AuditEntry,
    DeliveryEntry,
    Line,
    TrailHead,
    parsed,
    written,
)  # fmt: skip
from edge_runtime.audit_trail.segments import Segments
from edge_runtime.errors import CannotWrite, IntegrityError
from edge_runtime.lock import lock
from edge_runtime.output import as_cannot_write, destination, sync_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType
    from typing import BinaryIO, Self

LARGEST = 16 << 20
"""Bytes after which a trail goes on in another file, unless told otherwise."""

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND
_FLAGS |= getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
_CURE = "wait for it, or give the name of another trail"
_KEEP = "keep it as it is, ask who changed it, and begin another trail"


class AuditTrail:
    """A trail that is open for more entries, from any number of threads.

    >>> with AuditTrail("trail.jsonl") as trail:
    ...     trail.record(AuditEntry.of(answer, bundle.identity, "litert", film=digest, user="kim"))
    """

    def __init__(
        self, path: str, *, largest: int = LARGEST, now: Callable[[], float] = time
    ) -> None:
        """Open the trail at `path`, or begin it; a file of `largest` bytes is followed by another.

        Raises:
            UsageError: another process writes it.
            IntegrityError: its last file was changed.
            CannotWrite: it is no regular file, or the disk does not let us.
        """
        self.path, self._largest, self._now = path, largest, now
        self._writing = Lock()
        with as_cannot_write(path):
            first = destination(path, "a trail")
            self._segments = Segments(first)
            self._open_last()
        try:
            self._take_up()
        except BaseException:
            self._out.close()
            raise

    @property
    def head(self) -> TrailHead:
        """The last line: whoever keeps it elsewhere can tell that none was cut off."""
        return self._head

    def record(self, *entries: AuditEntry | DeliveryEntry) -> TrailHead:
        """Write a line for each entry, wait until the disk has them, and return the new head.

        Raises:
            CannotWrite: the disk does not take them, and no answer may be given. What it took may
                be there: `entries_after` tells.
        """
        return self._record(*((entry.kind, entry.to_json()) for entry in entries))

    def record_model(self, before: str, after: str) -> TrailHead:
        """Write that another model answers from now on; both are named by their identities.

        Raises:
            CannotWrite: the disk does not take it.
        """
        return self._record((MODEL, {"before": before, "after": after}))

    def _record(self, *lines: tuple[str, dict[str, object]]) -> TrailHead:
        with self._writing:
            if not self._sound:
                self._take_up()
            if self._size >= self._largest:
                self._hand_over()
            self._append(*lines)
            return self._head

    def entries_after(self, counter: int, kind: str = ANSWERED) -> list[Line]:
        """Return the decisions that stand after line `counter`, or lines of another `kind`."""
        with self._writing:
            files: list[list[Line]] = []
            for number in range(self._number, 0, -1):
                lines = [step.line for step in self._steps(number, None) if step.line]
                files.insert(0, lines)
                if lines and lines[0].head.counter <= counter + 1:
                    break
            return [
                line
                for lines in files
                for line in lines
                if line.kind == kind and line.head.counter > counter
            ]

    def close(self) -> None:
        """Close the file, so that others may write it."""
        with self._writing:
            self._out.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _open_last(self) -> None:
        """Open and lock the last file, once more where another process went on meanwhile."""
        while True:
            self._number = self._segments.last()
            self._out = self._opened(self._number)
            if self._segments.last() == self._number:
                return
            self._out.close()

    def _opened(self, number: int) -> BinaryIO:
        place = destination(self._segments.path(number), "a trail")
        out = os.fdopen(os.open(place, _FLAGS, 0o640), "ab")
        try:
            lock(out.fileno(), self.path, _CURE)
        except BaseException:
            out.close()
            raise
        sync_folder(place.parent)
        return out

    def _steps(self, number: int, before: TrailHead | None) -> Iterator[WalkStep]:
        path = self._segments.path(number)
        with as_cannot_write(path):
            if not path.exists():
                return
            with path.open("rb") as stream:
                for step in walk(stream, before):
                    if step.problem:
                        problem = f"line {step.number} {step.problem}"
                        raise IntegrityError(path, problem, _KEEP)
                    yield step

    def _take_up(self) -> None:
        """Learn where the last file ends; mend its last line, and begin the file if need be."""
        self._head = self._head_before()
        self._finish_last_line()
        begun, torn = False, b""
        for step in self._steps(self._number, self._head if self._is_new() else None):
            torn = step.torn
            if step.line:
                self._head = step.line.head
                begun = begun or step.line.kind == BEGUN
        self._size = self._out_size()
        lines: list[tuple[str, dict[str, object]]] = []
        if torn:
            lines.append((MENDED, torn_fields(torn)))
        if not begun:
            lines.append((BEGUN, {"format": FORMAT}))
        if lines:
            self._append(*lines, after=b"\n" if torn and not torn.endswith(b"\n") else b"")
        self._sound = True

    def _head_before(self) -> TrailHead:
        """Return the head that the file before the last one has, if there is one."""
        head = EMPTY
        if self._number > 1:
            for step in self._steps(self._number - 1, None):
                head = step.line.head if step.line else head
        return head

    def _is_new(self) -> bool:
        """Tell whether the last file follows one that is there, or is the first."""
        return self._number == 1 or self._segments.path(self._number - 1).exists()

    def _finish_last_line(self) -> None:
        """Add the line end to a last line that lacks nothing else."""
        with as_cannot_write(self.path):
            content = self._segments.path(self._number).read_bytes()
            last = content.rpartition(b"\n")[2]
            if last and parsed(last + b"\n"):
                self._write(b"\n")

    def _hand_over(self) -> None:
        """Go on in another file, whose first line follows the last one of this."""
        with as_cannot_write(self.path):
            following = self._opened(self._number + 1)
            self._out.close()
            self._out, self._number = following, self._number + 1
            self._size = self._out_size()
        self._append((BEGUN, {"format": FORMAT}))

    def _append(self, *lines: tuple[str, dict[str, object]], after: bytes = b"") -> None:
        data, head = after, self._head
        for kind, content in lines:
            raw = written(head, self._now(), kind, content)
            line = parsed(raw)
            if line is None:
                raise ValueError("an entry that no line can hold")
            data, head = data + raw, line.head
        self._sound = False
        with as_cannot_write(self.path, len(data)):
            self._require_untouched()
            self._write(data)
        self._head, self._size, self._sound = head, self._size + len(data), True

    def _require_untouched(self) -> None:
        """Refuse to write on what is no longer the trail: nobody would find the lines again.

        Raises:
            CannotWrite: something else wrote into the file, removed it, or took its place.
        """
        status, problem = os.fstat(self._out.fileno()), ""
        if status.st_size != self._size:
            problem = "was written by something else meanwhile"
        try:
            is_there = os.path.samestat(self._segments.path(self._number).stat(), status)
        except FileNotFoundError:
            is_there = False
        if not is_there:
            problem = "was removed or replaced by something else meanwhile"
        if problem:
            raise CannotWrite(self.path, problem, "let one program write it")

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._out.fileno(), data) :]
        os.fsync(self._out.fileno())

    def _out_size(self) -> int:
        return os.fstat(self._out.fileno()).st_size


if TYPE_CHECKING:
    from edge_runtime.audit_trail.chain import WalkStep
