"""The bytes of an archive follow from its contents, and no other bytes are read."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable

import pytest

from edge_runtime.bundle.archive import Member, encode, headers, in_order, names_problem
from edge_runtime.bundle.archive import decode as decode_by
from edge_runtime.errors import IntegrityError, NotABundle

CONTENTS: list[tuple[str, bytes]] = [
    ("manifest.json", b"{}\n"),
    ("a.bin", bytes(200)),
    ("empty", b""),
    ("golden/0.png", b"\x89PNG"),
]
DATA = b"".join(encode(CONTENTS))


def archive_of(*contents: tuple[str, bytes]) -> bytes:
    return b"".join(encode(contents))


def decode(data: bytes, subject: str) -> list[tuple[str, bytes]]:
    """Return names and data of the archive `data`, of which no byte outside is asked for."""

    def read(start: int, length: int) -> bytes:
        assert 0 <= start <= start + length <= len(data)
        return data[start : start + length]

    found = decode_by(read, len(data), subject)
    return [(member.name, data[start : start + member.length]) for member, start in found]


def by_zipfile(*contents: tuple[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file:
        for name, data in contents:
            file.writestr(zipfile.ZipInfo(name), data)
    return buffer.getvalue()


def patched(*changes: tuple[int, str, int]) -> bytes:
    """Return `DATA` with little-endian numbers written at offsets (negative: from the end)."""
    data = bytearray(DATA)
    for at, kind, value in changes:
        struct.pack_into("<" + kind, data, at % len(data), value)
    return bytes(data)


def first(signature: bytes) -> int:
    return DATA.index(signature)


CENTRAL = first(b"PK\1\2")
SECOND = DATA.index(b"PK\1\2", CENTRAL + 1)


def test_what_was_encoded_is_decoded() -> None:
    assert decode(DATA, "x") == CONTENTS


def test_every_member_begins_at_a_multiple_of_64_bytes() -> None:
    before, _ = headers([Member.of(name, data) for name, data in CONTENTS])
    position = 0
    for header, (_, data) in zip(before, CONTENTS, strict=True):
        position += len(header)
        assert position % 64 == 0
        position += len(data)


def test_the_same_contents_give_the_same_bytes() -> None:
    shuffled = dict(reversed(CONTENTS))
    assert archive_of(*((name, shuffled[name]) for name in in_order(shuffled))) == DATA


def test_other_zip_programs_read_it_and_find_no_fault() -> None:
    with zipfile.ZipFile(io.BytesIO(DATA)) as file:
        assert file.testzip() is None
        assert [(info.filename, file.read(info)) for info in file.infolist()] == CONTENTS
        for info in file.infolist():
            assert info.date_time == (1980, 1, 1, 0, 0, 0)
            assert (info.create_system, info.flag_bits, info.comment) == (3, 0, b"")
            assert info.external_attr >> 16 == 0o100644


def test_the_padding_is_a_well_formed_extra_field() -> None:
    before, _ = headers([Member.of(name, data) for name, data in CONTENTS])
    for header, (name, _) in zip(before, CONTENTS, strict=True):
        extra = header[30 + len(name) :]
        identifier, length, alignment = struct.unpack("<3H", extra[:6])
        assert (identifier, length, alignment) == (0xD935, len(extra) - 4, 64)
        assert not any(extra[6:])


FOREIGN: dict[str, bytes] = {
    "nothing": b"",
    "text": b"not a zip, but long enough to hold an end record",
    "an empty zip": by_zipfile(),
    "zipfile's stored": by_zipfile(*CONTENTS),
    "zipfile's compressed": by_zipfile(*CONTENTS, compression=zipfile.ZIP_DEFLATED),
    "no members": archive_of(),
    "no manifest": archive_of(("a", b"")),
    "manifest not first": archive_of(("a", b""), ("manifest.json", b"")),
    "not sorted": archive_of(("manifest.json", b""), ("b", b""), ("a", b"")),
    "65 members": archive_of(CONTENTS[0], *((f"f{i:02d}", b"") for i in range(64))),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_an_archive_of_other_making_is_no_bundle(name: str) -> None:
    with pytest.raises((NotABundle, IntegrityError), match=r"m\.edge: "):
        decode(FOREIGN[name], "m.edge")


BAD_NAMES = [
    "", "/etc/passwd", "../x", "a/../x", "a/..", "./a", "a/./b", "a//b", "golden/", "/", ".", "..",
    "a\\b", "C:x", "C:/x", "a\0b", "a\nb", "a b", "b*", "é", "\x7f", "\u202e", ".hidden", "a.",
    "a/.b", "nul", "CON.txt", "golden/Aux", "com1.png", "x" * 201, "prn", "LPT9",
    "com0", "lpt5.a.b",
]  # fmt: skip


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_is_not_the_same_everywhere_is_refused(name: str) -> None:
    assert names_problem(["manifest.json", name])


@pytest.mark.parametrize("name", [name for name in BAD_NAMES if max(name, default="") < "\u0100"])
def test_an_archive_with_such_a_name_is_no_bundle(name: str) -> None:
    with pytest.raises(NotABundle, match=r"m\.edge: the name"):
        decode(archive_of(CONTENTS[0], (name, b"")), "m.edge")


@pytest.mark.parametrize(
    "names",
    [("a", "a"), ("A", "a"), ("a/B", "a/b"), ("a", "a/b"), ("a", "A/b/c"), ("Manifest.json",)],
)
def test_names_that_meet_on_some_disk_are_refused(names: tuple[str, ...]) -> None:
    contents = [CONTENTS[0], *((name, b"") for name in names)]
    with pytest.raises(NotABundle, match=r"appears twice|both a file and a folder"):
        decode(archive_of(*contents), "m.edge")


@pytest.mark.parametrize(
    "name", ["a", "a.b-c_D", "golden/0.png", "console", "com10", "x" * 200, "0", "a/b/c/d"]
)
def test_plain_names_are_allowed(name: str) -> None:
    assert not names_problem([name])


def _zip64() -> bytes:
    end = DATA[-22:]
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 4, 4,
                         len(DATA) - 22 - CENTRAL, CENTRAL)  # fmt: skip
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(DATA) - 22, 1)
    return DATA[:-22] + record + locator + end


def _data_descriptor() -> bytes:
    flagged = patched((6, "H", 8), (CENTRAL + 8, "H", 8))
    return flagged[:67] + struct.pack("<4s3L", b"PK\7\x08", 0, 3, 3) + flagged[67:]


ATTACKS: dict[str, Callable[[], bytes]] = {
    "bytes before": lambda: b"MZ" + DATA,
    "bytes after": lambda: DATA + b"\0",
    "an archive behind the archive": lambda: DATA + DATA,
    "a gap before the directory": lambda: DATA[:CENTRAL] + bytes(64) + DATA[CENTRAL:],
    "compressed member": lambda: patched((8, "H", 8), (CENTRAL + 10, "H", 8)),
    "encrypted member": lambda: patched((6, "H", 1), (CENTRAL + 8, "H", 1)),
    "UTF-8 flag": lambda: patched((6, "H", 0x800), (CENTRAL + 8, "H", 0x800)),
    "data descriptor": _data_descriptor,
    "other time": lambda: patched((10, "H", 1), (CENTRAL + 12, "H", 1)),
    "other host system": lambda: patched((CENTRAL + 4, "H", 0)),
    "marked as a folder": lambda: patched((CENTRAL + 38, "L", 0x10)),
    "marked as a link": lambda: patched((CENTRAL + 38, "L", 0o120777 << 16)),
    "zip64 records": _zip64,
    "zip64 count": lambda: patched((-14, "H", 0xFFFF), (-12, "H", 0xFFFF)),
    "zip64 directory offset": lambda: patched((-6, "L", 0xFFFFFFFF)),
    "zip64 member length": lambda: patched((CENTRAL + 24, "L", 0xFFFFFFFF)),
    "second disk": lambda: patched((-18, "H", 1), (-16, "H", 1)),
    "member on a second disk": lambda: patched((CENTRAL + 34, "H", 1)),
    "archive comment": lambda: patched((-2, "H", 4)) + b"hey!",
    "comment without its text": lambda: patched((-2, "H", 4)),
    "member comment length": lambda: patched((CENTRAL + 32, "H", 4)),
    "central extra field": lambda: patched((CENTRAL + 30, "H", 4)),
    "two counts": lambda: patched((-14, "H", 3)),
    "one member fewer": lambda: patched((-14, "H", 3), (-12, "H", 3)),
    "one member more": lambda: patched((-14, "H", 5), (-12, "H", 5)),
    "overlapping members": lambda: patched((SECOND + 42, "L", 0)),
    "member outside": lambda: patched((SECOND + 42, "L", len(DATA))),
    "longer than the file": lambda: patched((CENTRAL + 20, "L", 1 << 30), (CENTRAL + 24, "L", 1)),
    "lengths disagree": lambda: patched((CENTRAL + 24, "L", 4)),
    "headers disagree on the name": lambda: patched((30, "B", ord("M"))),
    "headers disagree on the CRC": lambda: patched((14, "L", 0)),
    "headers disagree on the length": lambda: patched((18, "L", 2), (22, "L", 2)),
    "directory elsewhere": lambda: patched((-6, "L", CENTRAL + 1)),
    "directory at the very end": lambda: patched((-6, "L", len(DATA))),
    "directory size": lambda: patched((-10, "L", 0)),
    "padding": lambda: patched((63, "B", 1)),
    "end record alone": lambda: DATA[-22:],
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_archive_that_our_writer_would_not_write_is_refused(name: str) -> None:
    data = ATTACKS[name]()
    assert data != DATA
    with pytest.raises((NotABundle, IntegrityError), match=r"m\.edge: "):
        decode(data, "m.edge")


def test_limits_are_checked_before_anything_is_read() -> None:
    def read(start: int, length: int) -> bytes:
        raise AssertionError((start, length))

    with pytest.raises(NotABundle, match="larger than 1 GiB"):
        decode_by(read, 1 << 30, "m.edge")


@pytest.mark.parametrize("count", [64, 65])
def test_an_archive_has_64_members_at_most(count: int) -> None:
    data = archive_of(CONTENTS[0], *((f"f{number:02d}", b"") for number in range(count - 1)))
    if count == 64:
        assert len(decode(data, "m.edge")) == 64
        return
    with pytest.raises(IntegrityError, match="changed after it was written"):
        decode(data, "m.edge")


@pytest.mark.parametrize("beyond", [0, 1])
def test_a_member_has_256_mebibytes_at_most(beyond: int) -> None:
    members = [Member("manifest.json", 0, 0), Member("a", (1 << 28) + beyond, 0)]
    before, after = headers(members)
    start = sum(map(len, before))
    end = start + members[1].length
    parts = {
        0: before[0],
        len(before[0]): before[1],
        end: after,
        end + len(after) - 22: after[-22:],
    }

    def read(at: int, length: int) -> bytes:
        assert len(parts[at]) == length
        return parts[at]

    if not beyond:
        assert [place for _, place in decode_by(read, end + len(after), "m")] == [
            len(before[0]), start
        ]  # fmt: skip
        return
    with pytest.raises(NotABundle, match="larger than 256 MiB"):
        decode_by(read, end + len(after), "m")


def test_no_more_is_read_than_a_directory_can_be() -> None:
    size = (1 << 30) - 1
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 64, 64, size - 22, 0, 0)
    asked = []

    def read(start: int, length: int) -> bytes:
        asked.append(length)
        return end if start == size - 22 else bytes(length)

    with pytest.raises(NotABundle, match="is not a bundle"):
        decode_by(read, size, "m.edge")
    assert sum(asked) < 1000
