"""A receipt in its signed envelope, which is that of a bundle's signatures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_runtime.bundle.manifest import canonical
from edge_runtime.fleet.records import PAYLOAD_TYPE
from edge_runtime.trust.envelope import Envelope, pae
from edge_runtime.trust.keys import PublicKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_runtime.fleet.records import BoxReceipt


def sealed(receipt: BoxReceipt, sign: Callable[[bytes], bytes]) -> bytes:
    """Return the file of a receipt: canonical JSON in an envelope; `sign` is that of its key."""
    payload = canonical(receipt.to_json())
    signature = sign(pae(payload, PAYLOAD_TYPE))
    return Envelope(payload, key_of(receipt).id, signature, PAYLOAD_TYPE).to_bytes()


def key_of(receipt: BoxReceipt) -> PublicKey:
    """Return the key that a receipt says to be signed by."""
    return PublicKey.of(bytes.fromhex(receipt.key))


def receipt_name(box: str, counter: int) -> str:
    """Return the name of a receipt's file: a folder lists those of a box in their order."""
    return f"receipt-{box}-{counter:08d}.json"
