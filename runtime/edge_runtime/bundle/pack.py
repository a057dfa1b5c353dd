"""Writing bundles: the whole file or nothing; until it is whole, an older file stays.

Nothing here is on the cold path, so the standard library is used as it comes.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from edge_runtime.bundle import Bundle, archive, verify_all
from edge_runtime.bundle.archive import MANIFEST
from edge_runtime.bundle.digest import sha256
from edge_runtime.bundle.manifest import LARGEST_MANIFEST, SCHEMA, UNSIGNED_SCHEMA, Manifest
from edge_runtime.bundle.records import File
from edge_runtime.bundle.schema import SchemaError
from edge_runtime.errors import CannotWrite
from edge_runtime.output import as_cannot_write, new_folder_at, replacing, sync_folder

if TYPE_CHECKING:
    from edge_runtime.bundle.digest import Data


def write_bundle(
    path: str | os.PathLike[str],
    fields: Mapping[str, object],
    members: Mapping[str, Data],
    sign: Callable[[Manifest], Mapping[str, bytes]] = lambda _: {},
) -> str:
    """Write `members` and their manifest to the `.edge` file `path`; return its identity.

    `fields` are those of `Manifest`, as records or as JSON, without `schema` and `files`. `sign`
    gives the signatures of a manifest, by their names in the bundle.

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
    signatures = sign(manifest)
    _require_places(target, manifest, signatures)
    _write_archive(target, {**members, **signatures, MANIFEST: manifest.to_bytes()})
    return manifest.identity


def write_signed(
    source: str | os.PathLike[str], path: str | os.PathLike[str], signatures: Mapping[str, bytes]
) -> str:
    """Write the bundle at `source` with these `signatures` alone to `path`; return its identity.

    Raises:
        NotABundle, IntegrityError: there is no bundle at `source`, or it is not as it was written.
        CannotWrite: the signatures have no place in it, or the disk did not take it.
    """
    with verify_all(source) as bundle:
        _require_places(path, bundle.manifest, signatures)
        files = {name: bundle.read(name) for name in bundle.manifest.files}
        _write_archive(Path(path), {**files, **signatures, MANIFEST: bundle.manifest.to_bytes()})
        return bundle.identity


def _require_places(
    path: str | os.PathLike[str], manifest: Manifest, signatures: Mapping[str, bytes]
) -> None:
    """Refuse signatures that no reader would take."""
    problem = archive.names_problem(signatures)
    if signatures and manifest.schema == UNSIGNED_SCHEMA:
        problem = f"schema {UNSIGNED_SCHEMA} has no place for signatures"
    if len(signatures) > archive.MOST_SIGNATURES:
        problem = f"a bundle has {archive.MOST_SIGNATURES} signatures at most"
    for name, data in signatures.items():
        if not archive.is_signature(name):
            problem = f"{name} is no name of a signature"
        if len(data) > archive.LARGEST_SIGNATURE:
            problem = f"{name} is larger than {archive.LARGEST_SIGNATURE >> 10} KiB"
    if problem:
        raise CannotWrite(path, problem, "leave one out, or give shorter names")


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
    with verify_all(path) as bundle:
        contents = _contents(bundle)
        with as_cannot_write(folder, sum(map(len, contents.values()))):
            place = new_folder_at(folder)
            draft = place.parent / f".{secrets.token_hex(8)}.part"
            try:
                for name, data in contents.items():
                    file = draft / name
                    file.parent.mkdir(parents=True, exist_ok=True)
                    _write_file(file, data)
                draft.replace(place)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
        sync_folder(place.parent)
        return bundle.identity


def _contents(bundle: Bundle) -> dict[str, Data]:
    """Return every file of `bundle`, the manifest among them, verified."""
    files = {name: bundle.read(name) for name in bundle.manifest.files}
    return {**files, **bundle.signatures, MANIFEST: bundle.manifest.to_bytes()}


def _write_archive(target: Path, contents: Mapping[str, Data]) -> None:
    total = sum(memoryview(data).nbytes for data in contents.values())
    if total > archive.LARGEST_ARCHIVE or memoryview(contents[MANIFEST]).nbytes > LARGEST_MANIFEST:
        raise CannotWrite(target, "is too large for a bundle", "leave out a graph or films")
    pieces = archive.encode((name, contents[name]) for name in archive.in_order(contents))
    with replacing(target, total, "a .edge file") as stream:
        stream.writelines(pieces)


def _write_file(path: Path, data: Data) -> None:
    """Write `data` to the new file `path` and wait until the disk has it."""
    with path.open("xb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
