"""The files of one trail: `trail.jsonl`, `trail-2.jsonl`, and so on; the last one is written."""

from __future__ import annotations

import os
import re
from pathlib import Path


class Segments:
    """The names of the files that one trail is kept in."""

    def __init__(self, first: Path) -> None:
        self._first = first
        self._pattern = re.compile(
            re.escape(first.stem) + r"-([2-9]|[1-9]\d{1,8})" + re.escape(first.suffix)
        )

    def path(self, number: int) -> Path:
        """Return the place of a file, the first of which is number 1."""
        if number == 1:
            return self._first
        return self._first.with_name(f"{self._first.stem}-{number}{self._first.suffix}")

    def last(self) -> int:
        """Return the number of the last file that is there, or 1 where there is none.

        Raises:
            OSError: the folder cannot be listed.
        """
        with os.scandir(self._first.parent) as entries:
            matches = (self._pattern.fullmatch(entry.name) for entry in entries)
            return max((int(match[1]) for match in matches if match), default=1)


def in_order(paths: list[str]) -> list[Path]:
    """Return the files of trails in the order in which they were written, by their names."""

    def key(path: Path) -> tuple[str, int, str]:
        match = re.fullmatch(r"(.*)-([2-9]|[1-9]\d{1,8})", path.stem, re.DOTALL)
        # The folder is last: files that are full may have been moved to an archive.
        named = (match[1], int(match[2])) if match else (path.stem, 1)
        return *named, str(path.parent)

    return sorted(dict.fromkeys(map(Path, paths)), key=key)
