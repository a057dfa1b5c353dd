"""Messages between a classifier and a process that reads films for it: an object, and bytes.

Nothing is unpickled: what comes from a process that read a hostile file is looked at like a file.
"""

from __future__ import annotations

import json
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, BinaryIO

_LENGTHS = struct.Struct("<IQ")  # bytes of JSON, bytes after it
_MOST_JSON = 1 << 16
MOST_PIXELS = 4096 * 4096 * 3
"""The most bytes of pixels that a graph takes (`Preprocess`)."""


class Broken(Exception):
    """The other side is gone, or says what it should not."""


def send(stream: BinaryIO, message: Mapping[str, object], data: bytes = b"") -> None:
    """Write a message and the bytes that belong to it.

    Raises:
        Broken: nobody reads it.
    """
    text = json.dumps(message).encode("ascii")
    try:
        stream.write(_LENGTHS.pack(len(text), len(data)) + text)
        stream.write(data)
        stream.flush()
    except OSError as error:
        raise Broken(error.strerror) from error


def receive(stream: BinaryIO, most: int) -> tuple[dict[str, Any], bytes]:
    """Return the next message and the bytes that belong to it, which are at most `most`.

    Raises:
        Broken: it ends before, or is no message.
    """
    length, size = _LENGTHS.unpack(_exactly(stream, _LENGTHS.size))
    if length > _MOST_JSON or size > most:
        raise Broken("a message is longer than any should be")
    try:
        message = json.loads(_exactly(stream, length))
    except (ValueError, RecursionError) as error:
        raise Broken("a message is no JSON") from error
    if not isinstance(message, dict):
        raise Broken("a message is no object")
    return message, _exactly(stream, size)


def _exactly(stream: BinaryIO, size: int) -> bytes:
    try:
        data = stream.read(size)
    except OSError as error:
        raise Broken(error.strerror) from error
    if len(data) < size:
        raise Broken("the other side is gone")
    return data
