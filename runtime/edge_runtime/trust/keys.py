"""Public keys of Ed25519 (RFC 8032): their files, and the ids that follow from them.

A file is PEM (RFC 7468) with a SubjectPublicKeyInfo (RFC 8410), as OpenSSL writes it. An id is that
of securesystemslib and of TUF: the SHA-256 of the key's canonical JSON.
"""
# Fields stand in the order they are read in:
# ruff: noqa: RUF023

from __future__ import annotations

import binascii

from edge_runtime.bundle.digest import sha256
from edge_runtime.bundle.records import sha256_hex
from edge_runtime.bundle.schema import Record, one_of, record
from edge_runtime.errors import UsageError

ED25519 = "ed25519"
LARGEST_KEY_FILE = 4096
"""Bytes of a key's file; one that OpenSSL writes has 113."""

_BEGIN, _END = "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"
_PRIVATE = "PRIVATE KEY-----"
_INFO = bytes.fromhex("302a300506032b6570032100")  # what RFC 8410 puts before the 32 bytes


class KeyValue(Record):
    """The 32 bytes of a public key, in lower-case hexadecimal digits."""

    public: str
    __slots__ = {"public": sha256_hex}  # which are as many as a digest has


class PublicKey(Record):
    """A public key, in the form that TUF and securesystemslib give it."""

    keytype: str
    scheme: str
    keyval: KeyValue
    __slots__ = {
        "keytype": one_of(ED25519),
        "scheme": one_of(ED25519),
        "keyval": record(KeyValue),
    }

    @classmethod
    def of(cls, raw: bytes) -> PublicKey:
        """Return the key of 32 bytes."""
        return cls(keytype=ED25519, scheme=ED25519, keyval=KeyValue(public=raw.hex()))

    @property
    def raw(self) -> bytes:
        """The 32 bytes."""
        return bytes.fromhex(self.keyval.public)

    @property
    def id(self) -> str:
        """The SHA-256 of the key's canonical JSON, in hex: computed, and never believed."""
        public = self.keyval.public
        text = f'{{"keytype":"{ED25519}","keyval":{{"public":"{public}"}},"scheme":"{ED25519}"}}'
        return sha256(text.encode("ascii"))

    def to_pem(self) -> str:
        """Return the content of a key file."""
        body = binascii.b2a_base64(_INFO + self.raw, newline=False).decode("ascii")
        return f"{_BEGIN}\n{body}\n{_END}\n"


def read_public_key(path: str) -> PublicKey:
    """Return the public key in the file at `path`.

    Raises:
        UsageError: there is none, it is of another kind, or a private one.
    """
    cure = "give the .pub file that edge-kit keys wrote"
    try:
        with open(path, "rb") as stream:  # noqa: PTH123, as pathlib is slow to load
            data = stream.read(LARGEST_KEY_FILE + 1)
    except (OSError, ValueError) as error:
        problem = f"cannot be read ({getattr(error, 'strerror', None) or error})"
        raise UsageError(path, problem, cure) from error
    text = str(data, "ascii", "replace").strip()
    if _PRIVATE in text:
        problem = "is a private key, which belongs on no machine but its owner's"
        raise UsageError(path, problem, cure)
    key = _parsed(text) if len(data) <= LARGEST_KEY_FILE else None
    if key is None:
        raise UsageError(path, "is no public key of Ed25519 in PEM", cure)
    return key


def _parsed(text: str) -> PublicKey | None:
    if not (text.startswith(_BEGIN) and text.endswith(_END)):
        return None
    body = "".join(text.removeprefix(_BEGIN).removesuffix(_END).split())
    try:
        info = binascii.a2b_base64(body, strict_mode=True)
    except ValueError:
        return None
    return PublicKey.of(info[len(_INFO) :]) if info[:-32] == _INFO and len(info) == 44 else None
