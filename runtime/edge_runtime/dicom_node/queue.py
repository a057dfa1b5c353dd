"""What is left to do, in SQLite: images that wait for an answer, objects that wait to be delivered.

It has no patient's data: names of files, derived UIDs, digests and states. What is done keeps its
row, so that it is not done again.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from edge_runtime.errors import CannotWrite

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WAITING, DONE = "waiting", "done"
FIRST_DELAY, LONGEST_DELAY = 2.0, 900.0
"""Seconds until the second try, and at most between two tries."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS images (
    key TEXT PRIMARY KEY, state TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0,
    due REAL NOT NULL, counter INTEGER);
CREATE TABLE IF NOT EXISTS objects (
    uid TEXT PRIMARY KEY, state TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0,
    due REAL NOT NULL, counter INTEGER, kind TEXT NOT NULL, image TEXT NOT NULL,
    film TEXT, engine TEXT NOT NULL, bundle TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS images_due ON images (state, due);
CREATE INDEX IF NOT EXISTS objects_due ON objects (state, due);
"""
_IMAGES, _OBJECTS = "images", "objects"


@dataclass(frozen=True, slots=True)
class WaitingImage:
    """An image that was received; `counter` is where the audit trail ended at its first try."""

    key: str
    tries: int
    counter: int | None


@dataclass(frozen=True, slots=True)
class NewObject:
    """An object that was written, with what the audit trail keeps of its delivery."""

    uid: str
    kind: str
    film: str | None
    engine: str
    bundle: str


@dataclass(frozen=True, slots=True)
class WaitingObject:
    """An object that is to be delivered."""

    uid: str
    kind: str
    film: str | None
    engine: str
    bundle: str
    tries: int
    counter: int | None


def delay(tries: int) -> float:
    """Return the seconds to wait after so many tries that failed."""
    return min(FIRST_DELAY * 2.0 ** min(max(tries - 1, 0), 30), LONGEST_DELAY)


class Queue:
    """The queue of one node, for any number of threads."""

    def __init__(self, path: Path) -> None:
        """Open it, or begin it.

        Raises:
            CannotWrite: the disk does not let us, or the file is no queue.
        """
        self._path, self._lock = path, Lock()
        with self._as_cannot_write():
            self._data = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._data.execute("PRAGMA journal_mode=WAL")
            self._data.execute("PRAGMA synchronous=FULL")
            self._data.executescript(_SCHEMA)

    def has_image(self, key: str) -> bool:
        """Tell whether an image was received before, answered or not."""
        return bool(self._rows("SELECT 1 FROM images WHERE key = ?", key))

    def add_image(self, key: str, now: float) -> bool:
        """Remember an image whose file is on the disk; tell whether it is new."""
        insert = "INSERT OR IGNORE INTO images (key, state, due) VALUES (?, ?, ?)"
        with self._writing() as data:
            return data.execute(insert, (key, WAITING, now)).rowcount == 1

    def images(self, now: float, most: int) -> list[WaitingImage]:
        """Return images that wait and are due, the oldest first."""
        select = "SELECT key, tries, counter FROM images WHERE state = ? AND due <= ? "
        rows = self._rows(select + "ORDER BY due LIMIT ?", WAITING, now, most)
        return [WaitingImage(*row) for row in rows]

    def objects(self, now: float, most: int) -> list[WaitingObject]:
        """Return objects that wait and are due, the oldest first."""
        select = "SELECT uid, kind, film, engine, bundle, tries, counter FROM objects "
        order = "WHERE state = ? AND due <= ? ORDER BY due, rowid LIMIT ?"
        return [WaitingObject(*row) for row in self._rows(select + order, WAITING, now, most)]

    def count(self) -> tuple[int, int]:
        """Return how many images and objects wait."""
        return self._count(_IMAGES), self._count(_OBJECTS)

    def waiting_names(self) -> tuple[set[str], set[str]]:
        """Return the keys of images and the UIDs of objects that wait."""
        images = self._rows("SELECT key FROM images WHERE state = ?", WAITING)
        objects = self._rows("SELECT uid FROM objects WHERE state = ?", WAITING)
        return {row[0] for row in images}, {row[0] for row in objects}

    def next_due(self) -> float | None:
        """Return when the next image or object is due, if any waits."""
        select = (
            "SELECT min(due) FROM (SELECT due FROM images WHERE state = ?1 "
            "UNION ALL SELECT due FROM objects WHERE state = ?1)"
        )
        due: float | None = self._rows(select, WAITING)[0][0]
        return due

    def begin_image(self, key: str, counter: int) -> None:
        """Remember where the audit trail ended before it gets the line of an image."""
        with self._writing() as data:
            data.execute("UPDATE images SET counter = ? WHERE key = ?", (counter, key))

    def begin_object(self, uid: str, counter: int) -> None:
        """Remember where the audit trail ended before it gets the line of a delivery."""
        with self._writing() as data:
            data.execute("UPDATE objects SET counter = ? WHERE uid = ?", (counter, uid))

    def answered(self, key: str, objects: list[NewObject], now: float) -> None:
        """Let an image be done with, and its objects wait: both or neither."""
        insert = (
            "INSERT OR IGNORE INTO objects (uid, state, due, kind, image, film, engine, bundle) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        )
        with self._writing() as data:
            for new in objects:
                values = (new.uid, WAITING, now, new.kind, key, new.film, new.engine, new.bundle)
                data.execute(insert, values)
            data.execute("UPDATE images SET state = ? WHERE key = ?", (DONE, key))

    def delivered(self, uid: str) -> None:
        """Let an object be done with."""
        with self._writing() as data:
            data.execute("UPDATE objects SET state = ? WHERE uid = ?", (DONE, uid))

    def image_failed(self, image: WaitingImage, now: float) -> None:
        """Let an image wait longer than the last time."""
        change = "UPDATE images SET tries = tries + 1, due = ? WHERE key = ?"
        with self._writing() as data:
            data.execute(change, (now + delay(image.tries + 1), image.key))

    def objects_failed(self, objects: list[WaitingObject], now: float) -> None:
        """Let objects wait longer than the last time."""
        change = "UPDATE objects SET tries = tries + 1, due = ? WHERE uid = ?"
        with self._writing() as data:
            for waiting in objects:
                data.execute(change, (now + delay(waiting.tries + 1), waiting.uid))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._data.close()

    def _count(self, table: str) -> int:
        number: int = self._rows(f"SELECT count(*) FROM {table} WHERE state = ?", WAITING)[0][0]  # noqa: S608
        return number

    def _rows(self, select: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock, self._as_cannot_write():
            return self._data.execute(select, values).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Yield the database in a transaction, which is on the disk after the block."""
        with self._lock, self._as_cannot_write():
            self._data.execute("BEGIN IMMEDIATE")
            try:
                yield self._data
                self._data.execute("COMMIT")
            except BaseException:
                if self._data.in_transaction:
                    self._data.execute("ROLLBACK")
                raise

    @contextmanager
    def _as_cannot_write(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            cure = "free some of the disk, or begin with an empty folder"
            raise CannotWrite(self._path, f"cannot be written ({error})", cure) from error
