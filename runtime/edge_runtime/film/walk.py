"""The films that a command line names: every file below its folders, as a stream.

What systems leave in folders by themselves and text files are passed over there, and counted. A
film is never passed over for its name: what begins as one does is one, whatever it is called.
Nothing here holds a whole listing, so that millions of films take no more memory than a thousand.
"""
# On the cold path, where loading pathlib would cost more than it is worth:
# ruff: noqa: PTH110, PTH112, PTH113

from __future__ import annotations

import os
from contextlib import suppress
from itertools import chain, islice

from edge_runtime.errors import FilmError
from edge_runtime.film.decode import begins_as_film, open_film

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

SORTED = 10_000
"""The most entries of one folder that come sorted; of a larger one they come as the disk lists
them."""

TEXT, SYSTEM, INDEX, FOLDER = "text file", "system file", "DICOMDIR", "system folder"
LINK, SPECIAL = "link to a folder", "pipe, socket or device"
"""The kinds of what is passed over, in the words of the line that counts them."""
_PLURALS = {INDEX: INDEX, LINK: "links to folders", SPECIAL: "pipes, sockets or devices"}

_FOLDERS = 100_000
"""How many folders are remembered as counted, in case they are named again."""

# All in small letters; names are compared without regard to capitals.
SYSTEM_FOLDERS = frozenset((
    *("@eadir", "#recycle", "#snapshot", "@recycle", ".@__thumb"),  # network storage
    *("__macosx", ".appledouble", ".spotlight-v100", ".fseventsd", ".temporaryitems"),
    *(".documentrevisions-v100", "$recycle.bin", "recycler", "system volume information"),
    *("lost+found", ".thumbnails"),
))  # fmt: skip
SYSTEM_FILES = frozenset((
    *("thumbs.db", "thumbs.db:encryptable", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini"),
    *(".ds_store", ".localized", "icon\r", ".apdisk", ".volumeicon.icns", ".directory"),
    *(".nomedia", ".picasa.ini", "picasa.ini", "indexervolumeguid", "wpsettings.dat"),
))  # fmt: skip
TEXT_FILES = frozenset((
    *("readme", "license", "licence", "md5sums", "sha1sums", "sha256sums", "sha512sums"),
))  # fmt: skip
TEXT_ENDINGS = frozenset((
    *("txt", "text", "csv", "tsv", "json", "jsonl", "ndjson", "xml", "log", "md", "rst", "ini"),
    *("inf", "cfg", "conf", "toml", "yaml", "yml", "htm", "html", "md5", "sha1", "sha256"),
))  # fmt: skip


def films_in(
    arguments: Iterable[str],
    empty: Callable[[str], None],
    passed_over: dict[str, int] | None = None,
) -> Iterator[str]:
    """Yield the films in and below `arguments`; `empty` is called with each folder that holds none.

    `passed_over` counts what is left out, by its kind; a folder that is named twice counts once.
    """
    counts = None if passed_over is None else _Counts(passed_over)
    for argument in arguments:
        films = _films_below(argument, counts)
        first = next(films, None)
        if first is None:
            empty(argument)
        else:
            yield first
            yield from films


def films_below(argument: str, passed_over: dict[str, int] | None = None) -> Iterator[str]:
    """Yield `argument` itself or, for a folder, every film below it, in the order of their names.

    Links count as what they lead to, but links to folders are not followed, so that no loop can
    hold us: they are counted. A folder that cannot be listed and a link that leads nowhere are
    yielded as well: reading them will say why. `passed_over` counts what is left out, by its kind.
    """
    return _films_below(argument, None if passed_over is None else _Counts(passed_over))


def are_at_least(arguments: Iterable[str], count: int) -> bool:
    """Tell whether there are `count` films in and below `arguments`, of which no more are listed.

    Raises:
        EdgeError: whatever `arguments` raise.
    """
    films = films_in(arguments, lambda _: None)
    return next(islice(films, count - 1, None), None) is not None


class _Counts:
    """How many of each kind were passed over, each folder counted once."""

    def __init__(self, kinds: dict[str, int]) -> None:
        self._kinds = kinds
        self._folders: set[int] = set()

    def add(self, folder: str, kinds: dict[str, int]) -> None:
        """Count what was passed over in `folder`, unless that has been done."""
        with suppress(OSError):
            status = os.stat(folder)  # noqa: PTH116
            known = hash((status.st_dev, status.st_ino))
            if known in self._folders:
                return
            if len(self._folders) < _FOLDERS:
                self._folders.add(known)
        for kind, count in kinds.items():
            self._kinds[kind] = self._kinds.get(kind, 0) + count


def _films_below(argument: str, counts: _Counts | None) -> Iterator[str]:
    if not os.path.isdir(argument):
        yield argument
        return
    listings = [_listing(argument, counts)]  # folders nest deeper than calls can
    while listings:
        for path, is_folder in listings[-1]:
            if is_folder:
                listings.append(_listing(path, counts))
                break
            yield path
        else:
            listings.pop()


def _listing(folder: str, counts: _Counts | None) -> Iterator[tuple[str, bool]]:
    """Yield the path of each film and folder in `folder`, and whether it is a folder."""
    kinds = dict[str, int]()
    listed: list[os.DirEntry[str]] = []
    try:
        with os.scandir(folder) as entries:
            listed = list(islice(entries, SORTED + 1))
            if len(listed) > SORTED:
                yield from _kinds(chain(listed, entries), kinds)
                listed = []
    except OSError:
        yield folder, False
        listed = []
    # Only now, so that folders wait without holding a file descriptor each.
    listed.sort(key=lambda entry: entry.name)
    yield from _kinds(listed, kinds)
    if counts and kinds:
        counts.add(folder, kinds)


def _kinds(
    entries: Iterable[os.DirEntry[str]], kinds: dict[str, int]
) -> Iterator[tuple[str, bool]]:
    for entry in entries:
        try:
            is_folder = entry.is_dir(follow_symlinks=False)
        except OSError:  # what it is can only be asked of the disk, which does not tell
            is_folder = False
        is_file = not is_folder and os.path.isfile(entry.path)
        kind = left_out(entry.name, entry.path, is_folder=is_folder, is_file=is_file)
        if not (kind or is_folder or is_file) and os.path.exists(entry.path):
            kind = LINK if os.path.isdir(entry.path) else SPECIAL
        if kind:
            kinds[kind] = kinds.get(kind, 0) + 1
        else:
            yield entry.path, is_folder


def left_out(
    name: str,
    path: str,
    *,
    is_folder: bool,
    is_file: bool,
    is_film: Callable[[str], bool] | None = None,
) -> str:
    """Return the kind of what is passed over, or nothing for what may be a film or hold one.

    `is_film` is asked of `path` where its name alone does not say it; else it is opened here.
    """
    name = name.lower()
    if is_folder:
        # .Trash, .Trashes and .Trash-1000 are of three systems.
        return FOLDER if name in SYSTEM_FOLDERS or name.startswith(".trash") else ""
    if not is_file:
        return ""
    if name == "dicomdir":  # DICOM PS3.10, 8.6: this name is the index of a disc
        return INDEX
    kind = ""
    # macOS keeps what other disks cannot hold of NAME in ._NAME.
    if name in SYSTEM_FILES or name.startswith("._"):
        kind = SYSTEM
    elif name in TEXT_FILES or name.rpartition(".")[2] in TEXT_ENDINGS:
        kind = TEXT if "." in name or name in TEXT_FILES else ""
    return kind if kind and not (is_film or _is_film)(path) else ""


def _is_film(path: str) -> bool:
    """Tell whether the file at `path` begins as a film does, or cannot be read to say so.

    Judging it will say why it cannot.
    """
    try:
        with open_film(path) as stream:
            return begins_as_film(stream.read(132))
    except (OSError, ValueError, FilmError):
        return True


def in_words(counts: dict[str, int]) -> str:
    """Return the line that counts what was passed over, by its kinds."""
    listed = [
        f"{count} {kind if count == 1 else _PLURALS.get(kind, kind + 's')}"
        for kind, count in sorted(counts.items())
    ]
    return f"passed over in folders: {', '.join(listed)}; a file that is named itself is judged"
