"""What a store trusts: the root it began with, the metadata seen since, and the time.

python-tuf keeps metadata as files of its own, which it does not wait for the disk to have, and a
link, which a FAT card cannot hold. Here all of it is one sealed file of the store, replaced as a
whole; python-tuf works in a folder that is filled from it and read back.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root, Timestamp

from edge_runtime.bundle.installed import read_sealed, sealed
from edge_runtime.errors import IntegrityError
from edge_runtime.machine.computer import RELEASED
from edge_runtime.output import write_whole

if TYPE_CHECKING:
    from typing import Self

TRUST = "trust.json"
SIGNED_AT = "x-edge-kit-signed-at"
"""The key of a timestamp that says when it was signed; TUF itself says when it expires alone."""
TIME = "%Y-%m-%dT%H:%M:%SZ"
_LARGEST = 16 << 20  # bytes
_ROOTS = "root_history"
_CURE = "install into a new store with --root"


@dataclass(frozen=True, slots=True)
class Trusted:
    """The root that a store began with, later roots by file name, and other metadata by role."""

    root: str
    roots: dict[str, str]
    metadata: dict[str, str]

    @classmethod
    def beginning(cls, root: bytes, place: object) -> Self:
        """Return the trust in the root metadata that somebody handed over.

        Raises:
            IntegrityError: it is none, or not signed by itself.
        """
        try:
            content = Metadata[Root].from_bytes(root)
            if not isinstance(content.signed, Root):
                raise RepositoryError("not the metadata of a root")
            content.signed.verify_delegate(Root.type, content.signed_bytes, content.signatures)
        except RepositoryError as error:
            cure = "take the root.json that the repository's maker handed over"
            raise IntegrityError(place, f"is no root of a repository ({error})", cure) from error
        return cls(root.decode(), {}, {})

    @classmethod
    def read(cls, folder: str) -> Self:
        """Return what the store `folder` trusts.

        Raises:
            NotABundle, IntegrityError: it cannot be read, or is not what was written.
        """
        path = str(Path(folder, TRUST))
        content = read_sealed(path, _LARGEST)
        try:
            return cls(**content)
        except TypeError as error:
            raise IntegrityError(path, "is not what edge-run wrote", _CURE) from error

    def to_bytes(self) -> bytes:
        """Return it as it stands on the disk."""
        return sealed({"root": self.root, "roots": self.roots, "metadata": self.metadata})

    def write(self, folder: str) -> None:
        """Let the store `folder` trust this from now on.

        Raises:
            CannotWrite: the disk does not take it.
        """
        write_whole(Path(folder, TRUST), self.to_bytes())

    def unfold(self, folder: Path) -> None:
        """Write it as the files that python-tuf reads."""
        (folder / _ROOTS).mkdir()
        for name, text in self.roots.items():
            (folder / _ROOTS / name).write_bytes(text.encode())
        for name, text in self.metadata.items():
            (folder / name).write_bytes(text.encode())

    def folded(self, folder: Path) -> Self:
        """Return it with what python-tuf verified and wrote into its folder."""
        roots = {path.name: path.read_bytes().decode() for path in (folder / _ROOTS).iterdir()}
        # A temporary file that python-tuf left has no such ending, and root.json is a link.
        metadata = {
            path.name: path.read_bytes().decode()
            for path in folder.glob("*.json")
            if path.name != "root.json"
        }
        return replace(self, roots=roots, metadata=metadata)

    def time(self, clock: datetime) -> datetime:
        """Return the time to judge expiry by, of a machine whose clock may have none.

        It is the latest of the clock, of when the last timestamp that was believed was signed, and
        of when this version was released. A timestamp whose key is no longer that of the root tells
        nothing: whoever stole the key cannot put the time forward for ever.
        """
        return max(clock, RELEASED, self._signed_at() or RELEASED)

    def _signed_at(self) -> datetime | None:
        with suppress(RepositoryError, KeyError, ValueError, TypeError):
            root = Metadata[Root].from_bytes(self._last_root().encode()).signed
            stamp = Metadata[Timestamp].from_bytes(self.metadata["timestamp.json"].encode())
            root.verify_delegate(Timestamp.type, stamp.signed_bytes, stamp.signatures)
            text = stamp.signed.unrecognized_fields[SIGNED_AT]
            return min(datetime.strptime(text, TIME).replace(tzinfo=UTC), stamp.signed.expires)
        return None

    def _last_root(self) -> str:
        """Return the newest root that follows the first one."""
        if not self.roots:
            return self.root
        return self.roots[max(self.roots, key=lambda name: int(name.partition(".")[0]))]
