"""The paths in a list of films, as shells, PowerShell, editors and file managers write such lists.

A list is read as it comes, so that a film is answered before the next name is there.
"""

from __future__ import annotations

import codecs
import os
import re
import sys
from itertools import chain

from edge_runtime.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

_HEAD = 1 << 16  # bytes by which a list is known
_LONGEST = 1 << 20  # characters of one path; no system allows as many
_CURE = "give a text file with one path a line"

# The longer mark first: that of UTF-16 begins that of UTF-32.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# How pictures, DICOM files, bundles and archives begin, none of them as a path might.
_BINARY = re.compile(
    rb"\x89PNG|\xff\xd8\xff|II[*+]\0|MM\0[*+]|BM.{4}\0{4}|RIFF.{4}WEBP|.{128}DICM|PK\x03\x04|\x1f\x8b"
    rb"|P[1-7]\s+(?:#[^\n]*\n\s*)*\d+\s+\d+\s",
    re.DOTALL,
)
_CONTROLS = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]")
_QUOTES = {'"': '"', "'": "'", "\u201c": "\u201d", "\u2018": "\u2019"}
_MARK = "\ufeff"  # where lists with one have been joined


def listed(source: str, *, by_nul: bool = False) -> Iterator[str]:
    """Yield the paths in the file `source`, one a line or between NULs; `-` is stdin.

    UTF-8 and UTF-16 are told apart by their mark, or by the NULs that UTF-16 has. NUL separates
    paths where it is said to (`by_nul`) or seen to do so; such a path is taken as it is written.
    One on a line may be in quotes, or a file URL, unless a file is called that.

    Raises:
        UsageError: the list cannot be read, names no film, or is no list.
    """
    standard = source == "-"
    subject = "stdin" if standard else source
    if standard and sys.stdin is None:
        raise UsageError(subject, "is closed", _CURE)
    try:
        with open(0 if standard else source, "rb", closefd=not standard) as stream:
            none = True
            for path in _paths(stream, subject, by_nul):
                none = False
                yield path
    except OSError as error:
        raise UsageError(subject, error.strerror or str(error), _CURE) from error
    except UnicodeDecodeError as error:
        raise UsageError(subject, f"is no text in {error.encoding}", _CURE) from error
    if none:
        raise UsageError(subject, "names no film", _CURE)


def _paths(stream: BinaryIO, subject: str, by_nul: bool) -> Iterator[str]:
    head = _head(stream)
    start, encoding = _encoding(head, by_nul)
    escaped = "surrogateescape" if encoding == "utf-8" else "surrogatepass"
    decoder = codecs.getincrementaldecoder(encoding)(escaped)
    first = decoder.decode(head[start:])
    if _is_binary(head, first):
        raise UsageError(subject, "is no list of paths but a picture or other data", _CURE)
    by_nul = by_nul or "\0" in first
    # Macintosh's line ends of old; unless a file is called that, carriage returns and all.
    of_old = "\r" in first and "\n" not in first and not os.path.lexists(first)
    rest = (decoder.decode(data) for data in _chunks(stream))
    texts = chain([first], rest, (decoder.decode(b"", final=True) for _ in range(1)))
    for text in _parts(texts, "\0" if by_nul else "\r" if of_old else "\n"):
        if len(text) > _LONGEST:
            raise UsageError(subject, "holds what is too long for a path", _CURE)
        if by_nul:
            if text:
                yield text
        elif "\0" in text:
            raise UsageError(subject, "has a NUL within a line", "add --null if it ends the paths")
        else:
            # Where lists have been joined, the second one may have other line ends.
            lines = text.split("\n") if of_old else [text.rstrip("\r")]
            yield from filter(None, map(_unquoted, lines))


def _head(stream: BinaryIO) -> bytes:
    """Read until the encoding can be told, and return what was read."""
    head = b""
    for data in _chunks(stream):
        head += data
        if b"\n" in head or len(head) >= _HEAD or (len(head) >= 4 and b"\0" in head):
            break
    return head


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    """Yield data as soon as they arrive."""
    while data := stream.read1(_HEAD):  # type: ignore[attr-defined]  # of a buffered reader
        yield data


def _encoding(head: bytes, by_nul: bool) -> tuple[int, str]:
    """Return the offset in `head` at which the text begins, and the encoding."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return len(mark), encoding
    low, high = head[::2].count(0), head[1::2].count(0)
    for zeros, others, end, encoding in (
        (high, low, b"\n\0", "utf-16-le"),
        (low, high, b"\0\n", "utf-16-be"),
    ):
        # NUL after every name stands anywhere, and never for a half of what ends a line.
        ends = any(head[place : place + 2] == end for place in range(0, len(head), 2))
        dense = 5 * zeros >= len(head) if ends else 5 * zeros >= 2 * len(head) and not by_nul
        if zeros and zeros >= 4 * others and dense:
            return 0, encoding
    return 0, "utf-8"


def _is_binary(head: bytes, text: str) -> bool:
    controls = len(_CONTROLS.findall(text))
    return (
        bool(_BINARY.match(head)) or "\0\0" in text or (controls >= 8 and 20 * controls > len(text))
    )


def _parts(texts: Iterator[str], separator: str) -> Iterator[str]:
    """Yield what stands between separators, each part as soon as it is whole."""
    rest = ""
    for text in texts:
        *whole, rest = (rest + text).split(separator)
        yield from whole
        if len(rest) > _LONGEST:
            break
    yield rest


def _unquoted(line: str) -> str:
    """Return the path that a line holds, empty where it holds none."""
    odd = line[:1] in _QUOTES or line.strip() != line or line.startswith(("file://", _MARK))
    if not odd or os.path.lexists(line):
        return line
    name = line.strip().removeprefix(_MARK)
    if len(name) > 1 and _QUOTES.get(name[0]) == name[-1]:
        # In a shell's quotes one of their own is written as four characters.
        return name[1:-1].replace("'\\''", "'") if name[0] == "'" else name[1:-1]
    return _of_url(name) if name.startswith("file://") else name


def _of_url(url: str) -> str:
    """Return the path of a file URL (RFC 8089) of this machine; any other URL as it is."""
    from urllib.parse import unquote_to_bytes

    path = url.removeprefix("file://").removeprefix("localhost")
    path = os.fsdecode(unquote_to_bytes(os.fsencode(path)))
    if not path.startswith("/") or "\0" in path:
        return url
    return path[1:] if os.name == "nt" and path[2:3] == ":" else path
