"""Damaged and forged receipts of boxes: each is taken as its box wrote it, or refused by a line."""

from __future__ import annotations

import json
import tempfile
from base64 import b64decode
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from edge_kit.fleet.judging import JudgedBy, judge
from edge_kit.fleet.opening import open_receipt
from edge_kit.fleet.reading import read_receipts
from edge_kit.fleet.report import document, render
from edge_runtime.bundle.digest import sha256
from edge_runtime.bundle.manifest import canonical
from edge_runtime.errors import DataError
from edge_runtime.fleet.records import PAYLOAD_TYPE
from edge_runtime.trust.envelope import Envelope, pae
from edge_runtime.trust.keys import PublicKey
from fuzz.mutate import ANY, damaged
from fuzz.signatures import warped
from simulated_boxes import NOW, SimulatedBox, key_of

_NUMBERS = (0, 1, 2, 19, 20, 10**6, 10**15 - 1, 10**15)
_TEXTS = ("", "<script>alert(1)</script>", "{{ box }}", "../../x", "\u202e", "é", "x" * 100, "'\"&")
_SHOWN_WHOLE = 20
"""Of so many receipts that were taken, one is shown on a page as well: that takes longest."""


def receipt_case() -> Callable[[Random], tuple[bytes, Callable[[bytes], str]]]:
    """Return what damages receipts, and reads them as a fleet's."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    box = SimulatedBox(folder)
    box.write(days_ago=8)
    path = box.write()
    seed = path.read_bytes()

    def judged(data: bytes) -> str:
        path.write_bytes(data)
        try:
            signed = open_receipt(path)
        except DataError as error:
            assert "\n" not in str(error) and len(str(error)) < 2000, str(error)
            reading = read_receipts(folder)
            assert [name for name, _ in reading.rejected] == [path.name]
            return "DataError"
        # Only its own key makes a receipt: what the box wrote, or what was signed by that anew.
        assert signed.digest == sha256(data)
        assert data == seed or is_signed_anew(data), "changed, and taken"
        fleet = judge(read_receipts(folder), JudgedBy(now=NOW))
        assert json.dumps(document(fleet), allow_nan=False)
        if int(signed.digest, 16) % _SHOWN_WHOLE == 0:
            assert "<script>alert" not in render(fleet)
        return "accepted"

    return lambda chance: (damaged_receipt(seed, chance), judged)


def is_signed_anew(data: bytes) -> bool:
    """Tell whether the key of the box, or another of ours, signed these bytes."""
    document = json.loads(data)
    payload = b64decode(document["payload"])
    key = json.loads(payload)["key"]
    for number in (0, 1):
        private = key_of(number)
        if private.public_key().public_bytes_raw().hex() == key:
            signature = private.sign(pae(payload, PAYLOAD_TYPE))  # which is the same each time
            return b64decode(document["signatures"][0]["sig"]) == signature
    return False


def damaged_receipt(seed: bytes, chance: Random) -> bytes:
    """Return a receipt whose bytes, envelope or document was damaged."""
    deed = chance.random()
    if deed < 0.25:
        return bytes(damaged(seed, chance, [seed], ANY))
    if deed < 0.4:
        return warped(seed, chance)
    payload = b64decode(json.loads(seed)["payload"])
    if deed < 0.6:
        payload = warped(payload, chance)
    elif deed < 0.9:
        payload = retold(payload, chance)
    else:
        payload = bytes(damaged(payload, chance, [payload], ANY))
    number = chance.choice((0, 0, 0, 1))
    public = PublicKey.of(key_of(number).public_key().public_bytes_raw())
    if number and chance.random() < 0.5:
        payload = payload.replace(
            key_of(0).public_key().public_bytes_raw().hex().encode(), public.keyval.public.encode()
        )
    signature = key_of(number).sign(pae(payload, PAYLOAD_TYPE))
    return Envelope(payload, public.id, signature, PAYLOAD_TYPE).to_bytes()


def retold(payload: bytes, chance: Random) -> bytes:
    """Return a document with other values of the same kinds: what a box of a thief may say."""
    document = json.loads(payload)
    for _ in range(chance.choice((1, 1, 2, 4))):
        place, key = chance.choice([*_leaves(document)])
        value = place[key]
        if isinstance(value, bool):
            place[key] = not value
        elif isinstance(value, int | float):
            place[key] = chance.choice(_NUMBERS)
        elif isinstance(value, str) and len(value) not in (32, 64):
            place[key] = chance.choice(_TEXTS)
        else:
            place[key] = None if chance.random() < 0.3 else "0" * 64
    return canonical(document)


def _leaves(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield where each value of a document stands that holds no other."""
    for key in value if isinstance(value, dict) else range(len(value)):
        if isinstance(value[key], dict | list):
            yield from _leaves(value[key])
        else:
            yield value, key
