"""The folder of a tray: what lies in it, where films go, and whether it is there at all."""

from __future__ import annotations

import json
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from edge_runtime.bundle.digest import sha256_of
from edge_runtime.errors import FilmError, UsageError
from edge_runtime.film.decode import open_film
from edge_runtime.film.source import LARGEST
from edge_runtime.film.walk import left_out
from edge_runtime.output import as_cannot_write, sync_folder

DONE, REFUSED, FAILED = "done", "refused", "failed"
FOLDERS = {"ok": DONE, "refused": REFUSED, "error": FAILED}
"""Where a film goes, by the status of its answer."""
RESULTS = "results.csv"

JOURNAL = "journal"
_STATE, _TOKEN, _ANSWER = ".edge-run", "tray.json", ".json"
_LONGEST_NAME = 255  # bytes, of most disks
_UNFINISHED = (".part", ".partial", ".tmp", ".temp", ".filepart", ".crdownload", ".download")
"""How programs end the names of files that they rename once they are whole."""


class Away(Exception):
    """The tray is not there: a stick that was pulled out, a share that does not answer."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A file of the tray as the disk lists it; `changed` is when it came here, by its disk."""

    name: str
    size: int
    modified: int
    changed: int

    @property
    def version(self) -> tuple[int, int]:
        """Return what changes when the film is written over."""
        return self.size, self.modified


class TrayFolder:
    """The folder `root`, which is this tray as long as the token in it is the same."""

    def __init__(self, root: Path) -> None:
        """Make what is missing in it.

        Raises:
            UsageError: it is no folder.
            CannotWrite: nothing can be made in it.
        """
        self.root, self._prefix = root, f"{root}{os.sep}"
        self._others = set[Seen]()
        if not root.is_dir():
            raise UsageError(root, "is no folder", "name the folder that films come into")
        with as_cannot_write(root):
            self.state.mkdir(exist_ok=True)
            for name in FOLDERS.values():
                (root / name).mkdir(exist_ok=True)
            token = self.state / _TOKEN
            if not token.exists():
                token.write_text(json.dumps({"tray": secrets.token_hex(16)}), "utf-8")
                sync_folder(self.state)
            self._token = token.read_bytes()
        sync_folder(root)

    def at(self, place: str) -> str:
        """Return the path of what lies at `place` in the tray, as text: a `Path` is slow."""
        return f"{self._prefix}{place}"

    @property
    def state(self) -> Path:
        """Return the folder of what is remembered of the tray."""
        return self.root / _STATE

    def is_here(self) -> bool:
        """Tell whether the tray that was opened is the one that is there now."""
        with suppress(OSError):
            return (self.state / _TOKEN).read_bytes() == self._token
        return False

    def absence(self) -> str:
        """Return in words what is where the tray was."""
        if self.root.is_dir():
            return f"the folder is another one, or lost its {_STATE} (then start the watcher again)"
        return "the tray is gone"

    def require_here(self) -> None:
        """Say so where the tray is not there.

        Raises:
            Away: it is not.
        """
        if not self.is_here():
            raise Away

    def films(self) -> list[Seen]:
        """Return the files that may be films, in no order; what is unfinished by its name is none.

        Raises:
            Away: the folder cannot be listed.
        """
        try:
            with os.scandir(self.root) as entries:
                listed = {entry.name: entry for entry in entries}
        except OSError as error:
            raise Away from error
        films, others = [], set[Seen]()
        for seen in filter(None, map(_seen, listed.values())):
            path = listed[seen.name].path
            # What was opened once to see that it is none is not opened again.
            known = seen in self._others
            if known or left_out(seen.name, path, is_folder=False, is_file=True):
                others.add(seen)
            else:
                films.append(seen)
        self._others = others
        return films

    def now(self, name: str) -> Seen | None:
        """Return a film as it is now, if it is there."""
        try:
            status = os.lstat(self.at(name))
        except OSError:
            return None
        return Seen(name, status.st_size, status.st_mtime_ns, status.st_ctime_ns)

    def digest(self, name: str) -> str | None:
        """Return the SHA-256 of a film, unless it cannot be read, or is too large."""
        with suppress(OSError, ValueError, FilmError), open_film(self.at(name)) as stream:
            if os.fstat(stream.fileno()).st_size <= LARGEST:
                return sha256_of(stream)
        return None

    def may_answer(self, place: str) -> bool:
        """Tell whether the answer of a film that is left may be written beside it.

        A film may have the name of the answer of another one.
        """
        if not _fits(place + _ANSWER):
            return False
        with suppress(FileNotFoundError), Path(self.at(document_of(place))).open("rb") as stream:
            return stream.read(1) == b"{"
        return True

    def free_name(self, folder: str, name: str, taken: set[str]) -> str:
        """Return `name`, or `name` with a number, that nothing in a folder has, nor `taken`.

        The same holds for the name of its answer. Both are taken from then on. A name that leaves
        no room for its answer's is made shorter.
        """
        number, free = 1, _numbered(name, "")
        while self._is_taken(folder, free, taken):
            number += 1
            free = _numbered(name, f"-{number}")
        taken.update(f"{folder}/{one}".casefold() for one in (free, free + _ANSWER))
        return free

    def _is_taken(self, folder: str, name: str, taken: set[str]) -> bool:
        names = (name, name + _ANSWER)
        return any(f"{folder}/{one}".casefold() in taken for one in names) or any(
            os.path.lexists(self.at(f"{folder}/{one}")) for one in names
        )


def _fits(name: str) -> bool:
    """Tell whether a disk takes a name of that length."""
    return len(os.fsencode(name)) <= _LONGEST_NAME


def _numbered(name: str, number: str) -> str:
    """Return `name` with a number, and short enough for the name of its answer."""
    stem, ending = os.path.splitext(name)  # noqa: PTH122, a Path drops what ends a name
    while not _fits(stem + number + ending + _ANSWER):
        if len(stem) > 1:
            stem = stem[:-1]
        else:
            ending = ending[:-1]
    return stem + number + ending


def document_of(place: str) -> str:
    """Return the place of the answer to the film at `place`, which is JSON."""
    return place + _ANSWER


def _seen(entry: os.DirEntry[str]) -> Seen | None:
    name = entry.name.lower()
    if name.startswith((".", "~")) or name.endswith(_UNFINISHED) or name == RESULTS:
        return None
    try:
        # Of a link, somebody else decides what it leads to when it is read.
        if not entry.is_file(follow_symlinks=False):
            return None
        status = entry.stat(follow_symlinks=False)
    except OSError:  # gone since it was listed
        return None
    return Seen(entry.name, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
