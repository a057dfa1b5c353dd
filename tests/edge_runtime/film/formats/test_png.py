"""A PNG whose end was never written is refused, and one that would take a decoder too much."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from edge_runtime.film.formats import png as form
from edge_runtime.film.preprocess import film_pixels
from film_refusals import reason_of, refusal_of
from fuzz.grammar.png import chunk
from hostile_pictures import GIGABYTE, RECIPE, costly, judged, png, sparse
from tiny_bundle import encoded, film_array

FILMS = {
    "grey": encoded(Image.fromarray(film_array(320, 240))),
    "of 16 bits": encoded(Image.fromarray(film_array(320, 240).astype("u2") * 200)),
    "in colour": encoded(Image.fromarray(film_array(320, 240)).convert("RGB")),
}


@pytest.mark.parametrize("name", FILMS)
def test_a_file_torn_at_any_of_a_hundred_places_is_refused(name: str) -> None:
    film = FILMS[name]
    for place in range(1, 100):
        kept = film[: len(film) * place // 100]
        for more in (b"", bytes(len(film) - len(kept)), b"\xff" * (len(film) - len(kept))):
            assert reason_of(kept + more) == "unreadable", (place, more[:1])


@pytest.mark.parametrize("name", FILMS)
def test_what_follows_the_end_does_not_matter(name: str) -> None:
    for more in (b"", bytes(999), b"a trailer", FILMS["grey"]):
        assert reason_of(FILMS[name] + more) == ""


BOMB = zlib.compress(bytes(1 << 20), 9)
EXIF = b"MM\0*\0\0\0\x08\0\1\1\x12\0\5" + struct.pack(">II", 60_000, 26) + bytes(480_004)
BEYOND = {
    "many chunks": (png(chunk(b"tIME", bytes(7)) * 1001), "chunks beside its image than the 1000"),
    "many after it": (png(after=chunk(b"tIME", bytes(7)) * 1001), "chunks beside its image"),
    "many empty image chunks": (png(chunk(b"IDAT") * 32_768), "image chunks than the 32768"),
    "texts that unpack": (png(chunk(b"zTXt", b"k\0\0" + BOMB) * 65), "compressed PNG texts"),
    "profiles that unpack": (png(chunk(b"iCCP", b"k\0\0" + BOMB) * 65), "compressed PNG texts"),
    "16 bits in colour": (
        png().replace(
            png()[8:33], chunk(b"IHDR", struct.pack(">IIBBBBB", *[5000] * 2, 16, 2, 0, 0, 0))
        ),
        "bytes of PNG pixels than the 134217728",
    ),
    "more pixels than it has": (
        png(after=chunk(b"IDAT", bytes(2 << 20))),
        "image data for its size",
    ),
}


@pytest.mark.parametrize("name", BEYOND)
def test_what_takes_a_decoder_too_much_is_refused_before_one_runs(name: str) -> None:
    read = costly(form, *BEYOND[name])
    assert read < 500_000


@pytest.mark.parametrize("kind", [b"tEXt", b"abCd", b"IDAT", b"eXIf", b"fdAT"])
def test_a_gigabyte_in_one_chunk_is_not_read(kind: bytes, tmp_path: Path) -> None:
    whole = png()
    place = whole.index(b"IDAT") - 4
    head = whole[:place] + struct.pack(">I", GIGABYTE) + kind
    said = judged(form, sparse(tmp_path / "film.png", head, GIGABYTE + 4, whole[place:]))
    assert said.reason == "too_large"
    assert said.read < 1000


def test_a_gigabyte_after_the_end_is_not_read(tmp_path: Path) -> None:
    film = sparse(tmp_path / "film.png", png(), tail=b"x")
    assert film_pixels(film, RECIPE) == film_pixels(png(), RECIPE)


@pytest.mark.parametrize(
    "film",
    [
        png(chunk(b"eXIf", EXIF)),
        png(after=chunk(b"eXIf", EXIF)),
        png(chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(EXIF.hex().encode()))),
    ],
)
def test_numbers_of_exif_are_counted_before_they_become_objects(film: bytes) -> None:
    refusal = refusal_of(film)
    assert refusal
    assert (refusal.reason, "bytes of EXIF" in refusal.problem) == ("too_large", True)


@pytest.mark.parametrize("header", [0, 2])
def test_a_file_with_no_header_or_two_is_refused(header: int) -> None:
    whole = png()
    one = whole[8:33]
    assert judged(form, whole[:8] + one * header + whole[33:]).reason == "unreadable"


LEGAL = {
    "texts": chunk(b"tEXt", b"dcm:text\0value") * 200 + chunk(b"zTXt", b"k\0\0" + BOMB[:0]),
    "a profile": chunk(b"iCCP", b"k\0\0" + zlib.compress(bytes(600_000))),
    "private chunks": chunk(b"abCd", bytes(70_000)),
    "EXIF": chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\0\0\0\0\0"),
    "empty image chunks": chunk(b"IDAT") * 500,
}


@pytest.mark.parametrize("name", LEGAL)
def test_what_other_programs_write_is_read_to_the_same_pixels(name: str) -> None:
    assert film_pixels(png(LEGAL[name]), RECIPE) == film_pixels(png(), RECIPE)
