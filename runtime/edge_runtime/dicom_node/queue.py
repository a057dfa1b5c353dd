"""What is left to do, in SQLite: images that wait for an answer, objects that wait to be delivered.

It has no patient's data: names of files, derived UIDs, digests and states. An object that was
delivered has no row any more. An image that was answered keeps its own for `REMEMBERED` seconds,
and until its objects are delivered, so that it is not answered again when it is sent again.
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
REMEMBERED = 30 * 86_400.0
"""Seconds for which an image that was answered is known, should it be sent again."""
FORMAT = 1
"""The number of the format, kept as `user_version`."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS images (
    key TEXT PRIMARY KEY, state TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0,
    due REAL NOT NULL, counter INTEGER);
CREATE TABLE IF NOT EXISTS objects (
    uid TEXT PRIMARY KEY, tries INTEGER NOT NULL DEFAULT 0, due REAL NOT NULL, counter INTEGER,
    kind TEXT NOT NULL, image TEXT NOT NULL, film TEXT, bundle TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS images_due ON images (state, due);
CREATE INDEX IF NOT EXISTS objects_due ON objects (due);
CREATE INDEX IF NOT EXISTS objects_image ON objects (image);
"""
# A time that lies further ahead than any try is set for is of a clock that was set back since.
_DUE = "(due <= ?1 OR due > ?1 + ?2)"


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
    bundle: str


@dataclass(frozen=True, slots=True)
class WaitingObject:
    """An object that is to be delivered."""

    uid: str
    kind: str
    film: str | None
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
            CannotWrite: the disk does not let us, or the file is no queue of this format.
        """
        self._path, self._lock = path, Lock()
        with self._as_cannot_write():
            self._data = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._data.execute("PRAGMA journal_mode=WAL")
            self._data.execute("PRAGMA synchronous=FULL")
            self._begin()

    def _begin(self) -> None:
        """Make the tables, unless they are there.

        Raises:
            CannotWrite: they are of another format.
        """
        version = self._data.execute("PRAGMA user_version").fetchone()[0]
        tables = self._data.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if version != FORMAT and (version or tables):
            self._data.close()
            cure = (
                "let that version of edge-run deliver what waits, then begin with an empty folder"
            )
            raise CannotWrite(self._path, "is a queue of another version of edge-run", cure)
        self._data.executescript(f"{_SCHEMA}PRAGMA user_version={FORMAT};")

    def has_image(self, key: str) -> bool:
        """Tell whether an image was received before, answered or not, as far as is remembered."""
        return bool(self._rows("SELECT 1 FROM images WHERE key = ?", key))

    def add_image(self, key: str, now: float) -> bool:
        """Remember an image whose file is on the disk; tell whether it is new."""
        insert = "INSERT OR IGNORE INTO images (key, state, due) VALUES (?, ?, ?)"
        with self._writing() as data:
            return data.execute(insert, (key, WAITING, now)).rowcount == 1

    def images(self, now: float, most: int) -> list[WaitingImage]:
        """Return images that wait and are due, the oldest first."""
        select = f"SELECT key, tries, counter FROM images WHERE {_DUE} AND state = ?3 "  # noqa: S608
        order = "ORDER BY due LIMIT ?4"
        rows = self._rows(select + order, now, LONGEST_DELAY, WAITING, most)
        return [WaitingImage(*row) for row in rows]

    def objects(self, now: float, most: int) -> list[WaitingObject]:
        """Return objects that wait and are due, the oldest first."""
        select = "SELECT uid, kind, film, bundle, tries, counter FROM objects "
        order = f"WHERE {_DUE} ORDER BY due, rowid LIMIT ?3"
        return [WaitingObject(*row) for row in self._rows(select + order, now, LONGEST_DELAY, most)]

    def count(self) -> tuple[int, int]:
        """Return how many images and objects wait."""
        images = self._rows("SELECT count(*) FROM images WHERE state = ?", WAITING)[0][0]
        objects = self._rows("SELECT count(*) FROM objects")[0][0]
        return images, objects

    def remembered(self) -> int:
        """Return how many images are known that were answered."""
        count: int = self._rows("SELECT count(*) FROM images WHERE state = ?", DONE)[0][0]
        return count

    def waiting_names(self) -> tuple[set[str], set[str]]:
        """Return the keys of images and the UIDs of objects that wait."""
        images = self._rows("SELECT key FROM images WHERE state = ?", WAITING)
        objects = self._rows("SELECT uid FROM objects")
        return {row[0] for row in images}, {row[0] for row in objects}

    def next_due(self) -> float | None:
        """Return when the next image or object is due, if any waits."""
        select = (
            "SELECT min(due) FROM (SELECT due FROM images WHERE state = ? "
            "UNION ALL SELECT due FROM objects)"
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
        """Let an image be done with, and its objects wait: both or neither.

        Images that were answered long ago are forgotten.
        """
        insert = (
            "INSERT OR IGNORE INTO objects (uid, due, kind, image, film, bundle) "
            "VALUES (?, ?, ?, ?, ?, ?)"
        )
        forget = (
            "DELETE FROM images WHERE state = ? AND due < ? "
            "AND NOT EXISTS (SELECT 1 FROM objects WHERE image = images.key)"
        )
        with self._writing() as data:
            for new in objects:
                data.execute(insert, (new.uid, now, new.kind, key, new.film, new.bundle))
            data.execute("UPDATE images SET state = ?, due = ? WHERE key = ?", (DONE, now, key))
            data.execute(forget, (DONE, now - REMEMBERED))

    def delivered(self, uid: str) -> None:
        """Let an object be done with."""
        with self._writing() as data:
            data.execute("DELETE FROM objects WHERE uid = ?", (uid,))

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
