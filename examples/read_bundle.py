"""Reads a bundle with nothing of this project, from docs/bundle-format.md alone.

    python examples/read_bundle.py BUNDLE.edge

It checks the identity and every digest, and prints what a person has to know.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
import sys
from pathlib import Path


def members(data: bytes) -> dict[str, bytes]:
    """Return the files of an archive by name, believing the central directory."""
    _, _, _, _, count, _, place, _ = struct.unpack("<4s4H2LH", data[-22:])
    files = {}
    for _ in range(count):
        fields = struct.unpack_from("<4s6H3L5H2L", data, place)
        length, name_length, offset = fields[9], fields[10], fields[16]
        name = data[place + 46 : place + 46 + name_length].decode("ascii")
        extra = struct.unpack_from("<H", data, offset + 28)[0]
        begin = offset + 30 + name_length + extra
        files[name] = data[begin : begin + length]
        place += 46 + name_length
    return files


def main(path: str) -> int:
    """Print what the bundle says of itself; return 0 where all of it is as it was written."""
    files = members(Path(path).read_bytes())
    text = files.pop("manifest.json")
    manifest = json.loads(text)
    without = re.sub(rb'"identity":"[0-9a-f]{64}",', b"", text, count=1)
    if hashlib.sha256(without).hexdigest() != manifest["identity"]:
        sys.exit("the manifest is not the one that its identity names")
    if manifest["schema"] > 1:  # who signed it is told by edge-run info
        files = {name: data for name, data in files.items() if not name.startswith("signatures/")}
    if files.keys() != manifest["files"].keys():
        sys.exit("the files are not those that the manifest lists")
    for name, entry in manifest["files"].items():
        found = {"bytes": len(files[name]), "sha256": hashlib.sha256(files[name]).hexdigest()}
        if found != entry:
            sys.exit(f"{name} is not the file that was written")
    print(manifest["name"], manifest["version"], manifest["identity"])
    print("classes", manifest["classes"]["negative"], manifest["classes"]["positive"])
    print("threshold", manifest["decision"]["threshold"], "verdict", manifest["verdict"])
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: read_bundle.py BUNDLE.edge")
    try:
        sys.exit(main(sys.argv[1]))
    except (OSError, ValueError, KeyError, struct.error) as error:
        sys.exit(f"{sys.argv[1]}: is no bundle ({error})")
