"""Trays with films that a judge of their own answers, by a clock that goes on when it is asked."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

from edge_runtime.answer.classify import Answer
from edge_runtime.audit_trail import AuditTrail
from edge_runtime.audit_trail.line import ANSWERED
from edge_runtime.audit_trail.segments import in_order
from edge_runtime.audit_trail.verify import verify
from edge_runtime.bundle import Bundle
from edge_runtime.errors import FilmError, Refusal
from edge_runtime.film.decode import open_film
from edge_runtime.film.source import SourceFile
from edge_runtime.tray.folder import FOLDERS, TrayFolder
from edge_runtime.tray.session import TrayPlan
from edge_runtime.tray.watch import TrayWatch

MAGIC = b"\x89PNG\r\n\x1a\n"
QUIET = 0.04


def film(number: int, kind: bytes = b"whole") -> bytes:
    """Return the bytes of what `judged` takes for a film: `whole`, `blank`, `torn` or `lost`."""
    return MAGIC + kind + b" %d" % number


def judged(path: str) -> Answer:
    """Answer by what stands in a file."""
    source = SourceFile(digested=True)
    try:
        with open_film(path) as stream, source.watch(stream) as watched:
            content = watched.read()
    except (OSError, FilmError):
        return Answer(path, 1.0, error=FilmError(path, "cannot be read", "cure"))
    if b"whole" in content:
        return Answer(path, 1.0, logit=1.0, probability=0.7, decided="covid", source=source)
    reason = "blank" if b"blank" in content else "unreadable"
    error: FilmError = Refusal(reason, path, "problem", "cure")
    if b"lost" in content:
        error = FilmError(path, "the disk does not say", "cure")
    return Answer(path, 1.0, error=error, source=source)


class Clock:
    """A clock that goes on by a part of the quiet time each time it is asked."""

    def __init__(self, step: float = QUIET / 8) -> None:
        self.now, self._step = 1000.0, step

    def __call__(self) -> float:
        self.now += self._step
        return self.now


def plan(
    bundle: Bundle,
    judge: Callable[[str], Answer] = judged,
    *,
    leave: bool = False,
    trail: AuditTrail | None = None,
) -> TrayPlan:
    return TrayPlan(
        judge=judge, bundle=bundle, engine="litert", quiet=QUIET, leave=leave, once=True,
        trail=trail, clock=Clock(),
    )  # fmt: skip


def watch_once(
    tray: Path,
    bundle: Bundle,
    judge: Callable[[str], Answer] = judged,
    *,
    leave: bool = False,
    audit: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> TrayWatch:
    """Watch a tray until no film is left."""
    trail = AuditTrail(str(audit)) if audit else None
    try:
        watch = TrayWatch(TrayFolder(tray), plan(bundle, judge, leave=leave, trail=trail), say)
        watch.run()
        return watch
    finally:
        if trail:
            trail.close()


def rows(tray: Path) -> list[dict[str, str]]:
    with (tray / "results.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def problems(tray: Path, contents: list[bytes], audit: Path | None = None) -> list[str]:
    """Return what is wrong with a tray in which each of `contents` was to be answered once."""
    there = [
        path for folder in FOLDERS.values() for path in (tray / folder).iterdir()
        if path.suffix != ".json"
    ]  # fmt: skip
    wrong = []
    if sorted(path.read_bytes() for path in there) != sorted(contents):
        wrong.append(f"films: {sorted(path.name for path in there)}")
    places = sorted(path.relative_to(tray).as_posix() for path in there)
    if sorted(row["file"] for row in rows(tray)) != places:
        wrong.append(f"rows: {[row['file'] for row in rows(tray)]}")
    for row in rows(tray):
        document = json.loads((tray / f"{row['file']}.json").read_text("utf-8"))
        if document["sha256"] != row["sha256"]:
            wrong.append(f"document of {row['file']}")
    wrong += [path.name for path in tray.iterdir() if path.is_file() and path.suffix == ".png"]
    return wrong + (_of_trail(audit, [row["sha256"] for row in rows(tray)]) if audit else [])


def _of_trail(audit: Path, digests: list[str]) -> list[str]:
    films: list[str] = []
    found = verify(
        in_order([str(audit)]),
        each=lambda line: films.append(line.content["film"]) if line.kind == ANSWERED else None,
    )
    return [*found.problems, *([] if sorted(films) == sorted(digests) else [f"trail: {films}"])]
