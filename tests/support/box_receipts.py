"""Receipts that `edge-run receipt` writes, and what they say once their signature is verified."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

from edge_runtime.cli import run
from edge_runtime.fleet.records import PAYLOAD_TYPE
from edge_runtime.trust.keys import PublicKey


def files(stick: Path) -> list[Path]:
    return sorted(stick.iterdir())


def opened(path: Path) -> dict[str, Any]:
    """Return what a receipt says, once its signature is that of the key in it."""
    envelope = Envelope.from_dict(json.loads(path.read_bytes()))
    document: dict[str, Any] = json.loads(envelope.payload)
    (name,) = envelope.signatures
    assert name == PublicKey.of(bytes.fromhex(document["key"])).id
    envelope.verify([SSlibKey(name, "ed25519", "ed25519", {"public": document["key"]})], 1)
    assert envelope.payload_type == PAYLOAD_TYPE
    return document


def receipt(stick: Path, tiny: Path, *words: object) -> int:
    return run(["receipt", "--out", str(stick), "--bundle", str(tiny), *map(str, words)])
