"""What is about to be done with a batch of films, on the disk before any of it is done.

A batch ends with a line that says so. Where that is missing, nothing of the batch was done yet: the
steps begin once the disk has all of it. Where it is there, all steps are carried out again, each of
which finds out whether it was.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_runtime.errors import UsageError
from edge_runtime.lock import lock
from edge_runtime.output import as_cannot_write
from edge_runtime.tray.folder import FOLDERS

_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
_CURE = "a tray has one watcher: end the other one first"


@dataclass(frozen=True, slots=True)
class Intent:
    """What is to be done with one film: its row, its document, and where it goes.

    `size` and `modified` tell whether the file is still the one that was judged; `place` is the
    path that it gets within the tray, or keeps; `document` is empty where a film has the name that
    it would get; `entry` is its line in the audit trail.
    """

    name: str
    size: int
    modified: int
    place: str
    row: str
    document: str
    entry: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """Several films; `offset` and `counter` are where results and audit trail ended before."""

    films: tuple[Intent, ...]
    offset: int
    counter: int | None


def _stays_within(film: Intent) -> bool:
    """Tell whether a film is in the tray itself, and goes into one of its folders or stays."""
    names = [film.name]
    if film.place != film.name:
        folder, _, place = film.place.partition("/")
        if folder not in FOLDERS.values():
            return False
        names.append(place)
    return all(name not in ("", "..") and Path(name).name == name for name in names)


class Journal:
    """The journal of one tray, which is locked as long as it is open."""

    def __init__(self, path: Path, tray: Path) -> None:
        """Open it.

        Raises:
            UsageError: another process watches this tray.
            CannotWrite: the disk does not let us.
        """
        self._path = path
        with as_cannot_write(path):
            self._file = os.fdopen(os.open(path, _FLAGS, 0o644), "r+b")
        try:
            lock(self._file.fileno(), tray, _CURE)
        except BaseException:
            self._file.close()
            raise

    def write(self, batch: Batch) -> None:
        """Put a batch on the disk, in the place of the one before, which is done.

        Raises:
            CannotWrite: the disk does not take it, and nothing may be done.
        """
        names = Intent.__slots__
        films = [{name: getattr(film, name) for name in names} for film in batch.films]
        lines = [json.dumps(film) for film in films]
        end = {"end": len(lines), "offset": batch.offset, "counter": batch.counter}
        data = "\n".join([*lines, json.dumps(end), ""]).encode("ascii")
        with as_cannot_write(self._path, len(data)):
            self._file.seek(0)
            self._file.truncate()
            self._file.write(data)
            self._file.flush()
            os.fsync(self._file.fileno())

    def pending(self) -> Batch | None:
        """Return the batch that was begun and may not be done, if there is one.

        Raises:
            UsageError: it leads out of the tray, and is none of ours: whoever may put films into
                a tray may write this file as well.
        """
        with as_cannot_write(self._path):
            self._file.seek(0)
            lines = self._file.read().splitlines()
        try:
            *films, end = map(json.loads, lines)
            if len(films) != end["end"]:
                return None
            intents = tuple(Intent(**film) for film in films)
            batch = Batch(intents, end["offset"], end["counter"])
            stays = all(map(_stays_within, intents))
        except (ValueError, TypeError, KeyError):  # torn, or nothing at all
            return None
        if not stays:
            problem = "leads out of the tray"
            raise UsageError(self._path, problem, "ask who wrote it, and remove it")
        return batch

    def clear(self) -> None:
        """Forget the batch, which is done."""
        with as_cannot_write(self._path):
            self._file.seek(0)
            self._file.truncate()

    def close(self) -> None:
        """Let another process watch the tray."""
        with as_cannot_write(self._path):
            self._file.close()
