"""SHA-256 at the lowest price: OpenSSL's C module, without `hashlib` around it.

Loading OpenSSL costs 2 ms, but hashes 2.5 MB in 1.5 to 2.5 ms; the interpreter's own C module
(`_sha256`, `_sha2`) loads in 0.5 ms and then takes 13 ms.
"""

from __future__ import annotations

try:
    from _hashlib import openssl_sha256 as _sha256
except ImportError:  # a Python built without OpenSSL
    from hashlib import sha256 as _sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO, TypeAlias

    Data: TypeAlias = bytes | bytearray | memoryview


def sha256(data: Data) -> str:
    """Return the SHA-256 of `data` in hex, without copying it."""
    return _sha256(data).hexdigest()


def sha256_of(stream: BinaryIO) -> str:
    """Return the SHA-256 in hex of what `stream` still holds, read a mebibyte at a time.

    Raises:
        OSError: it cannot be read.
    """
    digest = _sha256()
    while data := stream.read(1 << 20):
        digest.update(data)
    return digest.hexdigest()
