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

PAYLOAD_TYPE = "application/vnd.edge-kit.statement+json"
SIGNATURE_BYTES = 64

_CURE = "sign the bundle again"


class Envelope:
    """The bytes that are signed, the id of the key that is said to have signed, its signature."""

    __slots__ = ("key_id", "payload", "signature")

    def __init__(self, payload: bytes, key_id: str, signature: bytes) -> None:
        self.payload = payload
        self.key_id = key_id
        self.signature = signature

    def to_bytes(self) -> bytes:
        """Return the content of the file."""
        signature = {"keyid": self.key_id, "sig": _encoded(self.signature)}
        return canonical({
            "payload": _encoded(self.payload),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [signature],
        })  # fmt: skip

    @property
    def signed(self) -> bytes:
        """The bytes that the signature is over."""
        return pae(self.payload)


def pae(payload: bytes) -> bytes:
    """Return the pre-authentication encoding of a statement, which is what gets signed."""
    kind = PAYLOAD_TYPE.encode("ascii")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def opened(data: bytes, subject: str) -> Envelope:
    """Return the envelope that `data` is.

    Raises:
        UntrustedBundle: it is none, or not spelled in the one way.
    """
    try:
        document = json.loads(str(data, "ascii"))
        (signature,) = document["signatures"]
        envelope = Envelope(
            _decoded(document["payload"]), signature["keyid"], _decoded(signature["sig"])
        )
        is_ours = document["payloadType"] == PAYLOAD_TYPE and isinstance(envelope.key_id, str)
        is_ours = is_ours and len(envelope.signature) == SIGNATURE_BYTES
        if not is_ours or envelope.to_bytes() != data:
            raise ValueError("other bytes would be written for it")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UntrustedBundle(subject, "is no signature as edge-kit writes it", _CURE) from error
    return envelope


def _encoded(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def _decoded(text: object) -> bytes:
    if not isinstance(text, str):
        raise TypeError("base64 is a text")
    return binascii.a2b_base64(text, strict_mode=True)
