"""The metadata of a repository on the disk: the newest of each role, read, signed and written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tuf.api.exceptions import RepositoryError, UnsignedMetadataError
from tuf.api.metadata import Metadata, Root, Snapshot, Targets, Timestamp
from tuf.api.serialization.json import JSONSerializer

from edge_runtime.errors import DataError
from edge_runtime.output import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from securesystemslib.signer import Signer
    from tuf.api.metadata import Signed

    Clock = Callable[[], datetime]

DAYS = {Root.type: 730, Targets.type: 365, Snapshot.type: 180, Timestamp.type: 90}
"""Days until the metadata of a role expires. Sticks travel, and boxes are rarely visited: a
repository whose timestamp nobody renews for this long is one that nobody looks after."""
TOP = (Root.type, Targets.type, Snapshot.type, Timestamp.type)

_S = TypeVar("_S", Root, Snapshot, Targets, Timestamp)


class MetadataFolder:
    """The folder `metadata` of a repository."""

    def __init__(self, folder: Path, clock: Clock = lambda: datetime.now(UTC)) -> None:
        self.folder, self._clock = folder, clock

    def path(self, role: str, version: int) -> Path:
        """Return the file of a role; that of the timestamp has no version in its name."""
        name = f"{role}.json" if role == Timestamp.type else f"{version}.{role}.json"
        return self.folder / name

    def version(self, role: str) -> int:
        """Return the newest version of a role, 0 where it has none."""
        if role == Timestamp.type:
            there = self.path(role, 0).exists()
            return self.read(Timestamp, role).signed.version if there else 0
        names = self.folder.glob(f"*.{role}.json")
        numbers = (path.name.partition(".")[0] for path in names)
        return max((int(number) for number in numbers if number.isdecimal()), default=0)

    def read(self, kind: type[_S], role: str) -> Metadata[_S]:
        """Return the newest metadata of a role.

        Raises:
            DataError: there is none, or it cannot be read.
        """
        version = 0 if role == Timestamp.type else self.version(role)
        path = self.path(role, version)
        try:
            metadata = Metadata[kind].from_bytes(path.read_bytes())  # type: ignore[valid-type]
            if not isinstance(metadata.signed, kind):
                raise RepositoryError(f"not of the type {kind.type}")
        except (OSError, RepositoryError) as error:
            cure = "make the repository: edge-kit repo init"
            raise DataError(path, f"is no metadata of a repository ({error})", cure) from error
        return metadata

    def renew(self, signed: Signed, role: str) -> None:
        """Give metadata the next version and a new time to expire."""
        signed.version = self.version(role) + 1
        days = DAYS.get(role, DAYS[Targets.type])
        signed.expires = (self._clock() + timedelta(days=days)).replace(microsecond=0)

    def write(
        self, metadata: Metadata[Any], role: str, signers: list[Signer], delegator: Root | Targets
    ) -> None:
        """Sign metadata with every one of `signers`, and write it if that is enough.

        Raises:
            DataError: `delegator` asks for more keys than there are.
            CannotWrite: the disk does not take it.
        """
        metadata.signatures.clear()
        for signer in signers:
            metadata.sign(signer, append=True)
        require_signed(metadata, role, delegator)
        data = metadata.to_bytes(JSONSerializer(compact=False))
        write_whole(self.path(role, metadata.signed.version), data)


def require_signed(metadata: Metadata[Any], role: str, delegator: Root | Targets) -> None:
    """Refuse metadata that fewer keys signed than have to.

    Raises:
        DataError: so it is.
    """
    try:
        delegator.verify_delegate(role, metadata.signed_bytes, metadata.signatures)
    except UnsignedMetadataError as error:
        held = delegator.get_delegated_role(role)
        problem = f"needs {held.threshold} of {len(held.keyids)} keys, and not so many are here"
        raise DataError(role, problem, "name the folder that has them with --keys") from error


def signers_of(role: str, delegator: Root | Targets, signers: Mapping[str, Signer]) -> list[Signer]:
    """Return those of `signers` that sign for a role."""
    keyids = delegator.get_delegated_role(role).keyids
    return [signers[keyid] for keyid in keyids if keyid in signers]
