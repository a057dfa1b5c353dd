"""Films that cost a reader too much, each by a number of things that no film has.

    python tests/fuzz/hostile.py --list
    python tests/fuzz/hostile.py FOLDER [NAME...]

Some are sparse files; in all they take a gigabyte of disk. They are measured by
`benchmarks/hostile_files.py`.
"""

from __future__ import annotations

import os
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fuzz.grammar import bmp, dicom, jpeg, png, tiff, webp

Write = Callable[[Path], object]

MEBI = 1 << 20


def data(made: Callable[[], bytes]) -> Write:
    """Return what writes a file of the bytes that are `made` then."""
    return lambda path: path.write_bytes(made())


def sparse(head: bytes, size: int) -> Write:
    """Return what writes a file that begins with `head`, with zeros after it that take no disk."""

    def write(path: Path) -> None:
        path.write_bytes(head)
        os.truncate(path, size)

    return write


def with_png(*chunks: bytes, side: int = 128, idat: bytes | None = None) -> bytes:
    """Return a small film with other chunks before its pixels."""
    pixels = png.chunk(b"IDAT", png.pixels(side, side) if idat is None else idat)
    return png.SIGNATURE + png.header(side, side) + b"".join(chunks) + pixels + png.END


def begun_png(kind: bytes, size: int) -> bytes:
    """Return the beginning of a PNG whose next chunk has `size` bytes."""
    return png.SIGNATURE + png.header(128, 128) + size.to_bytes(4, "big") + kind


def exif_as_text(size: int) -> bytes:
    """Return EXIF of so many bytes, as ImageMagick packs it; all tags have one large value."""
    count = size // 24
    begin = 8 + 2 + 12 * count + 4
    tags = b"".join(struct.pack("<HHII", key, 7, size - begin, begin) for key in range(count))
    block = b"II*\0\x08\0\0\0" + struct.pack("<H", count) + tags + bytes(4 + size - begin)
    text = f"\nexif\n{len(block):8}\n" + block.hex()
    return b"Raw profile type exif\0\0" + zlib.compress(text.encode())


def strips(**tags: tiff.Tag) -> Write:
    """Return what writes a small TIFF with such tags."""
    return data(lambda: tiff.whole(tiff.image(128, **tags), bytes(range(256)) * 64))


def deflated_strip() -> bytes:
    """Return a TIFF whose one strip unpacks to a gibibyte."""
    packed = zlib.compress(bytes(1 << 30), 1)
    tags = tiff.image(
        128,
        compression=tiff.tag(259, 3, [8]),
        rows=tiff.tag(278, 4, [0xFFFFFFFF]),
        counts=tiff.tag(279, 4, [len(packed)]),
    )
    return tiff.whole(tags, packed)


def coded(syntax: str, *parts: bytes, side: int = 128, bits: int = 8) -> Write:
    """Return what writes a DICOM film of these fragments."""
    return data(
        lambda: dicom.film(syntax=syntax, side=side, bits=bits, coded=dicom.fragments(parts))
    )


def within(group: int, element: int, value: Callable[[], bytes]) -> Write:
    """Return what writes a DICOM film with such an element, before or among those of pixels."""

    def made() -> bytes:
        written = dicom.implicit(group, element, value())
        return dicom.film(**{"within" if group == 0x28 else "before": written})  # type: ignore[arg-type]

    return data(made)


def nested(depth: int, *, closed: bool) -> Write:
    """Return what writes a DICOM film with a sequence in a sequence, and so on."""
    begun = dicom.implicit(8, 0x1140, b"", dicom.UNDEFINED) + dicom.item(length=dicom.UNDEFINED)
    ends = dicom.implicit(0xFFFE, dicom.ITEM_END, b"") + dicom.implicit(
        0xFFFE, dicom.SEQUENCE_END, b""
    )
    return data(lambda: dicom.film(before=begun * depth + ends * (depth if closed else 0)))


MANY = 1_000_000
ITEMS = dicom.item() * MANY
TINY = dicom.implicit(9, 0x1001, b"")
LITERALS = b"\0A"
KINDS: dict[str, Write] = {
    "a good film.png": data(with_png),
    "a good film.dcm": data(dicom.film),
    # PNG
    "text of 1.6 GB unpacked, in 8 chunks.png": data(
        lambda: with_png(png.compressed_text(200 << 20) * 8)
    ),
    "international text of 1.6 GB unpacked.png": data(
        lambda: with_png(png.compressed_text(200 << 20, b"iTXt") * 8)
    ),
    "profile of 200 MB unpacked.png": data(
        lambda: with_png(png.compressed_text(200 << 20, b"iCCP"))
    ),
    "pixels of 500 MB unpacked in a small film.png": data(
        lambda: with_png(idat=zlib.compress(bytes(500 << 20), 9))
    ),
    "a million chunks.png": data(lambda: with_png(png.chunk(b"tIME", b"1234567") * MANY)),
    "a chunk of 1.5 GB of text.png": sparse(begun_png(b"tEXt", 1500 << 20), 1600 << 20),
    "a chunk of 1.5 GB that nobody knows.png": sparse(begun_png(b"abCd", 1500 << 20), 1600 << 20),
    "EXIF of 100 MB.png": data(lambda: with_png(png.chunk(b"eXIf", b"MM\0*" + bytes(100 << 20)))),
    "a film and 1.5 GB of zeros.png": sparse(with_png(), 1500 << 20),
    # JPEG
    "a head and 200 MB of zeros.jpg": sparse(jpeg.START + jpeg.segment(0xE0, b"JFIF"), 200 << 20),
    "a picture and 1.5 GB of zeros.jpg": sparse(jpeg.progressive(512, 512, 2), 1500 << 20),
    "1,000 scans of 7,000 pixels.jpg": data(lambda: jpeg.progressive(7000, 7000, 1000)),
    "20,000 scans of 2,000 pixels.jpg": data(lambda: jpeg.progressive(2000, 2000, 20_000)),
    "a million comments.jpg": data(
        lambda: jpeg.START + jpeg.segment(0xFE, b"") * MANY + jpeg.progressive(512, 512, 2)[2:]
    ),
    "1,000 comments of 64 kB.jpg": data(
        lambda: (
            jpeg.START
            + jpeg.segment(0xFE, bytes(65_000)) * 1000
            + jpeg.progressive(512, 512, 2)[2:]
        )
    ),
    # WebP, BMP, PGM
    "a chunk of 1.5 GB.webp": sparse(
        b"RIFF" + (1500 << 20).to_bytes(4, "little") + b"WEBPVP8 ", 1500 << 20
    ),
    "EXIF as text whose tags lie on each other.png": data(
        lambda: with_png(png.chunk(b"zTXt", exif_as_text(480_000)))
    ),
    "EXIF of 100 MB.webp": data(
        lambda: webp.riff(
            webp.extended(64, 64, 8), webp.picture(), webp.chunk(b"EXIF", bytes(100 << 20))
        )
    ),
    "a million chunks.webp": data(
        lambda: webp.riff(webp.extended(64, 64, 0), webp.chunk(b"abCd", b"") * MANY, webp.picture())
    ),
    "runs that end each row.bmp": data(
        lambda: bmp.bitmap(7071, 7071, b"\1\x80\0\0" * 7071, compression=1)
    ),
    "runs that go nowhere.bmp": data(
        lambda: bmp.bitmap(128, 128, b"\x80\x80" + b"\xff\x80" * 20 * MANY, compression=1)
    ),
    "plain.pgm": data(lambda: b"P2\n7000 7000\n255\n" + b"1 200 9 77 " * (7000 * 7000 // 4)),
    "30 million comments.pgm": data(lambda: b"P5\n128 128\n" + b"#x\n" * 30 * MANY + b"255\n"),
    "a width of 50 million digits.pgm": data(
        lambda: b"P5 " + b"0" * 50 * MANY + b"128 128 255\n" + bytes(128 * 128)
    ),
    # TIFF
    "a small film in one giant tile.tif": data(
        lambda: tiff.tiles(128, 32752, 1, bytes(4096), compression=1)
    ),
    "a strip of 1 GiB unpacked.tif": data(deflated_strip),
    "a directory that follows itself.tif": data(
        lambda: tiff.whole(tiff.image(128), bytes(range(256)) * 64, following=8)
    ),
    "a million directories.tif": data(lambda: tiff.chain(MANY)),
    "190,000 tiles.tif": data(
        lambda: tiff.tiles(7008, 16, (7008 // 16) ** 2, zlib.compress(bytes(256)))
    ),
    "a tag of 20 million values.tif": strips(other=tiff.tag(33000, 3, [5] * 20 * MANY)),
    "10 million offsets of strips.tif": strips(offsets=tiff.tag(273, 4, [8] * 10 * MANY)),
    "65,535 samples a pixel.tif": strips(
        samples=tiff.tag(277, 3, [65535]), bits=tiff.tag(258, 3, [8] * 65535)
    ),
    # DICOM
    "10 million window centres.dcm": within(0x28, 0x1050, lambda: b"1\\" * 10 * MANY),
    "a body part of 60 MB.dcm": within(0x18, 0x15, lambda: b"AB " * 20 * MANY),
    "a view of 30 MB.dcm": within(0x18, 0x5101, lambda: b"x " * 15 * MANY),
    "an age of 60 million digits.dcm": within(0x10, 0x1010, lambda: b"9" * 60 * MANY + b"Y "),
    "2 million character sets.dcm": within(0x08, 0x0005, lambda: b"ISO_IR 100\\" * 2 * MANY),
    "a study date of 60 MB.dcm": within(0x08, 0x0020, lambda: b"20200101" * 8 * MANY),
    "2.5 million tiny elements.dcm": data(lambda: dicom.film(before=TINY * (20 * MEBI // 8))),
    "2.5 million elements of the file.dcm": data(
        lambda: (
            dicom.meta(dicom.IMPLICIT, dicom.explicit(2, 0x13, "SH", b"") * (20 * MEBI // 8))
            + dicom.film()[132:]
        )
    ),
    "a million views.dcm": within(0x54, 0x0220, lambda: ITEMS),
    "a million VOI tables.dcm": within(0x28, 0x3010, lambda: ITEMS),
    "a million items that nobody wants.dcm": within(0x08, 0x1140, lambda: ITEMS),
    "100,000 sequences in each other.dcm": nested(100_000, closed=True),
    "100,000 sequences without an end.dcm": nested(100_000, closed=False),
    "an unknown element of 4 GiB.dcm": data(
        lambda: dicom.film(before=dicom.implicit(9, 0x1010, b"", 0xFFFFFFFE))
    ),
    "deflated 512 MB.dcm": data(
        lambda: dicom.film(
            syntax=dicom.DEFLATED, before=dicom.explicit(9, 0x1010, "UN", bytes(512 << 20))
        )
    ),
    "a film and 1.5 GB of zeros.dcm": sparse(dicom.film(), 1500 << 20),
    "a million empty fragments.dcm": coded(dicom.JPEG, *[b""] * MANY),
    "RLE of 20 million literals.dcm": coded(
        dicom.RLE, dicom.rle(*[LITERALS * 4500 * 4500] * 2), side=4500, bits=16
    ),
    "RLE of 6 MB that unpacks to 400 MB.dcm": coded(dicom.RLE, dicom.rle(b"\x81A" * 3 * MEBI)),
    "JPEG of 20,000 scans.dcm": coded(dicom.JPEG, jpeg.progressive(1000, 1000, 20_000), side=1000),
}
"""Name of a file -> what writes it. What stands first is a good film, to compare with."""


def main(folder: str, *names: str) -> None:
    """Write the files of these names into a folder, or all; or list them."""
    if folder == "--list":
        sys.stdout.write("\n".join(KINDS) + "\n")
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name in names or KINDS:
        KINDS[name](Path(folder) / name)


if __name__ == "__main__":
    main(*sys.argv[1:])
