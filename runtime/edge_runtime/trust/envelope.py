"""Signed statements in a file: a DSSE envelope with one signature, of which there is one spelling.

DSSE 1.0 (github.com/secure-systems-lab/dsse): what is signed is `PAE(type, payload)`, and never
JSON that was parsed before. The file is canonical JSON, as a manifest is, so that a key that stands
twice, or base64 that is written in another way, is refused before anything is made of it.
"""

from __future__ import annotations

import binascii
import json

from edge_runtime.bundle.manifest import canonical
from edge_runtime.errors import UntrustedBundle

STATEMENT = "application/vnd.edge-kit.statement+json"
"""The type of what is signed of a bundle; other rooms have others in such envelopes."""
SIGNATURE_BYTES = 64

_CURE = "sign the bundle again"


class Envelope:
    """A `payload` of the type `kind`, the id of the key that is said to have signed it, and how."""

    __slots__ = ("key_id", "kind", "payload", "signature")

    def __init__(
        self, payload: bytes, key_id: str, signature: bytes, kind: str = STATEMENT
    ) -> None:
        self.kind = kind
        self.payload = payload
        self.key_id = key_id
        self.signature = signature

    def to_bytes(self) -> bytes:
        """Return the content of the file."""
        signature = {"keyid": self.key_id, "sig": _encoded(self.signature)}
        return canonical({
            "payload": _encoded(self.payload),
            "payloadType": self.kind,
            "signatures": [signature],
        })  # fmt: skip

    @property
    def signed(self) -> bytes:
        """The bytes that the signature is over."""
        return pae(self.payload, self.kind)


def pae(payload: bytes, kind: str = STATEMENT) -> bytes:
    """Return the pre-authentication encoding of a payload, which is what gets signed."""
    named = kind.encode("ascii")
    return b"DSSEv1 %d %b %d %b" % (len(named), named, len(payload), payload)


def read_envelope(data: bytes, kind: str) -> Envelope:
    """Return the envelope that `data` is.

    Raises:
        ValueError, KeyError, TypeError, RecursionError: it is none of that kind, or not spelled in
            the one way.
    """
    document = json.loads(str(data, "ascii"))
    (signature,) = document["signatures"]
    payload, signed = _decoded(document["payload"]), _decoded(signature["sig"])
    envelope = Envelope(payload, signature["keyid"], signed, kind)
    is_ours = document["payloadType"] == kind and isinstance(envelope.key_id, str)
    is_ours = is_ours and len(envelope.signature) == SIGNATURE_BYTES
    if not is_ours or envelope.to_bytes() != data:
        raise ValueError("other bytes would be written for it")
    return envelope


def opened(data: bytes, subject: str) -> Envelope:
    """Return the envelope of a statement that `data` is.

    Raises:
        UntrustedBundle: it is none, or not spelled in the one way.
    """
    try:
        return read_envelope(data, STATEMENT)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UntrustedBundle(subject, "is no signature as edge-kit writes it", _CURE) from error


def _encoded(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def _decoded(text: str) -> bytes:
    return binascii.a2b_base64(text, strict_mode=True)
