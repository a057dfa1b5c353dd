"""Whether the files of a trail are what was written: nothing removed, changed, moved or added."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edge_runtime.audit_trail.chain import walk
from edge_runtime.audit_trail.line import (
    ANSWERED,
    BEGUN,
    DELIVERED,
    LONGEST,
    MENDED,
    Line,
    TrailHead,
    parsed,
)  # fmt: skip
from edge_runtime.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

_MOST_PROBLEMS = 20
_CURE = "name the files of one audit trail"


@dataclass(slots=True)
class Verified:
    """What was found: problems, and things to know that are none, each naming file and line."""

    head: TrailHead | None = None
    first: TrailHead | None = None
    answers: int = 0
    deliveries: int = 0
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def verify(
    files: Iterable[Path],
    expected: TrailHead | None = None,
    each: Callable[[Line], None] = lambda _: None,
) -> Verified:
    """Look at every line of `files`, which are given in the order in which they were written.

    `expected` is a head that was kept elsewhere; `each` is called with every line that is whole.

    Raises:
        DataError: a file cannot be read, or is no audit trail.
    """
    found, met = Verified(), expected is None
    for path in files:
        before = found.head
        try:
            with path.open("rb") as stream:
                for step in walk(stream, before):
                    _note(found, path, step)
                    if step.line:
                        met = met or step.line.head == expected
                        each(step.line)
        except OSError as error:
            raise DataError(path, error.strerror or str(error), _CURE) from error
        if found.head is None and _is_converted(path):
            problem = "was converted: its lines end as on Windows"
            raise DataError(path, problem, "copy it again, as bytes")
        if found.head is None and expected is None:
            raise DataError(path, "is no audit trail", _CURE)
    if expected and not met and len(found.problems) < _MOST_PROBLEMS:
        found.problems.append(_missing(found, expected))
    return found


def _is_converted(path: Path) -> bool:
    """Tell whether the first line would be whole, had nothing put a CR at its end."""
    with path.open("rb") as stream:
        first = stream.readline(LONGEST)
    return first.endswith(b"\r\n") and parsed(first[:-2] + b"\n") is not None


def _note(found: Verified, path: Path, step: WalkStep) -> None:
    """Take one step into account."""
    line = step.line
    if step.problem and len(found.problems) < _MOST_PROBLEMS:
        found.problems.append(f"{path}: line {step.number} {step.problem}")
    if step.torn:
        found.notes.append(f"{path}: line {step.number} was not written to its end, and is none")
    if line is None:
        return
    if found.first is None:
        found.first = line.head
        if line.kind == BEGUN and line.head.counter > 1:
            missing = f"lines 1 to {line.head.counter - 1} are in no file that is named"
            found.problems.append(f"{path}: {missing}")
    if line.kind == MENDED:
        found.notes.append(f"{path}: line {step.number} tells of a torn line above it")
    found.answers += line.kind == ANSWERED
    found.deliveries += line.kind == DELIVERED
    found.head = line.head


def _missing(found: Verified, expected: TrailHead) -> str:
    last = found.head.counter if found.head else 0
    if last < expected.counter:
        return f"lines {last + 1} to {expected.counter} are gone, by the expected head"
    return f"line {expected.counter} of the trail is not that of the expected head"


if TYPE_CHECKING:
    from edge_runtime.audit_trail.chain import WalkStep
