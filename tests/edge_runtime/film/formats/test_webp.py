"""A WebP is refused by its chunks, before one of them is decoded."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from PIL import Image

from edge_runtime.film import limits
from edge_runtime.film.formats import webp as form
from edge_runtime.film.preprocess import film_pixels
from hostile_pictures import GIGABYTE, RECIPE, costly, judged, riff, sparse
from tiny_bundle import encoded, film_array

IMAGE = Image.fromarray(film_array(320, 240)).convert("RGB")
FILM = encoded(IMAGE, "WEBP", lossless=True)
PICTURE = (b"VP8L", FILM[20:])


def canvas(width: int = 320, height: int = 240, flags: int = 0) -> tuple[bytes, bytes]:
    """Return the chunk that says how large the picture is, and what else there may be."""
    sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"VP8X", bytes([flags, 0, 0, 0]) + sizes


BEYOND = {
    "chunks": (riff([canvas(), *[(b"abcd", b"")] * 64, PICTURE]), "WebP chunks than the 64"),
    "a canvas": (riff([canvas(6000, 6000), PICTURE]), "pixels of WebP than the 16777216"),
    "metadata": (riff([canvas(flags=4), PICTURE, (b"XMP ", bytes(9 << 20))]), "bytes of metadata"),
    "data": (riff([canvas(), PICTURE, (b"VP8L", FILM[20:] + bytes(2 << 20))]), "for its size"),
}


@pytest.mark.parametrize("name", BEYOND)
def test_what_takes_a_decoder_too_much_is_refused_before_one_runs(name: str) -> None:
    read = costly(form, *BEYOND[name])
    assert read < 2000


@pytest.mark.parametrize("kind", [b"VP8 ", b"VP8L", b"XMP ", b"ICCP", b"abcd", b"ALPH"])
def test_a_gigabyte_in_one_chunk_is_not_read(kind: bytes, tmp_path: Path) -> None:
    head = riff([canvas(), PICTURE], more=8 + GIGABYTE) + kind + struct.pack("<I", GIGABYTE)
    said = judged(form, sparse(tmp_path / "film.webp", head))
    assert said.reason in ("too_large", "unreadable")
    assert said.read < 200


def test_a_gigabyte_after_the_end_is_not_read(tmp_path: Path) -> None:
    film = sparse(tmp_path / "film.webp", FILM, tail=b"x")
    assert film_pixels(film, RECIPE) == film_pixels(FILM, RECIPE)
    with film.open("rb") as stream:
        assert form.judge(stream, "a film", RECIPE).getvalue() == FILM


DAMAGED = {
    "no picture": riff([canvas(flags=4)])[:-18] + riff([(b"XMP ", b"x")])[12:],
    "no signature": riff([(b"VP8L", b"\0" + FILM[21:])]),
    "a chunk beyond the end": riff([(b"VP8L", FILM[20:])], more=9000),
    "moving pictures": encoded(IMAGE, "WEBP", save_all=True, append_images=[IMAGE.rotate(9)] * 3),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_what_is_no_single_picture_is_refused_before_a_decoder_runs(name: str) -> None:
    assert judged(form, DAMAGED[name]).reason == "unreadable"


def test_what_encoders_write_is_read_to_the_same_pixels() -> None:
    expected = film_pixels(encoded(IMAGE), RECIPE)
    for film in (
        FILM,
        encoded(IMAGE, "WEBP", lossless=True, icc_profile=bytes(600_000), xmp=b"x" * 70_000),
        encoded(IMAGE.convert("RGBA"), "WEBP", lossless=True),
    ):
        assert film_pixels(film, RECIPE) == expected


def test_lossless_pictures_and_transparency_have_a_limit_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lossy = encoded(IMAGE, "WEBP", quality=90)
    clear = Image.merge("RGBA", [*IMAGE.split(), IMAGE.convert("L")])
    monkeypatch.setattr(limits, "WEBP_LOSSLESS_PIXELS", IMAGE.width * IMAGE.height - 1)
    for film in (FILM, encoded(clear, "WEBP", quality=90)):
        refusal = judged(form, film)
        assert refusal.reason == "too_large"
        assert "pixels of lossless WebP" in refusal.problem
    assert film_pixels(lossy, RECIPE)
