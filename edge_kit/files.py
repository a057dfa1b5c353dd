"""Folders that appear whole or not at all, JSON as it is written to files, and locks of files."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from edge_export.cautions import foremost
from edge_runtime.errors import CannotWrite
from edge_runtime.output import new_folder_at, sync_folder

try:
    import fcntl
except ImportError:  # Windows: two trainings at once are not kept apart there
    fcntl = None  # type: ignore[assignment]

CHECKPOINT = "checkpoint.npz"
"""The file with the state of an unfinished training; a finished run has none."""


def write_json(path: Path, content: Any) -> None:
    """Write a dataclass or plain JSON content, indented and sorted."""
    path.write_bytes(json_bytes(content))


def json_bytes(content: Any) -> bytes:
    """Return a dataclass or plain content as JSON, indented and sorted, its cautions first."""
    plain = content if isinstance(content, dict | list) else asdict(content)
    lines = foremost(plain) if isinstance(plain, dict) else plain
    return (json.dumps(lines, indent=2, sort_keys=lines is plain, allow_nan=False) + "\n").encode()


def staging(out: Path) -> Path:
    """Return the hidden folder beside `out` in which a training lies until it is finished."""
    place = out.resolve()  # for "." has no name
    return place.with_name(f".{place.name}.partial")


def require_new(out: Path, *, resume: bool = False) -> None:
    """Refuse a folder that is not empty, before hours are spent on a training.

    Raises:
        CannotWrite: `out` exists and is not an empty folder, or holds an interrupted training that
            is not to go on.
    """
    new_folder_at(out, or_empty=True)
    if not resume and (staging(out) / CHECKPOINT).exists():
        cure = f"go on with --resume, or delete {staging(out)}"
        raise CannotWrite(out, "an interrupted training is to be written there", cure)


@contextmanager
def new_folder(out: Path, *, resume: bool = False) -> Iterator[Path]:
    """Yield a folder to fill; it becomes `out` if the block succeeds and vanishes otherwise.

    A file `CHECKPOINT` that the block writes beside the folder stays if the block fails, and is
    there again for the next one that is to `resume`.

    Before it does, all of it is on the disk: a power failure leaves either a whole run, or the
    checkpoint of one.

    Raises:
        CannotWrite: `out` exists and is not empty, or the disk refuses.
    """
    require_new(out, resume=resume)
    place, partial = new_folder_at(out, or_empty=True), staging(out)
    try:
        partial.mkdir(parents=True, exist_ok=True)
        with (partial / "lock").open("wb") as lock:
            if not try_lock(lock):
                raise CannotWrite(out, "is being written by another training", "wait for it")
            folder = partial / "run"
            try:
                shutil.rmtree(folder, ignore_errors=True)  # what was begun when it was killed
                folder.mkdir()
                yield folder
                if place.exists():
                    place.rmdir()
                _sync(folder)
                folder.replace(place)
                sync_folder(place.parent)
                (partial / CHECKPOINT).unlink(missing_ok=True)
            finally:
                kept = (partial / CHECKPOINT).exists()
                shutil.rmtree(folder if kept else partial, ignore_errors=True)
    except OSError as error:
        problem = error.strerror or str(error)
        raise CannotWrite(out, problem, "check the rights and the free space") from error


def _sync(folder: Path) -> None:
    """Wait until every file below `folder`, and every name, is on the disk."""
    for here, _, names in os.walk(folder):
        for name in names:
            with (Path(here) / name).open("rb+") as stream:
                os.fsync(stream.fileno())
        sync_folder(Path(here))


@contextmanager
def locked(stream: IO[bytes]) -> Iterator[None]:
    """Hold the lock of an open file inside the block, after waiting for it.

    A disk that has no locks, as some network disks, is taken as it is.
    """
    if fcntl is not None:
        with suppress(OSError):
            fcntl.flock(stream, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if fcntl is not None:
            with suppress(OSError):
                fcntl.flock(stream, fcntl.LOCK_UN)


def try_lock(stream: IO[bytes]) -> bool:
    """Take the lock of an open file until it is closed; tell whether no other process has it."""
    if fcntl is not None:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # no locks on this disk
            return True
    return True
