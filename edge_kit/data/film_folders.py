"""One folder of films or several, and the names by which all their films are told apart."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

from edge_kit.data.labels import composed, split_of
from edge_runtime.errors import UsageError

_NO_NAME = re.compile(r"[/\\:\s]+")
"""What a name in a table's path does not hold: what separates folders, and white space."""


@dataclass(frozen=True, slots=True)
class FilmFolders:
    """The folders that films are read from, by name, sorted by it.

    The name of a single folder is empty, and its films are called by their POSIX path below it. Of
    several, a film's name begins with that of its folder (`north/covid/1.png`), whatever lies above
    the folder on the disk. Films of the sources `without` are passed over, whoever lists the films.
    """

    by_name: Mapping[str, Path]
    without: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the paths, as a line names them."""
        return " and ".join(map(str, self.by_name.values()))

    @property
    def several(self) -> bool:
        """Whether films have the names of folders before theirs."""
        return "" not in self.by_name

    @property
    def title(self) -> str:
        """What a report calls the folders: their names alone, for paths may be private."""
        return " + ".join(name or path.resolve().name for name, path in self.by_name.items())

    @property
    def stored(self) -> str | list[str]:
        """The paths as a run's configuration has them: one as it is, several as a list."""
        paths = [str(path.resolve()) for path in self.by_name.values()]
        return paths if self.several else paths[0]

    def parts(self) -> Iterator[tuple[str, Path]]:
        """Yield what the names of a folder's films begin with, and the folder."""
        for name, path in self.by_name.items():
            yield f"{name}/" if name else "", path

    def folder(self, film: str) -> str:
        """Return the name of the folder of the film called `film`."""
        return film.partition("/")[0] if self.several else ""

    def path(self, film: str) -> Path:
        """Return where the film called `film` lies.

        Raises:
            KeyError: the name begins with that of no folder.
        """
        name = self.folder(film)
        return self.by_name[name] / film[len(name) + 1 if name else 0 :]

    def name(self, path: Path) -> str:
        """Return what the film at `path` is called.

        Raises:
            ValueError: it lies below none of the folders.
        """
        for before, folder in self.parts():
            with suppress(ValueError):
                below = path.relative_to(folder)
                if ".." not in below.parts:  # as ../south/1.png has, seen from the folder "."
                    return before + below.as_posix()
        raise ValueError(path)

    def holding(self, films: Iterable[str]) -> FilmFolders:
        """Return those of the folders that the films called `films` lie in, called as here."""
        held = {self.folder(film) for film in films}
        kept = {name: path for name, path in self.by_name.items() if name in held}
        return FilmFolders(kept, self.without)

    def leaving_out(self, sources: Iterable[str]) -> FilmFolders:
        """Return the same folders without the films of these sources."""
        return FilmFolders(self.by_name, tuple(sorted({*self.without, *sources})))


Folders = FilmFolders | Path
"""Where films are: one folder by its path, or one or several."""


def film_folders(data: Folders | Sequence[Path]) -> FilmFolders:
    """Return the folders `data` with names that tell them apart, whatever their order.

    A name is that of the folder; where two are called alike, that of the folder above stands before
    it, and so on.

    Raises:
        UsageError: a folder is given twice, lies in another, or several are splits of one set.
    """
    if isinstance(data, FilmFolders):
        return data
    paths = [data] if isinstance(data, Path) else list(data)
    if len(paths) == 1:
        return FilmFolders({"": paths[0]})
    _require_apart(paths)
    named = zip(
        _names(sorted(paths, key=Path.resolve)), sorted(paths, key=Path.resolve), strict=True
    )
    return FilmFolders(dict(sorted(named)))


def _require_apart(paths: Sequence[Path]) -> None:
    """Require that no film can be found twice, and that no split is taken for a source."""
    for first, second in permutations(paths, 2):
        here, there = first.resolve(), second.resolve()
        if here == there or _is_same(first, second):
            same = str(first) if first == second else f"{first} and {second}"
            problem = f"{same} given twice" if first == second else f"{same} are one folder"
            raise UsageError("--data", problem, "give each folder once")
        if here in there.parents:
            problem = f"{second} lies in {first}"
            raise UsageError(
                "--data", problem, "give the outer folder alone, or move the inner one"
            )
        if here.parent == there.parent and split_of(here.name) and split_of(there.name):
            problem = f"{first} and {second} are splits of one folder"
            raise UsageError("--data", problem, f"give {first.parent} in their place")


def _is_same(first: Path, second: Path) -> bool:
    """Tell whether two paths are one folder, as where a disk does not tell letters by case."""
    with suppress(OSError):
        return first.samefile(second)
    return False


def _names(paths: Sequence[Path]) -> list[str]:
    """Return a name of each path: its last parts, as many as tell it from the others."""
    ways = [_parts(path) for path in paths]
    depths = [1] * len(paths)
    while True:
        names = ["-".join(way[-depth:]) for way, depth in zip(ways, depths, strict=True)]
        # Tables go to systems that do not tell letters by case.
        counts = Counter(name.casefold() for name in names)
        deeper = [
            depth + (counts[name.casefold()] > 1 and depth < len(way))
            for name, depth, way in zip(names, depths, ways, strict=True)
        ]
        if deeper == depths:
            break
        depths = deeper
    return [
        name if counts[name.casefold()] == 1 else f"{name}-{number}"
        for number, name in enumerate(names, 1)
    ]


def _parts(path: Path) -> list[str]:
    parts = [_NO_NAME.sub("-", composed(part)).strip("-") for part in path.resolve().parts]
    return [part for part in parts if part] or ["films"]
