"""Private keys in PEM: made, kept from others, and read again.

Signing needs `cryptography` (the extra `edge-kit[sign]`): Python's integers take time that depends
on the secret. A key of Ed25519 signs for `edge-run`; OpenSSF Model Signing knows keys of the NIST
curves alone, of which P-256 is made.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edge_runtime.cures import quoted
from edge_runtime.errors import CannotWrite, UsageError
from edge_runtime.output import write_secret, write_whole
from edge_runtime.trust.keys import LARGEST_KEY_FILE, PublicKey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    PrivateKey = Ed25519PrivateKey | EllipticCurvePrivateKey

PRIVATE, PUBLIC = ".pem", ".pub"
LEAST_PASSPHRASE = 8
"""Characters of a passphrase."""

Ask = Callable[[], str]
"""Returns a passphrase, when one is needed."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key of Ed25519, and the public one that belongs to it."""

    private: Ed25519PrivateKey
    public: PublicKey

    def sign(self, data: bytes) -> bytes:
        """Return the 64 bytes of the signature over `data`."""
        return self.private.sign(data)


def new_key(name: Path, passphrase: str | None, *, oms: bool = False) -> PublicKey | None:
    """Write a new key to `NAME.pem` and `NAME.pub`; return what `edge-run` knows it by, if it does.

    Raises:
        CannotWrite: one of them is there already, or the disk did not take them.
        UsageError: `cryptography` is missing.
    """
    require_cryptography()
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

    private, public = (name.with_name(name.name + ending) for ending in (PRIVATE, PUBLIC))
    for path in (private, public):
        if os.path.lexists(path):
            raise CannotWrite(path, "exists already", "name a new key")
    key: PrivateKey = ed25519.Ed25519PrivateKey.generate()
    if oms:
        key = ec.generate_private_key(ec.SECP256R1())
    locked = (
        serialization.BestAvailableEncryption(passphrase.encode())
        if passphrase
        else serialization.NoEncryption()
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked
    )
    shown = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    write_whole(public, shown)
    try:
        write_secret(private, secret)
    except CannotWrite:
        public.unlink()
        raise
    return None if oms else _public(key)


def signing_key(path: Path, ask: Ask) -> SigningKey:
    """Return the key of Ed25519 in the file at `path`; `ask` gives its passphrase.

    Raises:
        UsageError: it is none, others may read it, or the passphrase is not its own.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = private_key(path, ask)
    if not isinstance(private, Ed25519PrivateKey):
        cure = "make one: edge-kit keys new NAME; a key of a NIST curve is for --oms"
        raise UsageError(path, "is no key of Ed25519", cure)
    return SigningKey(private, _public(private))


def private_key(path: Path, ask: Ask) -> PrivateKey:
    """Return the private key in the file at `path`, of Ed25519 or of a NIST curve.

    Raises:
        UsageError: as `signing_key` says.
    """
    require_cryptography()
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    data = _secret(path)
    passphrase = ask().encode() if b"ENCRYPTED" in data else None
    try:
        key = load_pem_private_key(data, passphrase)
    except (ValueError, TypeError) as error:
        problem = (
            "cannot be opened by this passphrase" if passphrase else "is no private key in PEM"
        )
        raise UsageError(path, problem, "give the .pem file that edge-kit keys wrote") from error
    if not isinstance(key, ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey):
        raise UsageError(path, "is a key of another kind", "make one: edge-kit keys new NAME")
    return key


def require_cryptography() -> None:
    """Refuse to go on without what signs.

    Raises:
        UsageError: it is missing.
    """
    try:
        import cryptography  # noqa: F401
    except ImportError as error:
        cure = "pip install 'edge-kit[sign]'"
        raise UsageError("signing", "needs cryptography, which is not installed", cure) from error


def _secret(path: Path) -> bytes:
    """Return the content of a key's file, which nobody else may read unless it is encrypted."""
    try:
        with path.open("rb") as stream:
            mode = stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
            data = stream.read(LARGEST_KEY_FILE + 1)
    except OSError as error:
        problem = f"cannot be read ({error.strerror or error})"
        raise UsageError(path, problem, "give the .pem file of a private key") from error
    if os.name == "posix" and mode & 0o077 and b"ENCRYPTED" not in data:
        problem = f"can be read by other users (mode {mode:04o})"
        raise UsageError(path, problem, f"keep them out: chmod 600 {quoted(str(path))}")
    return data


def _public(private: PrivateKey) -> PublicKey:
    from cryptography.hazmat.primitives import serialization

    raw = private.public_key().public_bytes(
        serialization.Encoding.Raw, serialization.PublicFormat.Raw
    )
    return PublicKey.of(raw)
