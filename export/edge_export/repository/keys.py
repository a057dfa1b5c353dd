"""The keys of a repository: one file each, for its owner alone, in a folder that is not published.

They are Ed25519 in unencrypted PEM (PKCS #8); those of the root belong on sticks in drawers.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from securesystemslib.signer import CryptoSigner, SSlibKey

from edge_runtime.errors import CannotWrite, DataError
from edge_runtime.output import as_cannot_write, sync_folder
from edge_runtime.ownership import require_own

SUFFIX = ".pem"
_LARGEST = 1 << 14  # bytes


class KeyFolder:
    """A folder with keys, each named by its role and a number: `root-1.pem`, `timestamp-2.pem`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def new(self, role: str) -> CryptoSigner:
        """Make a key for a role, under the next number that is free.

        Raises:
            CannotWrite: the disk does not take it, or others may look into the folder.
        """
        signer = CryptoSigner.generate_ed25519()
        with as_cannot_write(self.folder):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            require_own(str(self.folder), CannotWrite, "name a folder of your own")
            number = 1 + max((self._number(path, role) for path in self._paths()), default=0)
            place = self.folder / f"{role}-{number}{SUFFIX}"
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            with os.fdopen(os.open(place, flags, 0o600), "wb") as stream:
                stream.write(signer.private_bytes)
                stream.flush()
                os.fsync(stream.fileno())
            sync_folder(self.folder)
        return signer

    def signers(self) -> dict[str, CryptoSigner]:
        """Return every key of the folder by its key id.

        Raises:
            DataError: the folder cannot be read, others may read a key, or one is none.
        """
        signers = [_signer(path) for path in self._paths()]
        return {signer.public_key.keyid: signer for signer in signers}

    def _paths(self) -> list[Path]:
        try:
            return sorted(path for path in self.folder.iterdir() if path.suffix == SUFFIX)
        except OSError as error:
            problem = f"cannot be read ({error.strerror or error})"
            raise DataError(self.folder, problem, "name the folder of the keys") from error

    @staticmethod
    def _number(path: Path, role: str) -> int:
        match = re.fullmatch(rf"{re.escape(role)}-(\d{{1,6}})", path.stem, re.ASCII)
        return int(match[1]) if match else 0


def _signer(path: Path) -> CryptoSigner:
    data, status = _read(path)
    if os.name == "posix" and status.st_mode & 0o077:
        raise DataError(path, "can be read by other users", f"chmod 600 {path}")
    try:
        key = load_pem_private_key(data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise DataError(path, f"is no key ({error})", "name the folder of the keys") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise DataError(path, "is a key of another kind", "use those of edge-kit repo: Ed25519")
    return CryptoSigner(key)


def public_key(path: Path) -> SSlibKey:
    """Return the public key in a file of PEM, as a region sends it.

    Raises:
        DataError: it is none of Ed25519.
    """
    try:
        key = load_pem_public_key(_read(path)[0])
    except (ValueError, UnsupportedAlgorithm) as error:
        raise DataError(path, f"is no public key ({error})", "ask the region for it") from error
    if not isinstance(key, Ed25519PublicKey):
        raise DataError(path, "is a key of another kind", "ask the region for one of Ed25519")
    return SSlibKey.from_crypto(key)


def _read(path: Path) -> tuple[bytes, os.stat_result]:
    try:
        with path.open("rb") as stream:
            return stream.read(_LARGEST), os.fstat(stream.fileno())
    except OSError as error:
        problem = f"cannot be read ({error.strerror or error})"
        raise DataError(path, problem, "check the name and the rights") from error
