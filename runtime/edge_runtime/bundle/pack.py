"""Writing bundles: the whole file or nothing, and whatever stood there before stays until then.

Nothing here is on the cold path, so the standard library is used as it comes.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from edge_runtime.bundle import Bundle, archive, verify_all
from edge_runtime.bundle.archive import MANIFEST
from edge_runtime.bundle.digest import sha256
from edge_runtime.bundle.manifest import LARGEST_MANIFEST, SCHEMA, Manifest
from edge_runtime.bundle.records import File
from edge_runtime.bundle.schema import SchemaError
from edge_runtime.errors import CannotWrite

if TYPE_CHECKING:
    from edge_runtime.bundle.digest import Data

_CURES = {
    errno.EACCES: "choose a folder that you may write to",
    errno.EPERM: "choose a folder that you may write to",
    errno.EROFS: "this disk is read-only: choose another",
    errno.ENOENT: "make the folder first",
    errno.ENOTDIR: "make the folder first",
    errno.ENAMETOOLONG: "choose a shorter name",
}
_FULL = (errno.ENOSPC, errno.EDQUOT)


def write_bundle(
    path: str | os.PathLike[str], fields: Mapping[str, object], members: Mapping[str, Data]
) -> str:
    """Write `members` and their manifest to the `.edge` file `path`; return its identity.

    `fields` are those of `Manifest`, as records or as JSON, without `schema` and `files`.

    Raises:
        CannotWrite: the fields or the members make no bundle, or the disk did not take it.
    """
    target = Path(path)
    try:
        files = {
            name: File(bytes=memoryview(data).nbytes, sha256=sha256(data))
            for name, data in members.items()
        }
        manifest = Manifest(**{**fields, "schema": SCHEMA, "files": files})  # type: ignore[arg-type]
    except SchemaError as error:
        raise CannotWrite(target, f"its manifest would be wrong: {error}", "correct it") from error
    _write_archive(target, {**members, MANIFEST: manifest.to_bytes()})
    return manifest.identity


def pack(folder: str | os.PathLike[str], path: str | os.PathLike[str]) -> str:
    """Write the bundle in `folder` as the `.edge` file `path`; return its identity.

    Raises:
        NotABundle: the folder is none.
        IntegrityError: the bundle in the folder is not as it was written.
        CannotWrite: the disk did not take it.
    """
    with verify_all(folder) as bundle:
        _write_archive(Path(path), _contents(bundle))
        return bundle.identity


def unpack(path: str | os.PathLike[str], folder: str | os.PathLike[str]) -> str:
    """Write the bundle at `path` as a new folder; return its identity.

    Raises:
        NotABundle: there is no bundle at `path`.
        IntegrityError: the bundle is not as it was written.
        CannotWrite: the folder exists, or the disk did not take it.
    """
    target = Path(folder)
    with verify_all(path) as bundle:
        contents = _contents(bundle)
        with _replacing(target, shutil.rmtree, sum(map(len, contents.values()))) as temporary:
            if os.path.lexists(target):
                raise CannotWrite(target, "already exists", "choose another name or remove it")
            for name, data in contents.items():
                file = temporary / name
                file.parent.mkdir(parents=True, exist_ok=True)
                _write_file(file, [data])
        return bundle.identity


def write_whole(path: str | os.PathLike[str], data: Data) -> None:
    """Write `data` to the file `path`: all of it, or nothing and what stood there stays.

    Raises:
        CannotWrite: the disk did not take it.
    """
    target = Path(path)
    with _replacing(target, Path.unlink, memoryview(data).nbytes) as temporary:
        if target.is_dir():
            raise CannotWrite(target, "is a folder", "give the name of a file")
        _write_file(temporary, [data])


def _contents(bundle: Bundle) -> dict[str, Data]:
    """Return every file of `bundle`, the manifest among them, verified."""
    files = {name: bundle.read(name) for name in bundle.manifest.files}
    return {**files, MANIFEST: bundle.manifest.to_bytes()}


def _write_archive(target: Path, contents: Mapping[str, Data]) -> None:
    total = sum(memoryview(data).nbytes for data in contents.values())
    if total > archive.LARGEST_ARCHIVE or memoryview(contents[MANIFEST]).nbytes > LARGEST_MANIFEST:
        raise CannotWrite(target, "is too large for a bundle", "leave out a graph or films")
    pieces = archive.encode((name, contents[name]) for name in archive.in_order(contents))
    with _replacing(target, Path.unlink, total) as temporary:
        if target.is_dir():
            raise CannotWrite(target, "is a folder", "give the name of a .edge file")
        _write_file(temporary, pieces)


def _write_file(path: Path, pieces: Iterable[Data]) -> None:
    """Write `pieces` to the new file `path` and wait until the disk has them."""
    with path.open("xb") as stream:
        for piece in pieces:
            stream.write(piece)
        stream.flush()
        os.fsync(stream.fileno())


@contextmanager
def _replacing(target: Path, remove: Callable[[Path], None], size: int) -> Iterator[Path]:
    """Yield a hidden name beside `target` that takes its place, or leaves no trace.

    Raises:
        CannotWrite: the disk did not take it; `size` is how many bytes it needed.
    """
    temporary = target.parent / f".{secrets.token_hex(8)}.part"
    try:
        yield temporary
        temporary.replace(target)
    except OSError as error:
        if error.errno in _FULL:
            raise CannotWrite(target, "the disk is full", f"free {size} bytes") from error
        cure = _CURES.get(error.errno or 0, "choose another folder or disk")
        raise CannotWrite(target, f"cannot be written ({error.strerror or error})", cure) from error
    except ValueError as error:  # a name that no file can have
        raise CannotWrite(target, f"cannot be written ({error})", "choose another name") from error
    finally:
        with suppress(OSError):
            remove(temporary)
    if os.name == "posix":
        # The new name itself reaches the disk only with its folder; not every disk can say so.
        with suppress(OSError):
            descriptor = os.open(target.parent, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
