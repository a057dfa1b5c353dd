"""Archives of drawn films, the command that scores them, and what it left: rows, and processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from tiny_bundle import write_film

CHANGING = ("milliseconds", "stamp")
"""Columns that differ from run to run, or with the age of a file."""
KILLER = """\
import os, sys
if "edge_kit.scoring.worker" in " ".join(sys.orig_argv):
    import time
    from edge_runtime.film import preprocess
    plain = preprocess.film_pixels
    def film_pixels(film, *rest):
        name = os.path.basename(os.fspath(film))
        once = os.path.join(os.path.dirname(os.fspath(film)), name + ".met")
        if name.startswith("killer") or (name.startswith("once") and not os.path.exists(once)):
            open(once, "w").close()
            os.kill(os.getpid(), 11 if name.startswith("killer") else 9)
        time.sleep(float(os.environ.get("SLOW_FILMS", "0")))
        return plain(film, *rest)
    preprocess.film_pixels = film_pixels
"""
"""A `sitecustomize` by which films called killer* end the process that reads them, once* one."""


class Archive(NamedTuple):
    """A folder of films, their paths in order, a bundle, and the answers to them."""

    folder: Path
    films: list[Path]
    bundle: Path
    out: Path


def draw_archive(folder: Path, films: int = 12) -> list[Path]:
    """Write films of two sites and two months, one of them no picture; return their paths."""
    paths = []
    for index in range(films):
        site, month = ("north", "south")[index % 2], f"2024-0{index // 2 % 2 + 1}"
        place = folder / site / month
        place.mkdir(parents=True, exist_ok=True)
        path = place / f"{index:04}.png"
        if index == 3:
            path.write_bytes(b"no picture at all, of any format that is known")
        else:
            write_film(path, seed=index)
        os.utime(path, (1_700_000_000, 1_700_000_000))
        paths.append(path)
    return sorted(paths)


def command(*arguments: object) -> list[str]:
    """Return the command line of `edge-kit score` with `arguments`."""
    program = "import sys; from edge_kit.cli import main; sys.argv[0] = 'edge-kit'; main()"
    return [sys.executable, "-c", program, "score", *map(str, arguments)]


def environment(folder: Path | None = None, **changes: str) -> dict[str, str]:
    """Return this environment with `changes`; a `sitecustomize` lies in `folder`."""
    path = [str(folder)] if folder else []
    known = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    return {**known, "PYTHONPATH": os.pathsep.join(path), **changes}


def run_score(
    *arguments: object, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `edge-kit score` to its end."""
    return subprocess.run(
        command(*arguments),
        env=env or environment(),
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        timeout=240,
        check=False,
    )


def rows_of(out: Path) -> list[dict[str, Any]]:
    """Return the rows that the index in `out` lists, in its order, and hold it to its counts."""
    index = json.loads((out / "index.json").read_bytes())
    rows: list[dict[str, Any]] = []
    for part in index["parts"]:
        table = pq.read_table(out / part["file"])
        assert len(table) == part["rows"]
        rows += table.to_pylist()
    assert len(rows) == index["rows"]
    assert len({part["file"] for part in index["parts"]}) == len(index["parts"])
    return rows


def lasting(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows without what differs from run to run."""
    return [{name: row[name] for name in row if name not in CHANGING} for row in rows]


def children_of(pid: int) -> list[int]:
    """Return the numbers of the processes that a process has started."""
    threads = Path(f"/proc/{pid}/task").glob("*/children")  # each thread has its own
    return [int(child) for path in threads for child in path.read_text().split()]
