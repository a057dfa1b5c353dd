"""Ed25519 for a box: by the package `cryptography`, or by the program `openssl` where that lacks.

`securesystemslib` brings Ed25519 in Python, which signs too; but its authors allow it for checking
alone, since the time it takes tells of the key.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from edge_runtime.cures import quoted
from edge_runtime.errors import UsageError

_PUBLIC = 32  # bytes, which end the DER of a public key (RFC 8410)
_SIGNATURE = 64  # bytes


def new_key() -> str:
    """Return a new private key in PEM (PKCS 8, without a password).

    Raises:
        UsageError: nothing here can make one.
    """
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    except ImportError:
        return _openssl("genpkey", "-algorithm", "ed25519").decode("ascii")
    return (
        Ed25519PrivateKey.generate()
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        .decode("ascii")
    )


def public_key(private: str) -> str:
    """Return the public key of `private`, in hex.

    Raises:
        UsageError: it is no key, or nothing here can read one.
    """
    key = _loaded(private)
    if key is None:
        return _openssl("pkey", "-pubout", "-outform", "DER", key=private)[-_PUBLIC:].hex()
    return key.public_key().public_bytes_raw().hex()


def signature(private: str, message: bytes) -> bytes:
    """Return the 64 bytes by which `private` signs `message` (RFC 8032).

    Raises:
        UsageError: it is no key, or nothing here can sign.
    """
    key = _loaded(private)
    if key is not None:
        return key.sign(message)
    with tempfile.TemporaryDirectory() as folder:  # openssl wants to know the length beforehand
        place = Path(folder) / "message"
        place.write_bytes(message)
        signed = _openssl("pkeyutl", "-sign", "-rawin", "-in", str(place), key=private)
    if len(signed) != _SIGNATURE:
        raise _unsigned("openssl signs by another method")
    return signed


def _loaded(private: str) -> Ed25519PrivateKey | None:
    """Return the key for `cryptography`, or nothing where that is not installed.

    Raises:
        UsageError: it is none.
    """
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError:
        return None
    try:
        key = load_pem_private_key(private.encode("ascii"), None)
    except (ValueError, TypeError) as error:
        raise _unsigned("the key of this box is damaged") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _unsigned("the key of this box is none for Ed25519")
    return key


def _openssl(*arguments: str, key: str = "") -> bytes:
    program = shutil.which("openssl")
    if program is None:
        raise _unsigned("neither cryptography nor openssl is here to sign")
    given_key = ["-inkey" if arguments[0] == "pkeyutl" else "-in", "/dev/stdin"] if key else []
    done = subprocess.run(
        [program, *arguments, *given_key], input=key.encode(), capture_output=True, check=False
    )
    if done.returncode or not done.stdout:
        raise _unsigned("openssl does not do it")
    return done.stdout


def _unsigned(problem: str) -> UsageError:
    cure = f"{quoted(sys.executable)} -m pip install cryptography"
    return UsageError("receipt", f"cannot be signed: {problem}", f"install a signer: {cure}")


TYPE_CHECKING = False
if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
