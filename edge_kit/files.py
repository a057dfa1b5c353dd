"""Folders that appear whole or not at all, JSON as it is written to files, and locks of files."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from edge_export.cautions import foremost
from edge_runtime.cures import quoted
from edge_runtime.errors import CannotWrite, DataError
from edge_runtime.output import new_folder_at, sync_folder
from edge_runtime.ownership import distrusted, require_own

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
        partial.mkdir(mode=0o700, parents=True, exist_ok=True)
        require_own(str(partial), CannotWrite, "name another place")
        with (partial / "lock").open("wb") as lock:
            if not try_lock(lock):
                raise CannotWrite(out, "is being written by another command", "wait for it")
            folder = partial / "run"
            try:
                shutil.rmtree(folder, ignore_errors=True)  # what was begun when it was killed
                folder.mkdir()
                yield folder
                if place.exists():
                    place.rmdir()
                settle(folder)
                folder.replace(place)
                sync_folder(place.parent)
                (partial / CHECKPOINT).unlink(missing_ok=True)
            finally:
                kept = (partial / CHECKPOINT).exists()
                shutil.rmtree(folder if kept else partial, ignore_errors=True)
    except OSError as error:
        problem = error.strerror or str(error)
        raise CannotWrite(out, problem, "check the rights and the free space") from error


def settle(folder: Path) -> None:
    """Wait until every file below `folder`, and every name, is on the disk, its owner's alone.

    Whatever the umask: what others might have changed is not read again.
    """
    for here, _, names in os.walk(folder):
        for name in names:
            with (Path(here) / name).open("rb+") as stream:
                _keep_out(stream.fileno())
                os.fsync(stream.fileno())
        _keep_out(here)
        sync_folder(Path(here))


def _keep_out(place: int | str) -> None:
    """Let nobody but its owner write a file or a folder, where the disk has such rights."""
    if os.name == "posix":
        with suppress(OSError):
            mode = stat.S_IMODE(os.stat(place).st_mode)  # noqa: PTH116, may be a descriptor
            if mode & 0o022:
                os.chmod(place, mode & ~0o022)  # noqa: PTH101


def require_own_files(folder: Path) -> None:
    """Refuse a folder that is read back where others may change it, or a file right in it.

    Raises:
        DataError: they may, or a file is a link or none at all; the line says what helps.
    """
    instead = f"copy it to a folder of your own: cp -r {quoted(str(folder))} MINE"
    require_own(str(folder), DataError, instead)
    if os.name != "posix":
        return
    with as_data_error(folder), os.scandir(folder) as listing:
        for item in listing:
            status, path = item.stat(follow_symlinks=False), folder / item.name
            if stat.S_ISLNK(status.st_mode):
                raise DataError(path, "is a link in the folder of a run", "put the file there")
            if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
                raise DataError(path, "is no file, in the folder of a run", "remove it")
            if found := distrusted(str(folder), status):
                problem, cure = found
                raise DataError(path, problem, f"{cure}, or {instead}")


@contextmanager
def as_data_error(path: Path) -> Iterator[None]:
    """Turn what the system refuses to read in this block into one line about `path`.

    Raises:
        DataError: in place of an `OSError`.
    """
    try:
        yield
    except OSError as error:
        problem = f"cannot be read ({error.strerror or error})"
        raise DataError(path, problem, "check the path and the rights") from error


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
