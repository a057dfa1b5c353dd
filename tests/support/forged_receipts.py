"""Receipts of boxes that were changed, and signed anew by whoever has a key."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

from edge_runtime.bundle.manifest import canonical
from edge_runtime.fleet.records import PAYLOAD_TYPE
from edge_runtime.trust.envelope import pae
from simulated_boxes import key_of


def resigned(data: bytes, change: Callable[[dict[str, Any]], object], number: int = 0) -> bytes:
    """Return a receipt whose document was changed and signed anew by the same key."""
    envelope = json.loads(data)
    document = json.loads(b64decode(envelope["payload"]))
    change(document)
    return sealed_anew(envelope, canonical(document), number)


def sealed_anew(envelope: dict[str, Any], payload: bytes, number: int = 0) -> bytes:
    """Return an envelope of another payload, signed by the key of a box."""
    signature = key_of(number).sign(pae(payload, PAYLOAD_TYPE))
    envelope["payload"] = b64encode(payload).decode()
    envelope["signatures"][0]["sig"] = b64encode(signature).decode()
    return (json.dumps(envelope, sort_keys=True, separators=(",", ":")) + "\n").encode()


def put(key: str, value: object) -> Callable[[dict[str, Any]], object]:
    return lambda document: document.__setitem__(key, value)


def replaced(data: bytes, **keys: object) -> bytes:
    """Return an envelope with other members."""
    envelope = {**json.loads(data), **keys}
    return (json.dumps(envelope, sort_keys=True, separators=(",", ":")) + "\n").encode()
