"""Films and answers in a folder, where whoever serves the page has asked for it: `--keep`."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from edge_runtime.errors import CannotWrite
from edge_runtime.output import write_whole
from edge_runtime.web.problems import Problem

if TYPE_CHECKING:
    from typing import Any

_SECRET = 0o700


class Keeper:
    """Writes each film as DIGEST.film and its answer, without its name, as DIGEST.json."""

    def __init__(self, folder: Path) -> None:
        """Make the folder, for this user alone, where it is not there.

        Raises:
            CannotWrite: it cannot be made.
        """
        self._folder = folder
        try:
            folder.mkdir(mode=_SECRET, parents=True, exist_ok=True)
        except OSError as error:
            problem = f"cannot be made ({error.strerror or error})"
            raise CannotWrite(folder, problem, "name another folder with --keep") from error
        if not os.access(folder, os.W_OK | os.X_OK):
            raise CannotWrite(folder, "is no folder to write to", "name another with --keep")

    async def keep(self, film: bytes, row: dict[str, Any]) -> None:
        """Write a film and its answer.

        Raises:
            Problem: the disk does not take them.
        """
        try:
            await asyncio.to_thread(self._write, film, {**row, "file": None})
        except CannotWrite as error:
            problem = "the film cannot be kept, as was asked for"
            raise Problem(500, "unexpected", problem, error.cure) from None

    def _write(self, film: bytes, row: dict[str, Any]) -> None:
        stem = str(row["sha256"])
        write_whole(self._folder / f"{stem}.film", film)
        write_whole(self._folder / f"{stem}.json", json.dumps(row).encode("ascii") + b"\n")
