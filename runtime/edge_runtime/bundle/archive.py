"""The stored zip a bundle travels in: every byte beside the data follows from the data.

Members lie uncompressed, each beginning at a multiple of 64 bytes, `manifest.json` first and the
others sorted by name. Their headers are a pure function of (names, lengths, CRCs), so reading is
encoding once more and comparing: compression, encryption, comments, zip64, overlaps and stray
bytes need no rule of their own. Field layout: PKWARE APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12
and 4.3.16; the padding is the alignment field (0xD935) of Android's zipalign.
"""

from __future__ import annotations

import binascii
import struct

from edge_runtime.errors import EdgeError, IntegrityError, NotABundle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import TypeAlias

    from edge_runtime.bundle.digest import Data

    Reader: TypeAlias = Callable[[int, int], bytes]
    """Returns a range of an archive: takes its start and length, gives all of its bytes."""

MANIFEST = "manifest.json"
ALIGNMENT = 64
MOST_MEMBERS = 64
LARGEST_MEMBER = 1 << 28
LARGEST_ARCHIVE = (1 << 30) - 1
SIGNATURES = "signatures/"
"""The folder of what no manifest lists: signatures over it, from schema 2 on."""
MOST_SIGNATURES = 8
LARGEST_SIGNATURE = 1 << 14

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_PADDING = struct.Struct("<3H")
_PADDING_ID = 0xD935
_STORED = (10, 0, 0, 0, 1 << 5 | 1)  # version 1.0, no flags, no compression, 00:00, 1980-01-01
_MADE_BY_UNIX = 3 << 8 | 10
_REGULAR_FILE = 0o100644 << 16
_MOST_ENTRIES = MOST_MEMBERS + MOST_SIGNATURES
_LARGEST_DIRECTORY = _MOST_ENTRIES * (_CENTRAL.size + 1024)  # names far over the limit, to say so

# Only our writer begins a file like this: what begins so and goes on differently was damaged.
_MARK = MANIFEST.encode() + struct.pack("<H", _PADDING_ID)
_MARK_AT = _LOCAL.size

_NAME_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
_WINDOWS_DEVICES = frozenset(
    ("con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10)))
)


class Member:
    """One stored file: its name, the length of its data in bytes and their CRC-32."""

    __slots__ = ("crc", "length", "name")

    def __init__(self, name: str, length: int, crc: int) -> None:
        self.name = name
        self.length = length
        self.crc = crc

    @classmethod
    def of(cls, name: str, data: Data) -> Member:
        """Return the member that stores `data` under `name`."""
        return cls(name, memoryview(data).nbytes, binascii.crc32(data))


def name_problem(name: str) -> str:
    """Return why no member may be called `name`, or nothing where it may.

    Allowed is what means the same on every disk: relative paths of ASCII letters, digits and
    `._-`, no part of which begins or ends with a dot or names a Windows device.
    """
    if not 1 <= len(name) <= 200:
        return "is empty or longer than 200 characters"
    for part in name.split("/"):
        if not part or part.strip(_NAME_ALPHABET):
            return "is not a relative path of the characters A-Z a-z 0-9 . _ -"
        if part[0] == "." or part[-1] == ".":
            return "has a part that begins or ends with a dot"
        if part.lower().partition(".")[0] in _WINDOWS_DEVICES:
            return "names a Windows device"
    return ""


def names_problem(names: Iterable[str]) -> str:
    """Return why these files cannot lie in one folder on every system, or nothing."""
    seen: set[str] = set()
    for name in names:
        if problem := name_problem(name):
            return f"the name {name!r} {problem}"
        if name.lower() in seen:
            return f"the name {name!r} appears twice"
        seen.add(name.lower())
    for name in seen:
        folder = name.rpartition("/")[0]
        while folder:
            if folder in seen:
                return f"{folder!r} is both a file and a folder"
            folder = folder.rpartition("/")[0]
    return ""


def is_signature(name: str) -> bool:
    """Tell whether a file of this name is a signature, `signatures/NAME.json`."""
    return name.startswith(SIGNATURES) and name.endswith(".json") and name.count("/") == 1


def in_order(names: Iterable[str]) -> list[str]:
    """Return `names` in the order members are stored: the manifest first, the rest sorted."""
    return sorted(names, key=lambda name: (name != MANIFEST, name))


def headers(members: Sequence[Member]) -> tuple[list[bytes], bytes]:
    """Return the header that precedes each member's data, and the bytes after the last one."""
    before, directory, offset = [], b"", 0
    for member in members:
        name = member.name.encode("latin-1")  # a foreign archive's names come through unchanged
        shared = (*_STORED, member.crc, member.length, member.length, len(name))
        padding = -(offset + _LOCAL.size + len(name) + _PADDING.size) % ALIGNMENT
        local = _LOCAL.pack(b"PK\3\4", *shared, _PADDING.size + padding) + name
        local += _PADDING.pack(_PADDING_ID, 2 + padding, ALIGNMENT) + bytes(padding)
        directory += _CENTRAL.pack(
            b"PK\1\2", _MADE_BY_UNIX, *shared, 0, 0, 0, 0, _REGULAR_FILE, offset
        )
        directory += name
        before.append(local)
        offset += len(local) + member.length
    end = _END.pack(b"PK\5\6", 0, 0, len(before), len(before), len(directory), offset, 0)
    return before, directory + end


def encode(contents: Iterable[tuple[str, Data]]) -> Iterator[Data]:
    """Yield, piece by piece, the archive that holds `contents`, pairs in stored order."""
    stored = list(contents)
    before, after = headers([Member.of(name, data) for name, data in stored])
    for header, (_, data) in zip(before, stored, strict=True):
        yield header
        yield data
    yield after


def decode(read: Reader, size: int, subject: str) -> list[tuple[Member, int]]:
    """Return every member and the offset of its data, after checking all bytes between the data.

    `read(start, length)` returns bytes of the archive, which is `size` bytes long. The data
    themselves are not read.

    Raises:
        NotABundle: this is no archive of ours, or it holds names or sizes we do not write.
        IntegrityError: this was an archive of ours, but is cut short, longer or changed.
    """
    if size > LARGEST_ARCHIVE:
        raise NotABundle(subject, "is larger than 1 GiB, which no bundle is", "choose another file")
    placed = _members(read, size)
    if placed is None:
        raise _foreign(read, size, subject)
    members = [member for member, _ in placed]
    names = [member.name for member in members]
    problem = names_problem(names)
    if not problem and (names[:1] != [MANIFEST] or names != in_order(names)):
        problem = f"its files are not {MANIFEST} and then the others by name"
    if not problem and any(member.length > LARGEST_MEMBER for member in members):
        problem = f"one of its files is larger than {LARGEST_MEMBER >> 20} MiB"
    if problem:
        raise NotABundle(subject, problem, "export the bundle again")
    return placed


def _members(read: Reader, size: int) -> list[tuple[Member, int]] | None:
    """Return the members and the offsets of their data, or nothing unless all headers are ours."""
    if size < _END.size:
        return None
    signature, _, _, _, count, length, start, _ = _END.unpack(read(size - _END.size, _END.size))
    # The directory reaches to the end record, or something lies between them that is not ours.
    if signature != b"PK\5\6" or count > _MOST_ENTRIES or start + length + _END.size != size:
        return None
    after = read(start, size - start) if length <= _LARGEST_DIRECTORY else b""
    try:
        members = list(_directory(after, count))
        before, expected = headers(members)
    except struct.error:
        return None
    listed = [member for member in members if not is_signature(member.name)]
    if after != expected or len(listed) > MOST_MEMBERS:
        return None
    placed, position = [], 0
    for header, member in zip(before, members, strict=True):
        begin = position + len(header)
        if begin + member.length > start or read(position, len(header)) != header:
            return None
        placed.append((member, begin))
        position = begin + member.length
    return placed if position == start else None


def _directory(data: bytes, count: int) -> Iterator[Member]:
    """Yield what the central directory lists, believing nothing but names, lengths and CRCs.

    Raises:
        struct.error: it is too short for what it announces.
    """
    position = 0
    for _ in range(count):
        fields = _CENTRAL.unpack_from(data, position)
        crc, length, name_length = fields[7], fields[9], fields[10]
        position += _CENTRAL.size
        name = data[position : position + name_length].decode("latin-1")
        position += name_length
        yield Member(name, length, crc)


def _foreign(read: Reader, size: int, subject: str) -> EdgeError:
    """Return the error for bytes that our writer would not have written here."""
    if size >= _MARK_AT + len(_MARK) and read(_MARK_AT, len(_MARK)) == _MARK:
        return IntegrityError(
            subject, "is cut short or was changed after it was written", "copy it again"
        )
    return NotABundle(
        subject,
        "is not a bundle, or was packed again by another program",
        "give the .edge file as edge-kit export wrote it",
    )
