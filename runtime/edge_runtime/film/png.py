"""PNG files that are not whole, which Pillow may read silently as far as they go.

On the cold path, where an intact film costs a look at the head of each chunk.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

_SIGNATURE = 8  # bytes before the first chunk (PNG, 5.2)
_HEAD, _CHECK_SUM = 8, 4  # bytes around the data of a chunk (PNG, 5.3)
_TORN = "its PNG data are torn off"


def damage(stream: BinaryIO) -> str:
    """Return what the structure of a file says against it, or nothing: its chunks reach to IEND."""
    place = _SIGNATURE
    while True:
        stream.seek(place)
        head = stream.read(_HEAD)
        if head[4:] == b"IEND":
            stream.seek(0)
            return ""
        if len(head) < _HEAD or not head[4:].isalpha():
            return _TORN
        place += _HEAD + int.from_bytes(head[:4], "big") + _CHECK_SUM
