"""One decoding gives what a scan and the runtime give apart, for every kind of file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge_kit.data.decoding import decode_film
from edge_kit.data.fingerprints import fingerprint
from edge_runtime.errors import FilmError
from edge_runtime.film.preprocess import film_pixels, standard

PREPROCESSES = [standard(48, 32, 3), standard(48, 32, 1)]
GREY = np.random.default_rng(0).integers(0, 256, (90, 110), np.uint8)


def turned(path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(GREY).save(path, exif=exif)


def in_colours(path: Path) -> None:
    Image.fromarray(np.stack([GREY, GREY // 2 + 60, 255 - GREY // 2], 2)).save(path)


KINDS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "grey PNG": ("png", lambda path: Image.fromarray(GREY).save(path)),
    "16-bit PNG": ("png", lambda path: Image.fromarray(GREY.astype(np.uint16) * 99).save(path)),
    "palette": ("png", lambda path: Image.fromarray(GREY).convert("P").save(path)),
    "transparent": ("png", lambda path: Image.fromarray(GREY).convert("LA").save(path)),
    "JPEG": ("jpg", lambda path: Image.fromarray(GREY).save(path, quality=80)),
    "progressive JPEG": ("jpg", lambda path: Image.fromarray(GREY).save(path, progressive=True)),
    "JPEG that lies on its side": ("jpg", turned),
    "RGB JPEG": ("jpg", lambda path: Image.fromarray(GREY).convert("RGB").save(path)),
    "TIFF": ("tif", lambda path: Image.fromarray(GREY).save(path)),
    "32-bit TIFF": ("tif", lambda path: Image.fromarray(GREY.astype(np.int32) * 999).save(path)),
    "float TIFF": ("tif", lambda path: Image.fromarray(GREY.astype(np.float32) / 7).save(path)),
    "BMP": ("bmp", lambda path: Image.fromarray(GREY).save(path)),
    "PGM": ("pgm", lambda path: Image.fromarray(GREY).save(path)),
    "WebP": ("webp", lambda path: Image.fromarray(GREY).convert("RGB").save(path, lossless=True)),
    "another format than its name": ("png", lambda path: Image.fromarray(GREY).save(path, "TIFF")),
}
REFUSED: dict[str, tuple[str, Callable[[Path], None]]] = {
    "GIF, which the runtime does not read": (
        "png",
        lambda path: Image.fromarray(GREY).save(path, "GIF"),
    ),
    "too small": ("png", lambda path: Image.fromarray(GREY[:9, :9]).save(path)),
    "blank": ("png", lambda path: Image.new("L", (90, 90), 7).save(path)),
    "in colours": ("png", in_colours),
    "one bit": ("png", lambda path: Image.fromarray(GREY > 99).save(path)),
}


@pytest.mark.parametrize(("suffix", "write"), KINDS.values(), ids=KINDS)
def test_fingerprint_and_pixels_are_those_of_a_scan_and_of_the_runtime(
    suffix: str, write: Callable[[Path], None], tmp_path: Path
) -> None:
    path = tmp_path / f"film.{suffix}"
    write(path)
    expected = [film_pixels(path, preprocess) for preprocess in PREPROCESSES]
    assert decode_film(path, PREPROCESSES) == (fingerprint(path), expected)
    assert decode_film(path, PREPROCESSES[::-1]) == (fingerprint(path), expected[::-1])
    assert decode_film(path, []) == (fingerprint(path), [])


@pytest.mark.parametrize(("suffix", "write"), REFUSED.values(), ids=REFUSED)
def test_what_the_runtime_refuses_has_a_fingerprint_and_no_pixels(
    suffix: str, write: Callable[[Path], None], tmp_path: Path
) -> None:
    path = tmp_path / f"film.{suffix}"
    write(path)
    assert decode_film(path, PREPROCESSES) == (fingerprint(path), [None, None])
    assert fingerprint(path).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("content", [b"", b"no film", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0"])
def test_what_a_scan_cannot_read_is_told_in_its_words(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "film.png"
    path.write_bytes(content)
    with pytest.raises(FilmError) as scanned:
        fingerprint(path)
    with pytest.raises(FilmError) as decoded:
        decode_film(path, PREPROCESSES)
    assert str(decoded.value) == str(scanned.value)


def test_a_film_that_is_gone_is_told_in_the_words_of_a_scan(tmp_path: Path) -> None:
    with pytest.raises(FilmError, match="No such file"):
        decode_film(tmp_path / "film.png", PREPROCESSES)
