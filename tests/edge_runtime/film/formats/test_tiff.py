"""A TIFF is refused by its tags, strips and tiles, before one of them is decoded."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from edge_runtime.film.formats import tiff as form
from edge_runtime.film.preprocess import film_pixels
from film_refusals import reason_of
from fuzz.grammar.jpeg import progressive
from hostile_pictures import (
    GIGABYTE,
    RECIPE,
    SIDE,
    Values,
    costly,
    judged,
    longs,
    sparse,
    tiff,
)
from tiny_bundle import encoded, film_array

ROWS = film_array(SIDE, SIDE)
PIXELS = ROWS.tobytes()
DEFLATED = zlib.compress(PIXELS)
NO_STRIPS: dict[str, Values | None] = {"t273": None, "t278": None, "t279": None}


def tiled(width: int, height: int, count: int = 1, **tags: Values | None) -> bytes:
    """Return a film of one shade whose tiles are all the same one."""
    tags = {**NO_STRIPS, "t322": longs(width), "t323": longs(height), **tags}
    places, sizes = longs(*[8] * count), longs(*[len(DEFLATED)] * count)
    return tiff(DEFLATED, t259=longs(8), **{"t324": places, "t325": sizes, **tags})


def fractions(count: int) -> Values:
    """Return the values of a TIFF tag that are fractions."""
    return 5, count, struct.pack("<2I", 1, 3) * count


def exif(entry: bytes, count: int = 1) -> bytes:
    """Return a film with a directory of EXIF behind its pixels."""
    directory = struct.pack("<H", count) + entry * count + bytes(4)
    return tiff(PIXELS, t34665=longs(4096 + len(PIXELS))) + directory


BEYOND = {
    "a giant tile": (tiled(32_768, 32_752), "bytes in one strip or tile"),
    "a giant tile that fits": (tiled(8192, 8192), "pixels of tiles outside its picture"),
    "tiles by their size": (
        tiled(1, 1, t256=longs(SIDE + 1)),
        "strips or tiles of a TIFF than the 16384",
    ),
    "tiles by their places": (tiled(64, 64, 16_385), "strips or tiles of a TIFF than"),
    "strips by their places": (
        tiff(PIXELS, t273=longs(*[8] * 16_385)),
        "strips or tiles of a TIFF than the 16384",
    ),
    "samples": (tiff(PIXELS, t277=longs(65_535)), "bytes in one strip or tile"),
    "bits": (tiff(PIXELS, t258=longs(*[8] * 30_000)), "bytes in one strip or tile"),
    "numbers": (tiff(PIXELS, t33000=longs(*[5] * 262_145)), "numbers in its TIFF"),
    "fractions": (tiff(PIXELS, t282=fractions(1025)), "fractions in its TIFF tags"),
    "tags": (b"II*\0\x08\0\0\0" + struct.pack("<H", 513) + bytes(9000), "tags in a TIFF directory"),
    "tags of BigTIFF": (
        b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 2**63) + bytes(900),
        "tags in a TIFF directory",
    ),
    "tags of EXIF": (exif(bytes(12), 513), "tags in a TIFF directory than the 512"),
    "values of EXIF that lie on each other": (
        exif(struct.pack("<HHII", 40_000, 3, 9000, 8), 100),
        "numbers in its TIFF tags",
    ),
    "scans": (
        tiff(progressive(SIDE, SIDE, 33), t259=longs(7)),
        "more JPEG scans than the 32 that are read",
    ),
}


@pytest.mark.parametrize("name", BEYOND)
def test_what_takes_a_decoder_too_much_is_refused_before_one_runs(name: str) -> None:
    read = costly(form, *BEYOND[name])
    assert read < 200_000


SPARSE: dict[str, dict[str, Values | None]] = {
    "a strip of a gigabyte": {"t259": longs(8), "t279": longs(GIGABYTE)},
    "a strip of no size": {"t259": longs(8), "t279": None},
    "a strip of size 0": {"t259": longs(8), "t279": longs(0)},
    "strips a gigabyte apart": {
        **{"t278": longs(SIDE // 2), "t279": longs(SIDE * SIDE // 2, SIDE * SIDE // 2)},
        "t273": longs(4096, GIGABYTE),
    },
    "a tag of a gigabyte": {"t37724": (7, GIGABYTE, bytes(4))},
}


@pytest.mark.parametrize("name", SPARSE)
def test_a_gigabyte_is_not_read(name: str, tmp_path: Path) -> None:
    head = tiff(DEFLATED if "t259" in SPARSE[name] else PIXELS, **SPARSE[name])
    said = judged(form, sparse(tmp_path / "film.tif", head, tail=b"x"))
    assert said.reason == "too_large"
    assert said.read < 1000


def test_a_gigabyte_after_the_pixels_is_not_read(tmp_path: Path) -> None:
    film = sparse(tmp_path / "film.tif", tiff(PIXELS), tail=b"x")
    assert film_pixels(film, RECIPE) == film_pixels(tiff(PIXELS), RECIPE)


DAMAGED = {
    "no rows": tiff(PIXELS, t278=longs(0)),
    "tiles of no size": tiled(0, 16),
    "strips and tiles": tiled(SIDE, SIDE, t273=longs(8)),
    "a width twice": tiff(PIXELS).replace(struct.pack("<HH", 257, 4), struct.pack("<HH", 256, 4)),
    "no width": tiff(PIXELS, t256=None),
    "a width of text": tiff(PIXELS, t256=(2, 4, b"128\0")),
    "no strips": tiff(PIXELS, t273=None),
    "strips beyond the end": tiff(PIXELS, t273=longs(0xFFFFFFF0)),
    "a directory beyond the end": b"II*\0\xf0\xff\xff\xff" + bytes(900),
    "a directory in the header": b"II*\0\0\0\0\0" + bytes(900),
    **{f"compression {kind}": tiff(PIXELS, t259=longs(kind)) for kind in (6, 32809, 34676, 34925)},
}


@pytest.mark.parametrize("name", DAMAGED)
def test_what_no_program_writes_is_refused_before_a_decoder_runs(name: str) -> None:
    assert judged(form, DAMAGED[name]).reason == "unreadable"


FRAMED = Image.fromarray(film_array(320, 240))
LEGAL = {
    "strips": encoded(FRAMED, "TIFF", strip_size=320 * 3),
    "strips of Deflate": encoded(FRAMED, "TIFF", compression="tiff_deflate", strip_size=320),
    "PackBits": encoded(FRAMED, "TIFF", compression="packbits"),
    "Zstandard": encoded(FRAMED, "TIFF", compression="zstd"),
    "BigTIFF": encoded(FRAMED, "TIFF", big_tiff=True, compression="tiff_lzw"),
    "colour": encoded(FRAMED.convert("RGB"), "TIFF", compression="tiff_lzw"),
}


@pytest.mark.parametrize("name", LEGAL)
def test_what_other_programs_write_is_read_to_the_same_pixels(name: str) -> None:
    assert film_pixels(LEGAL[name], RECIPE) == film_pixels(encoded(FRAMED), RECIPE)


def test_tiles_are_read_to_the_same_pixels() -> None:
    tiles = [ROWS[y : y + 64, x : x + 64].tobytes() for y in (0, 64) for x in (0, 64)]
    for packed in (tiles, [zlib.compress(tile) for tile in tiles]):
        places = [4096 + sum(map(len, packed[:n])) for n in range(4)]
        film = tiff(
            b"".join(packed),
            **NO_STRIPS,
            **{"t322": longs(64), "t323": longs(64), "t324": longs(*places)},
            **{"t325": longs(*map(len, packed)), "t259": longs(1 if packed is tiles else 8)},
        )
        assert film_pixels(film, RECIPE) == film_pixels(tiff(PIXELS), RECIPE)


def test_a_strip_may_be_said_to_have_more_rows_than_there_are() -> None:
    film = tiff(DEFLATED, t259=longs(8), t278=longs(0xFFFFFFFF))
    assert film_pixels(film, RECIPE) == film_pixels(tiff(PIXELS), RECIPE)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_a_directory_of_exif_that_is_not_there_is_passed_over() -> None:
    for pointer in (8, 0xFFFFFFF0, 4096 + len(PIXELS) - 1):
        assert reason_of(tiff(PIXELS, t34665=longs(pointer), t34853=longs(pointer))) == ""
