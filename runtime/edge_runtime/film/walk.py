"""The films that a command line names: every file below its folders, as a stream.

Nothing here holds a whole listing, so that millions of films take no more memory than a thousand.
"""
# On the cold path, where loading pathlib would cost more than it is worth:
# ruff: noqa: PTH110, PTH112, PTH113

from __future__ import annotations

import os
from itertools import chain, islice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

SORTED = 10_000
"""The most entries of one folder that come sorted; of a larger one they come as the disk lists
them."""


def films_in(arguments: Iterable[str], empty: Callable[[str], None]) -> Iterator[str]:
    """Yield the films in and below `arguments`; `empty` is told of folders that hold none."""
    for argument in arguments:
        films = films_below(argument)
        first = next(films, None)
        if first is None:
            empty(argument)
        else:
            yield first
            yield from films


def films_below(argument: str) -> Iterator[str]:
    """Yield `argument` itself or, for a folder, every file below it, in the order of their names.

    Links count as what they lead to, but links to folders are not followed, so that no loop can
    hold us. A folder that cannot be listed and a link that leads nowhere are yielded as well:
    reading them will say why.
    """
    if not os.path.isdir(argument):
        yield argument
        return
    listings = [_listing(argument)]  # folders nest deeper than calls can
    while listings:
        for path, is_folder in listings[-1]:
            if is_folder:
                listings.append(_listing(path))
                break
            yield path
        else:
            listings.pop()


def _listing(folder: str) -> Iterator[tuple[str, bool]]:
    """Yield the path of each file and folder in `folder`, and whether it is a folder."""
    try:
        with os.scandir(folder) as entries:
            found = list(islice(entries, SORTED + 1))
            if len(found) > SORTED:
                yield from _kinds(chain(found, entries))
                return
    except OSError:
        yield folder, False
        return
    # Only now, so that folders wait without holding a file descriptor each.
    found.sort(key=lambda entry: entry.name)
    yield from _kinds(found)


def _kinds(entries: Iterable[os.DirEntry[str]]) -> Iterator[tuple[str, bool]]:
    for entry in entries:
        try:
            is_folder = entry.is_dir(follow_symlinks=False)
        except OSError:  # what it is can only be asked of the disk, which does not tell
            is_folder = False
        if is_folder or os.path.isfile(entry.path) or not os.path.exists(entry.path):
            yield entry.path, is_folder
