"""The keys of a repository: one file each, for its owner alone, in a folder that is not published.

They are Ed25519 in unencrypted PEM (PKCS #8); those of the root belong on sticks in drawers.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NoReturn

from securesystemslib.signer import CryptoSigner, SSlibKey

from edge_export.signing.keys import signing_key
from edge_runtime.errors import CannotWrite, DataError, UsageError
from edge_runtime.output import as_cannot_write, sync_folder
from edge_runtime.ownership import require_own
from edge_runtime.trust.keys import ED25519, read_public_key

SUFFIX = ".pem"


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
            DataError: the folder cannot be read.
            UsageError: others may read a key, or one is none of Ed25519.
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
    def locked() -> NoReturn:
        raise UsageError(path, "is encrypted", "give a key without a passphrase")

    return CryptoSigner(signing_key(path, locked).private)


def public_key(path: Path) -> SSlibKey:
    """Return the public key in a file of PEM, as a region sends it.

    Raises:
        UsageError: it is none of Ed25519.
    """
    key = read_public_key(str(path))
    return SSlibKey(key.id, ED25519, ED25519, {"public": key.keyval.public})
