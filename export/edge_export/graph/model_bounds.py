"""What a model file may hold, measured before a library opens or unpacks it.

Each limit is far above what Keras writes. Beyond them lie files that somebody made on purpose: they
cost seconds and gigabytes, or lead to other files of this machine.
"""

from __future__ import annotations

import re
import struct
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

from edge_runtime.errors import DataError

AGAIN = "save it again by model.save('NAME.keras')"

MOST_CONFIG = 16 << 20
"""Bytes of a configuration; those of Keras's own applications have 1 MB."""
MOST_VALUES = 1 << 20
"""Values in it, each of which costs some 100 bytes of memory; NASNetLarge has 60,000."""
MOST_NESTED = 200
"""Brackets that are open at once; a model in a model adds four."""
MOST_PARTS = 1 << 16
"""Layers, initializers and the like, of which Keras makes some thousands a second."""
MOST_DIRECTORY = 1 << 18
"""Bytes of the list of members of an archive; Keras writes three."""
MOST_NODES = 1 << 17
"""Groups and weights in an HDF5 file."""

_UNPACKED, _SLACK = 20, 1 << 22
_DECLARED = 4
_END, _END_SIZE, _COMMENT = b"PK\5\6", 22, 1 << 16
_ZIP64, _ZIP64_SIZE = b"PK\6\7", 20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 1
_TEXT = re.compile(rb'"[^"]*"?')


def require_short_directory(path: Path, file: BinaryIO) -> None:
    """Refuse an archive whose list of members is none that Keras writes, before it is read whole.

    Raises:
        DataError: the list is too long, or there is another than the usual one (zip64).
        OSError: it cannot be read.
    """
    size = file.seek(0, 2)
    file.seek(max(0, size - _END_SIZE - _COMMENT - _ZIP64_SIZE))
    tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < _END_SIZE:
        return  # no archive at all, which zipfile says better
    if _ZIP64 in tail[:at]:
        raise DataError(path, "is an archive of more than 4 GiB, or says so", AGAIN)
    count, length = struct.unpack_from("<HL", tail, at + 10)
    if length > MOST_DIRECTORY:
        raise DataError(path, f"lists members in {length:,} bytes ({count} of them)", AGAIN)


def require_plain_members(path: Path, archive: zipfile.ZipFile) -> dict[str, int]:
    """Return the sizes of the members by name; none is encrypted, twice, or leads anywhere.

    Raises:
        DataError: one is, or all together would unpack to many times the size of the file.
    """
    sizes: dict[str, int] = {}
    for member in archive.infolist():
        name = member.filename
        if name in sizes:
            raise DataError(path, f"holds {name[:64]!r} twice", AGAIN)
        if name.startswith("/") or "\\" in name or ":" in name or ".." in name.split("/"):
            raise DataError(path, f"holds {name[:64]!r}, which leads out of it", AGAIN)
        if member.flag_bits & _ENCRYPTED:
            raise DataError(path, f"its {name[:64]!r} is encrypted", AGAIN)
        if member.compress_type not in _METHODS:
            raise DataError(path, f"its {name[:64]!r} is packed as Keras never does", AGAIN)
        sizes[name] = member.file_size
    if sum(sizes.values()) > _UNPACKED * path.stat().st_size + _SLACK:
        raise DataError(path, "would unpack to many times its size", AGAIN)
    return sizes


def require_small_config(path: Path, text: bytes, what: str) -> None:
    """Refuse a configuration that would fill the memory once it is read.

    Raises:
        DataError: it has too many bytes, values, parts or open brackets.
    """
    if len(text) > MOST_CONFIG:
        raise DataError(path, f"its {what} has {len(text):,} bytes", AGAIN)
    bare = _TEXT.sub(b"", text.replace(rb"\\", b"").replace(rb"\"", b""))
    if (values := sum(map(bare.count, (b",", b"[", b"{")))) > MOST_VALUES:
        raise DataError(path, f"its {what} has {values:,} values", AGAIN)
    if (parts := text.count(b'"class_name"')) > MOST_PARTS:
        raise DataError(path, f"its {what} has {parts:,} parts", AGAIN)
    depth = 0
    for bracket in re.findall(rb"[][{}]", bare):
        depth += 1 if bracket in b"[{" else -1
        if depth > MOST_NESTED:
            raise DataError(path, f"its {what} is nested more than {MOST_NESTED} deep", AGAIN)


def weight_count(path: Path, weights: Path) -> int:
    """Return how many numbers there are in the HDF5 file `weights`; `path` is named in errors.

    Raises:
        DataError: reading them would take more than a file of its size can hold, or other files.
    """
    import h5py

    numbers = sizes = nodes = 0

    def look(_: str, node: Any) -> None:
        nonlocal numbers, sizes, nodes
        nodes += 1
        if nodes > MOST_NODES:
            raise DataError(path, f"holds more than {MOST_NODES} groups and weights", AGAIN)
        _require_short_attributes(path, node)
        if isinstance(node, h5py.Dataset):
            _require_plain_weight(path, node)
            numbers += int(node.size or 0)
            sizes += int(node.nbytes)

    with h5py.File(weights) as opened:
        _require_no_links(path, opened)
        look("", opened)
        opened.visititems(look)
    if sizes > _DECLARED * weights.stat().st_size + _SLACK:
        raise DataError(path, "declares more weights than it holds", AGAIN)
    return numbers


def _require_plain_weight(path: Path, node: Any) -> None:
    """Refuse weights in other files, and those that a filter makes of fewer bytes."""
    if node.external or node.is_virtual:
        raise DataError(path, "its weights lie in another file", AGAIN)
    if node.id.get_create_plist().get_nfilters():
        # A chunk of a megabyte may become a gigabyte, and a filter may be a library to load.
        raise DataError(path, "its weights are compressed within the HDF5 file", AGAIN)
    if node.dtype.hasobject:
        raise DataError(path, "its weights are no numbers", AGAIN)
    whole = node.dtype.itemsize
    for side in node.chunks or ():
        whole *= side
    if whole > node.nbytes + _SLACK:
        raise DataError(path, "declares more weights than it holds", AGAIN)


def _require_short_attributes(path: Path, node: Any) -> None:
    """Refuse an attribute that is no name, no list of names and no configuration."""
    for name in node.attrs:
        attribute = node.attrs.get_id(name)
        count = 1
        for side in attribute.shape:
            count *= side
        if count * attribute.dtype.itemsize > MOST_CONFIG:
            raise DataError(path, "has an attribute that is too large", AGAIN)


def _require_no_links(path: Path, opened: Any) -> None:
    """Refuse names that lead to another file, or to another place of this one."""
    import h5py

    def elsewhere(_: str, link: Any) -> str | None:  # h5py lets no exception through here
        return None if isinstance(link, h5py.HardLink) else "a name in it leads elsewhere"

    if problem := opened.visititems_links(elsewhere):
        raise DataError(path, problem, AGAIN)
