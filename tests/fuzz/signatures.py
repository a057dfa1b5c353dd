"""Bundles whose signatures are damaged: as files, as envelopes, and as statements signed anew."""

from __future__ import annotations

import json
from random import Random

from edge_runtime.bundle import archive
from edge_runtime.bundle.manifest import canonical
from edge_runtime.trust import envelope
from edge_runtime.trust.envelope import Envelope
from fuzz.mutate import ANY, damaged
from fuzz.seeds import contents_of, damaged_bundle, warp
from signing_keys import MALLORY, VENDOR


def damaged_signed_bundle(seed: bytes, chance: Random) -> bytes:
    """Return a bundle that is damaged anywhere, or one whose signatures alone are."""
    if chance.random() < 0.5:
        return damaged_bundle(seed, chance)
    contents = contents_of(seed)
    names = [name for name in contents if archive.is_signature(name)]
    for name in names if chance.random() < 0.2 else [chance.choice(names)]:
        contents[name] = damaged_signature(contents[name], chance)
    if chance.random() < 0.1:
        for number in range(chance.choice((1, 6, 7))):
            contents[f"signatures/{number}.json"] = contents[names[0]]
    if chance.random() < 0.1:
        contents[chance.choice(names)] = bytes(chance.choice((0, 1 << 14, (1 << 14) + 1)))
    return b"".join(archive.encode((name, contents[name]) for name in archive.in_order(contents)))


def damaged_signature(data: bytes, chance: Random) -> bytes:
    """Return a signature whose bytes, envelope or statement was damaged."""
    deed = chance.random()
    if deed < 0.3:
        return bytes(damaged(data, chance, [data], ANY))
    if deed < 0.6:
        return warped(data, chance)
    payload = envelope.opened(data, "seed").payload
    payload = (
        warped(payload, chance) if deed < 0.9 else bytes(damaged(payload, chance, [payload], ANY))
    )
    key = chance.choice((VENDOR, MALLORY))
    return Envelope(payload, key.public.id, key.sign(envelope.pae(payload))).to_bytes()


def warped(data: bytes, chance: Random) -> bytes:
    """Return JSON with other values, in its one spelling where there is one."""
    document = json.loads(data)
    for _ in range(chance.choice((1, 1, 2, 4))):
        warp(document, chance)
    try:
        return canonical(document)
    except (ValueError, TypeError, RecursionError):
        return data
