"""Walking along a trail: whether each line follows the one before it, and what is wrong if not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge_runtime.audit_trail.line import (
    BEGUN,
    EMPTY,
    LONGEST,
    MENDED,
    Line,
    TrailHead,
    is_torn,
    parsed,
)  # fmt: skip
from edge_runtime.bundle.digest import sha256

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

_MOST_TORN = 1 << 20  # bytes that are kept of what is no line


@dataclass(frozen=True, slots=True)
class WalkStep:
    """A line of a file, by its number there, with the problem that it has.

    `line` is missing where the bytes are none; `torn` are those of the last line, where a process
    was killed while it wrote it. `end` is the byte after it.
    """

    number: int
    end: int
    line: Line | None = None
    problem: str = ""
    torn: bytes = b""


def torn_fields(region: bytes) -> dict[str, object]:
    """Return what a line of the kind `mended` says of the torn bytes above it."""
    return {"torn_bytes": len(region), "torn_sha256": sha256(region)}


def walk(stream: BinaryIO, before: TrailHead | None) -> Iterator[WalkStep]:
    """Yield the lines of one file, of which the first follows `before`, where that is known."""
    walking = _Walk(before)
    while raw := stream.readline(LONGEST):
        yield from walking.take(raw)
    yield from walking.finish()


class _Walk:
    def __init__(self, before: TrailHead | None) -> None:
        self._head = before
        self._number = self._place = 0
        self._begun = False
        self._region, self._region_at, self._too_long = bytearray(), 0, False

    def take(self, raw: bytes) -> Iterator[WalkStep]:
        """Yield what there is to say when `raw` has been read."""
        self._number += 1
        line = parsed(raw)
        if line is None:
            self._region_at = self._region_at or self._number
            self._too_long = self._too_long or len(self._region) + len(raw) > _MOST_TORN
            if self._too_long:
                self._region.clear()
            else:
                self._region += raw
            self._place += len(raw)
            return
        mended = bool(self._region_at) and self._is_mended_by(line)
        if self._region_at and not mended:
            yield WalkStep(
                self._region_at, self._place, problem="was changed, or is no line at all"
            )
            self._head = None  # nobody knows what the next line has to follow
            self._begun = True
        self._region, self._region_at, self._too_long = bytearray(), 0, False
        self._place += len(raw)
        problem = self._problem(line, mended=mended)
        self._head, self._begun = line.head, self._begun or line.kind != MENDED
        yield WalkStep(self._number, self._place, line, problem)

    def finish(self) -> Iterator[WalkStep]:
        """Yield what stands after the last line, if that is none."""
        if not self._region_at:
            return
        head = EMPTY if self._head is None and self._number == self._region_at else self._head
        region = bytes(self._region)
        if head is not None and not self._too_long and is_torn(region, head):
            yield WalkStep(self._region_at, self._place, torn=region)
        else:
            yield WalkStep(
                self._region_at, self._place, problem="was changed, or is no line at all"
            )

    def _is_mended_by(self, line: Line) -> bool:
        said: dict[str, Any] = {name: line.content.get(name) for name in torn_fields(b"")}
        first = TrailHead(line.head.counter - 1, line.previous)
        region, head = bytes(self._region), self._head or first
        for body in (region, region[:-1]):  # with the line end that mending had to add, or without
            if said == torn_fields(body):
                return line.kind == MENDED and is_torn(body, head)
        return False

    def _problem(self, line: Line, *, mended: bool) -> str:
        """Return what is wrong with the place of a line, if anything is."""
        before, counter = self._head, line.head.counter
        if before and counter > before.counter + 1:
            missing = counter - before.counter - 1
            return f"does not follow the line before it: {missing} are missing"
        if before and counter <= before.counter:
            return "stands twice, or not in its place"
        if before and line.previous != before.digest:
            return "does not follow the line before it, which is another one"
        if counter == 1 and line.previous != EMPTY.digest:
            return "is the first of all, and follows another one"
        return self._wrong_kind(line.kind, mended=mended)

    def _wrong_kind(self, kind: str, *, mended: bool) -> str:
        if kind == MENDED:
            return "" if mended else "tells of a torn line above it, which is gone"
        if kind == BEGUN:
            return "begins a file, and is not its first" if self._begun else ""
        return "" if self._begun else "is not the first of a file: what stood before it is gone"
