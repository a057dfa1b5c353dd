"""Names by digest what an export is made from: sources, the run or file, and the films."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import edge_export
import edge_kit
import edge_runtime
from edge_export.films.film import Film
from edge_export.origin import Origin, contents_digest, files_digest, sources_digest
from edge_kit.training.records import data_digest
from edge_kit.training.run import CONFIG, METRICS, MODEL, SPLITS, is_run
from edge_runtime.errors import DataError

RUN_FILES = (CONFIG, METRICS, MODEL, SPLITS)
"""The files of a run that an export reads, which are those of its digest."""


def our_sources() -> str:
    """Return the digest of the sources of the three packages that export."""
    packages = (edge_export, edge_kit, edge_runtime)
    return sources_digest(Path(str(package.__file__)).parent for package in packages)


def model_digest(source: Path) -> str:
    """Return the digest of a run, or of a model's file or folder.

    Raises:
        DataError: it cannot be read.
    """
    try:
        if is_run(source):
            kept = [name for name in RUN_FILES if (source / name).is_file()]
            return contents_digest((name, _content(source / name)) for name in kept)
        if source.is_dir():
            inside = (path for path in source.rglob("*") if path.is_file())
            return files_digest((path.relative_to(source).as_posix(), path) for path in inside)
        return files_digest([("model", source)])
    except (OSError, ValueError) as error:
        problem = f"cannot be read ({error})"
        raise DataError(source, problem, "give a run's folder or a .keras file") from error


def _content(path: Path) -> bytes:
    """Return what a file of a run says; of its configuration all but where its films lay."""
    data = path.read_bytes()
    if path.name != CONFIG:
        return data
    config = json.loads(data)
    plain = {key: value for key, value in config.items() if key != "data"}
    return json.dumps(plain, sort_keys=True, separators=(",", ":")).encode("ascii")


def origin_of(source: Path, films: Sequence[Film]) -> Origin:
    """Return what an export of `source`, by `films` with their splits, is made from.

    Raises:
        DataError: the source cannot be read.
    """
    if source.name == MODEL and is_run(source.parent):
        source = source.parent
    return Origin(
        kind="run" if is_run(source) else "file",
        model=model_digest(source),
        data=data_digest(films),
        films=len(films),
        sources=our_sources(),
    )
