"""A film as a published table lists it, and where its file lies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from edge_kit.data.folders import folder_contents
from edge_kit.data.labels import composed
from edge_runtime.errors import DataError

FindingNames = frozenset[str]
"""The names that one finding goes by, as `named` writes them."""

UNKNOWN = "unknown"
"""The modality of a film that the table says to be of none that is known here."""


@dataclass(frozen=True, slots=True)
class TableFilm:
    """What a table says of a film: `path` below the folder is empty where no file is there.

    `uncertain` are findings that the table neither affirms nor denies; `written` is the finding as
    it stands there.
    """

    path: str
    findings: tuple[FindingNames, ...]
    written: str = ""
    uncertain: tuple[FindingNames, ...] = ()
    patient: str = ""
    split: str = ""
    view: str = ""
    modality: str = "xray"


def named(*names: str) -> FindingNames:
    """Return a finding that goes by `names`, which are compared without case."""
    return frozenset(composed(name.strip()).casefold() for name in names)


class FilmFiles:
    """The films that lie below a folder, found by a path or a name of a table."""

    def __init__(self, root: Path) -> None:
        try:
            films = folder_contents(root).films
        except OSError as error:
            problem = f"cannot be read ({error.strerror})"
            raise DataError(error.filename or root, problem, "check the rights") from error
        self.paths = sorted(path.as_posix() for path in films)
        self._known = frozenset(self.paths)
        self._root = root
        self._by_name: dict[str, list[PurePosixPath]] = {}
        for path in map(PurePosixPath, self.paths):
            self._by_name.setdefault(path.name, []).append(path)

    def find(self, subject: str, *candidates: str) -> str:
        """Return the first of `candidates` that is a film's path, or the one that ends like it.

        A path may begin above the folder, as in CheXpert's tables, and a name without a folder may
        lie in any. A film of the same name in another folder is another film. Empty where nothing
        is found.

        Raises:
            DataError: a candidate leads out of the folder; `subject` names its row.
        """
        paths = [_below(subject, text) for text in candidates]
        for path in paths:
            if tail := next((t for t in self._tails(path) if t.as_posix() in self._known), None):
                return tail.as_posix()
        found = {
            film
            for path in paths
            for film in self._by_name.get(path.name, ())
            if film.parts[-len(path.parts) :] == path.parts
        }
        return next(iter(found)).as_posix() if len(found) == 1 else ""

    def _tails(self, path: PurePosixPath) -> Iterator[PurePosixPath]:
        """Yield `path` and what remains of it without folders that lie above the root."""
        yield path
        if (self._root / path.parts[0]).is_dir():
            return  # the path begins below the root, so nothing of it lies above
        for start in range(1, len(path.parts)):
            tail, above = PurePosixPath(*path.parts[start:]), path.parts[start - 1]
            if len(tail.parts) > 1 or above.casefold() == self._root.resolve().name.casefold():
                yield tail


def _below(subject: str, text: str) -> PurePosixPath:
    path = PureWindowsPath(text)
    if not path.name or path.anchor or ".." in path.parts:
        problem = f"path {text!r} does not lie below the folder"
        raise DataError(subject, problem, "give paths relative to the folder")
    return PurePosixPath(path.as_posix())


def only(root: Path, files: Iterable[Path], what: str) -> Path:
    """Return the one of `files` that there is.

    Raises:
        DataError: there is none, or there are several.
    """
    found = sorted(files)
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(path.name for path in found[:4])
        cure = "move all but one away"
        raise DataError(root, f"holds {len(found)} of {what} ({names})", cure)
    raise DataError(root, f"holds no {what}", "give the folder as it was published")
