"""Reading a bundle, zip or folder; nothing of it is used before it was verified.

Opening verifies the manifest and, in a zip, every byte that is not some file's data; `read`
verifies the file it returns; `verify_all` leaves no byte out. Whatever does not hold raises, never
warns. What was verified lies in memory of our own, read once: a map of the file would show what is
written to it later, and end the process without a word once a USB stick is pulled out (SIGBUS).
This module is on the cold path of `edge-run`, hence what it does not import.
"""
# Loading pathlib would take longer than all that is done here:
# ruff: noqa: PTH112, PTH118

from __future__ import annotations

import binascii
import os

from edge_runtime.bundle import archive, manifest
from edge_runtime.bundle.archive import MANIFEST
from edge_runtime.bundle.digest import sha256
from edge_runtime.bundle.regular_file import COPY_AGAIN, RegularFile, unreadable
from edge_runtime.errors import IntegrityError, NotABundle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

    from edge_runtime.bundle.signers import Signers

_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


class Bundle:
    """An opened bundle: `path`, `manifest`, and the files that the manifest lists.

    `signatures` are the files beside these, by name, which nobody has verified yet; `signers` tells
    who signed it, once `edge_runtime.trust` has looked.

    No file stays open between two calls, so threads may share a bundle, and nobody is kept from
    replacing it. What `read` handed out stays valid whatever becomes of the disk.
    """

    def __init__(self, path: str) -> None:
        """Open the zip or folder at `path`, see `open_bundle`."""
        self._is_folder, installed = os.path.isdir(path), None
        if self._is_folder and not os.path.lexists(os.path.join(path, MANIFEST)):
            path, installed = _installed(path)
            self._is_folder = False
        self.path = path
        self._closed = False
        self._places: dict[str, tuple[int, int]] = {}
        self._crcs: dict[str, int] = {}
        if self._is_folder:
            names = set(_listing(path))
        else:
            with RegularFile(path, path) as file:
                stored = archive.decode(file.read, file.size, path)
            self._places = {member.name: (start, member.length) for member, start in stored}
            self._crcs = {member.name: member.crc for member, _ in stored}
            names = set(self._places)
        subject = f"{path}: {MANIFEST}"
        data = self._copy(MANIFEST)
        whole = len(data) <= manifest.LARGEST_MANIFEST
        if self._crcs and whole and self._crcs[MANIFEST] != binascii.crc32(data):
            raise IntegrityError(subject, "does not match its CRC-32", COPY_AGAIN)
        self.manifest = manifest.parse(bytes(data), subject)
        if installed and installed != self.identity:
            problem = "is another model than the one that was confirmed"
            raise IntegrityError(path, problem, "go back: edge-run rollback")
        self.signatures: dict[str, bytes] = self._signatures(names)
        self.signers: Signers | None = None

    @property
    def identity(self) -> str:
        """The SHA-256 that names this bundle, in hex."""
        return self.manifest.identity

    def read(self, name: str) -> memoryview:
        """Return a copy of the file `name`, after checking its digest.

        The view is writable so that `ctypes` takes its address, and begins at a page.

        Raises:
            KeyError: the manifest lists no such file.
            NotABundle: the disk no longer gives it.
            IntegrityError: the file is not the one the manifest lists.
        """
        listed = self.manifest.files[name]
        if self._closed:
            raise ValueError(f"{self.path} is closed")
        view = self._copy(name, listed.bytes)
        if sha256(view) != listed.sha256:
            problem = "is not the file that was written"
            raise IntegrityError(f"{self.path}: {name}", problem, COPY_AGAIN)
        return view

    def _signatures(self, names: set[str]) -> dict[str, bytes]:
        """Return the signatures among the files `names` by name, whose CRC-32 alone was checked.

        Raises:
            NotABundle: what is there is not what the manifest lists, or signatures are too many or
                too large.
            IntegrityError: one was changed.
        """
        listed = {MANIFEST, *self.manifest.files}
        if missing := listed - names:
            raise NotABundle(self.path, f"the file {min(missing)} is missing", COPY_AGAIN)
        signed, has_place = names - listed, self.manifest.schema != manifest.UNSIGNED_SCHEMA
        if extra := [name for name in signed if not (has_place and archive.is_signature(name))]:
            problem = f"{min(extra)} is not in its {MANIFEST}"
            raise NotABundle(self.path, problem, "remove it or export again")
        if len(signed) > archive.MOST_SIGNATURES:
            problem = f"has more than {archive.MOST_SIGNATURES} signatures"
            raise NotABundle(self.path, problem, "sign it again")
        return {name: self._signature(name) for name in sorted(signed)}

    def _signature(self, name: str) -> bytes:
        subject, data = f"{self.path}: {name}", bytes(self._copy(name))
        if len(data) > archive.LARGEST_SIGNATURE:
            problem = f"is larger than {archive.LARGEST_SIGNATURE >> 10} KiB"
            raise NotABundle(subject, problem, "sign the bundle again")
        if self._crcs and self._crcs[name] != binascii.crc32(data):
            raise IntegrityError(subject, "does not match its CRC-32", COPY_AGAIN)
        return data

    def _copy(self, name: str, expected: int | None = None) -> memoryview:
        """Return what the disk holds of the file `name`, which has to be `expected` bytes long.

        Without `expected`, it is what a manifest may be, and a little more of what may be none.
        """
        subject = f"{self.path}: {name}"
        path = os.path.join(self.path, name) if self._is_folder else self.path
        with RegularFile(path, subject, _NO_LINK if self._is_folder else 0) as file:
            start, length = self._places.get(name) or (0, file.size)
            if expected is None:
                length = min(length, manifest.LARGEST_MANIFEST + 1)
            elif length != expected:
                problem = f"has {length} bytes instead of {expected}"
                raise IntegrityError(subject, problem, COPY_AGAIN)
            return file.copy(start, length)

    def verify(self) -> None:
        """Check every byte that opening the bundle has not.

        Raises:
            IntegrityError: some byte is not the one that was written.
        """
        for name in self.manifest.files:
            view = self.read(name)
            if self._crcs and self._crcs[name] != binascii.crc32(view):
                subject = f"{self.path}: {name}"
                raise IntegrityError(subject, "does not match its CRC-32", COPY_AGAIN)

    def close(self) -> None:
        """Allow no more reading from the bundle."""
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_bundle(path: str | os.PathLike[str]) -> Bundle:
    """Return the bundle at `path`, a `.edge` file or a folder, ready for `read`.

    Of a store of installed models it is the one that was confirmed.

    Raises:
        NotABundle: there is none, or it is of a kind or schema that is not known here.
        IntegrityError: the manifest or the structure of the zip has been changed.
    """
    return Bundle(os.fspath(path))


def verify_all(path: str | os.PathLike[str]) -> Bundle:
    """Return the bundle at `path` after checking every byte of it.

    Raises:
        NotABundle: there is none, or it is of a kind or schema that is not known here.
        IntegrityError: some byte is not the one that was written.
    """
    bundle = open_bundle(path)
    bundle.verify()
    return bundle


def _installed(folder: str) -> tuple[str, str]:
    """Return path and identity of the confirmed model, where a folder without manifest is a store.

    Raises:
        NotABundle: it is no store, or has no model yet.
        IntegrityError: its record is not what was written.
    """
    from edge_runtime.bundle.installed import confirmed_model, is_store

    if not is_store(folder):
        raise NotABundle(folder, f"holds no {MANIFEST}", "give a .edge file or its folder")
    return confirmed_model(folder)


def _listing(folder: str, inside: str = "") -> Iterator[str]:
    """Yield the name of every file in `folder`, with `/` between its parts.

    Raises:
        NotABundle: something in it is no regular file, or lies where no bundle has files.
    """
    subject = f"{folder}: {inside.removesuffix('/')}" if inside else folder
    try:
        with os.scandir(os.path.join(folder, inside)) as entries:
            listed = list(entries)
    except OSError as error:
        raise unreadable(subject, error) from error
    if inside and not listed:
        raise NotABundle(subject, "is an empty folder", "remove it")
    for entry in listed:
        name = inside + entry.name
        if entry.is_symlink() or not (entry.is_dir() or entry.is_file()):
            raise NotABundle(f"{folder}: {name}", "is not a regular file", "remove it")
        if problem := archive.name_problem(name):
            raise NotABundle(folder, f"the name {name!r} {problem}", "remove it")
        if entry.is_dir():
            yield from _listing(folder, name + "/")
        else:
            yield name
