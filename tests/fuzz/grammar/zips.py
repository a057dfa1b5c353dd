"""Zip archives (APPNOTE 6.3): members that unpack to much, or lie about it."""

from __future__ import annotations

import json
import struct
import zipfile
from io import BytesIO
from random import Random

from fuzz.grammar.numbers import many

_NAMES = ("config.json", "metadata.json", "model.weights.h5", "assets/x", "../x", "/x", "a" * 300)


def archive(members: list[tuple[str, bytes]]) -> bytes:
    """Return a compressed archive of these members."""
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members:
            file.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def file(chance: Random) -> bytes:
    """Return what could be a model file of Keras, some of it too large or too deep."""
    deep = "[" * many(chance, 1, 200_000)
    config = {"class_name": "Sequential", "config": {"layers": [deep] * many(chance, 100, 1000)}}
    members = {
        "config.json": json.dumps(config).encode() if chance.random() < 0.5 else deep.encode(),
        "metadata.json": b'{"keras_version": "3.15.0"}',
        "model.weights.h5": bytes(many(chance, 1, 1 << 22) * 64),
    }
    listed = list(members.items())
    for _ in range(chance.randrange(3)):
        listed.append((chance.choice(_NAMES) + str(len(listed)), bytes(many(chance, 1, 1 << 16))))
    listed += [(f"m{index}", b"") for index in range(many(chance, 100, 20_000))]
    data = bytearray(archive(listed))
    if chance.random() < 0.3:  # sizes that are not those of the members
        at = data.find(b"PK\1\2") + chance.choice((20, 24))
        struct.pack_into("<I", data, at, chance.choice((0, 1, 1 << 30, 0xFFFFFFFF)))
    return bytes(data)
