"""Passwords as scrypt hashes (RFC 7914), by the standard library."""

from __future__ import annotations

import hmac
import secrets
from base64 import b64decode, b64encode
from hashlib import scrypt, sha256

_COST, _BLOCK, _PARALLEL = 1 << 14, 8, 5
"""16 MiB for each hash, and as much work as OWASP asks for with so little memory."""
_LENGTH = 32  # bytes of a hash
LEAST, MOST = 12, 1024
"""Characters of a password."""
_MOST_MEMORY = 64 << 20  # bytes, whatever a file of users asks for


def hashed(password: str) -> str:
    """Return what is kept instead of a password: parameters, salt and hash."""
    salt = secrets.token_bytes(16)
    return _kept(salt, _scrypt(password, salt, _COST, _BLOCK, _PARALLEL))


def of_nobody() -> str:
    """Return what matches no password, after as much work as any other takes."""
    return _kept(secrets.token_bytes(16), secrets.token_bytes(_LENGTH))


def matches(password: str, kept: str) -> bool:
    """Tell whether `kept` was made of `password`; this takes long on purpose."""
    try:
        name, cost, block, parallel, salt, expected = kept.split("$")
        found = _scrypt(password, b64decode(salt), int(cost), int(block), int(parallel))
        return name == "scrypt" and hmac.compare_digest(found, b64decode(expected))
    except ValueError:  # it is none of ours
        return False


def new_token() -> str:
    """Return a secret for a program, which nobody can guess."""
    return secrets.token_urlsafe(32)


def fingerprint(token: str) -> str:
    """Return what is kept instead of a token; it is long enough to need no slow hash."""
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _kept(salt: bytes, found: bytes) -> str:
    parts = ("scrypt", _COST, _BLOCK, _PARALLEL, _text(salt), _text(found))
    return "$".join(map(str, parts))


def _scrypt(password: str, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    data = password.encode("utf-8", "surrogatepass")
    return scrypt(data, salt=salt, n=cost, r=block, p=parallel, maxmem=_MOST_MEMORY, dklen=_LENGTH)


def _text(data: bytes) -> str:
    return b64encode(data).decode("ascii")
