"""One film gives one set of pixels, however it is stored, or a refusal with its reason."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edge_runtime.bundle.records import Preprocess
from edge_runtime.errors import FilmError
from edge_runtime.film.intensity import normalise
from edge_runtime.film.preprocess import (
    chroma,
    film_pixels,
    orient,
    standard,
    to_channels,
)
from tiny_bundle import encoded, film_array, film_image

RECIPE = standard(64, 64)
COLOUR = standard(64, 64, channels=3)


def pixels(film: bytes | Path, recipe: Preprocess = RECIPE) -> np.ndarray[Any, Any]:
    shape = (recipe.height, recipe.width, recipe.channels)
    return np.frombuffer(film_pixels(film, recipe), np.uint8).reshape(shape)


def largest_difference(one: bytes, other: bytes) -> int:
    return int(np.abs(pixels(one).astype(int) - pixels(other).astype(int)).max())


def with_fields(**changes: Any) -> Preprocess:
    return Preprocess(**{**RECIPE.to_json(), **changes})


def inked() -> Image.Image:
    """Return the film in black ink alone."""
    ink = np.zeros((80, 96, 4), np.uint8)
    ink[:, :, 3] = 255 - film_array()
    return Image.fromarray(ink, "CMYK")


REFERENCE = encoded(film_image(), "PNG")
LOSSLESS: dict[str, bytes] = {
    "png": REFERENCE,
    "interlaced palette png": encoded(film_image().convert("P"), "PNG"),
    "tiff": encoded(film_image(), "TIFF"),
    "tiff lzw": encoded(film_image(), "TIFF", compression="tiff_lzw"),
    "tiff deflate": encoded(film_image(), "TIFF", compression="tiff_adobe_deflate"),
    "big tiff": encoded(film_image(), "TIFF", big_tiff=True),
    "bmp": encoded(film_image(), "BMP"),
    "webp": encoded(film_image().convert("RGB"), "WEBP", lossless=True),
    "pgm": encoded(film_image(), "PPM"),
    "ppm": encoded(film_image().convert("RGB"), "PPM"),
    "pgm with comments": encoded(film_image(), "PPM").replace(b"P5\n", b"P5 # a film\n\n#\n"),
    "rgb": encoded(film_image().convert("RGB"), "PNG"),
    "rgba": encoded(film_image().convert("RGBA"), "PNG"),
    "la": encoded(film_image().convert("LA"), "PNG"),
    "cmyk tiff": encoded(inked(), "TIFF"),
    "palette bmp": encoded(film_image().convert("P"), "BMP"),
    "palette with a transparent shade": encoded(film_image().convert("P"), "PNG", transparency=0),
}


def test_the_same_film_gives_the_same_bytes_from_memory_and_from_disk(tmp_path: Path) -> None:
    path = tmp_path / "film.png"
    path.write_bytes(REFERENCE)
    found = [film_pixels(source, RECIPE) for source in (REFERENCE, path, str(path), REFERENCE)]
    assert len(set(found)) == 1
    assert len(found[0]) == 64 * 64


@pytest.mark.parametrize("mode", ["L", "RGB", "LA", "P", "I;16", "CMYK"])
def test_a_picture_in_memory_is_the_same_film_and_is_left_as_it_was(mode: str) -> None:
    image = inked() if mode == "CMYK" else film_image().convert("L" if mode == "I;16" else mode)
    if mode == "I;16":
        image = Image.fromarray(film_array().astype(np.uint16))
    before = image.copy()
    found = np.frombuffer(film_pixels(image, RECIPE), np.uint8).astype(int)
    wanted = pixels(REFERENCE).ravel().astype(int)
    assert np.abs(found - wanted).max() <= (ONE_SHADE if mode == "I;16" else 0)
    assert image == before


def test_a_picture_that_is_still_in_its_file_is_the_same_film(tmp_path: Path) -> None:
    path = tmp_path / "film.png"
    path.write_bytes(REFERENCE)
    with Image.open(path) as image:
        assert film_pixels(image, RECIPE) == film_pixels(path, RECIPE)


@pytest.mark.parametrize("form", LOSSLESS)
def test_every_lossless_format_gives_the_same_pixels(form: str) -> None:
    assert largest_difference(LOSSLESS[form], REFERENCE) == 0


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"optimize": True}])
def test_a_jpeg_gives_nearly_the_same_pixels(options: dict[str, bool]) -> None:
    assert largest_difference(encoded(film_image(), "JPEG", quality=95, **options), REFERENCE) <= 6


def test_a_baseline_and_a_progressive_jpeg_of_one_film_are_the_same_film() -> None:
    baseline, progressive = (encoded(film_image(), "JPEG", progressive=p) for p in (False, True))
    assert largest_difference(baseline, progressive) == 0


@pytest.mark.parametrize("name", ["film.jpg", "film.dcm", "film", "film.txt"])
def test_a_wrong_extension_is_harmless(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(REFERENCE)
    assert film_pixels(path, RECIPE) == film_pixels(REFERENCE, RECIPE)


def test_normalisation_is_exact_in_integers() -> None:
    # 101 shades from 50 to 150, one pixel each: the 1st percentile is the 2nd pixel, 51, the
    # 99th the 100th, 149, and 255 * (grey - 51) / 98 is rounded half up.
    ramp = Image.frombytes("L", (101, 1), bytes(range(50, 151)))
    levels = list(normalise(ramp, "ramp", RECIPE).tobytes())
    assert levels[:4] == [0, 0, 3, 5]  # 255/98 = 2.60, 510/98 = 5.20
    assert levels[50] == 128  # 255 * 49/98 = 127.5
    assert levels[-4:] == [250, 252, 255, 255]
    assert levels == [
        min(255, max(0, (255 * (grey - 51) * 2 + 98) // 196)) for grey in range(50, 151)
    ]


def test_percentiles_are_those_of_the_manifest() -> None:
    recipe = with_fields(low_percentile=0, high_percentile=100)
    ramp = Image.frombytes("L", (101, 1), bytes(range(50, 151)))
    levels = list(normalise(ramp, "ramp", recipe).tobytes())
    assert levels == [(510 * (grey - 50) + 100) // 200 for grey in range(50, 151)]


@pytest.mark.parametrize(
    ("factor", "offset", "tolerance"), [(1.0, 40, 0), (1.0, -20, 0), (0.5, 0, 7), (0.6, 60, 7)]
)
def test_the_exposure_does_not_matter(factor: float, offset: int, tolerance: int) -> None:
    other = (film_array() * factor + offset).astype(np.uint8)  # stays within 0..255
    assert largest_difference(encoded(Image.fromarray(other), "PNG"), REFERENCE) <= tolerance


TURNS: dict[int, Callable[..., Any]] = {
    1: np.asarray,
    2: np.fliplr,
    3: lambda upright: np.rot90(upright, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda upright: np.rot90(upright, 1),
    7: lambda upright: np.rot90(np.transpose(upright), 2),
    8: lambda upright: np.rot90(upright, -1),
}


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", [*TURNS, 0, 9])
def test_every_exif_orientation_is_undone(orientation: int, form: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    turn = TURNS.get(orientation, TURNS[1])
    turned = Image.fromarray(np.ascontiguousarray(turn(film_array())))
    options: dict[str, int] = {"JPEG": {"quality": 100}, "WEBP": {"lossless": 1}}.get(form, {})
    film = encoded(turned, form, exif=exif, **options)
    assert largest_difference(film, REFERENCE) <= (3 if form == "JPEG" else 0)


def test_an_upright_image_is_not_copied() -> None:
    image = film_image()
    assert orient(image, "a film") is image


def transparent() -> Image.Image:
    """Return a film on white, whose left half is transparent."""
    rgba = film_image().convert("RGBA")
    alpha = np.full((80, 96), 255, np.uint8)
    alpha[:, :48] = 0
    rgba.putalpha(Image.fromarray(alpha))
    return rgba


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparent_pixels_are_black(mode: str) -> None:
    grey = np.asarray(to_channels(transparent().convert(mode), 1))
    assert not grey[:, :48].any()
    assert (grey[:, 48:] == film_array()[:, 48:]).all()


@pytest.mark.parametrize("mode", ["P", "PA", "CMYK", "YCbCr", "1", "RGBX"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_mode_becomes_grey_or_rgb(mode: str, channels: int) -> None:
    image = to_channels(film_image().convert("RGB").convert(mode), channels)
    assert image.mode == {1: "L", 3: "RGB"}[channels]


def test_grey_in_three_channels_is_grey_three_times() -> None:
    grey, rgb = pixels(REFERENCE), pixels(REFERENCE, COLOUR)
    assert (rgb == grey).all()
    wide = encoded(Image.fromarray(film_array().astype(np.uint16) * 100), "PNG")
    assert (pixels(wide, COLOUR) == pixels(wide)).all()


def test_colours_keep_their_hue_in_three_channels() -> None:
    film = np.stack([film_array(), film_array() // 2, film_array() // 4], axis=2)
    recipe = Preprocess(**{**COLOUR.to_json(), "max_chroma": 255})
    red, green, blue = np.moveaxis(pixels(encoded(Image.fromarray(film), "PNG"), recipe), 2, 0)
    assert (red >= green).all()
    assert (green >= blue).all()
    assert (red > blue).any()


def tiff(levels: np.ndarray[Any, Any], order: str, sample: int = 1, photometric: int = 1) -> bytes:
    """Return a TIFF of one strip; `sample` is 1 for whole numbers, 2 for signed, 3 for floats."""
    height, width = levels.shape
    data = levels.astype(levels.dtype.newbyteorder(order)).tobytes()
    bits = levels.dtype.itemsize * 8
    tags = {256: width, 257: height, 258: bits, 259: 1, 262: photometric, 273: 8, 277: 1,
            278: height, 279: len(data), 339: sample}  # fmt: skip
    entries = b"".join(struct.pack(f"{order}HHII", tag, 4, 1, tags[tag]) for tag in tags)
    start = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(f"{order}I", 8 + len(data))
    return start + data + struct.pack(f"{order}H", len(tags)) + entries + bytes(4)


ONE_SHADE = 3  # what rounding to eight bits is worth once some hundred shades became 256
WIDE = film_array().astype(np.uint16) * 16  # twelve bits, as detectors give them
WIDE_FILMS: dict[str, bytes] = {
    "16-bit png": encoded(Image.fromarray(WIDE), "PNG"),
    "16-bit pgm": b"P5 96 80 65535\n" + WIDE.astype(">u2").tobytes(),
    "16-bit little-endian tiff": tiff(WIDE, "<"),
    "16-bit big-endian tiff": tiff(WIDE, ">"),
    "16-bit lzw tiff": encoded(Image.fromarray(WIDE), "TIFF", compression="tiff_lzw"),
    "signed 16-bit tiff": tiff(WIDE.astype(np.int16), "<", 2),
    "signed big-endian 16-bit tiff": tiff(WIDE.astype(np.int16), ">", 2),
    "32-bit tiff": tiff(WIDE.astype(np.int32), "<", 2),
    "float tiff": tiff(WIDE.astype(np.float32) / 4096, "<", 3),
    "big-endian float tiff": tiff(WIDE.astype(np.float32) / 4096, ">", 3),
}


@pytest.mark.parametrize("name", WIDE_FILMS)
def test_more_bits_are_scaled_by_content_and_never_clipped(name: str) -> None:
    assert largest_difference(WIDE_FILMS[name], WIDE_FILMS["16-bit png"]) <= 1
    assert largest_difference(WIDE_FILMS[name], REFERENCE) <= ONE_SHADE


@pytest.mark.parametrize("factor", [1, 5, 16, 250])
def test_the_number_of_bits_does_not_matter(factor: int) -> None:
    film = encoded(Image.fromarray(film_array().astype(np.uint16) * factor), "PNG")
    assert largest_difference(film, REFERENCE) <= ONE_SHADE


def test_an_eight_bit_white_is_zero_tiff_is_inverted_and_a_wider_one_refused() -> None:
    inverted = tiff(255 - film_array(), "<", photometric=0)
    assert largest_difference(inverted, REFERENCE) == 0
    with pytest.raises(FilmError, match="white is 0") as caught:
        film_pixels(tiff(4095 - WIDE, "<", photometric=0), RECIPE)
    assert "black as 0" in caught.value.cure


@pytest.mark.parametrize(
    "resample", ["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"]
)
def test_the_filter_is_that_of_the_manifest(resample: str) -> None:
    recipe = with_fields(resample=resample)
    assert len(film_pixels(REFERENCE, recipe)) == 64 * 64
    resized = film_image().resize((64, 64), Image.Resampling[resample.upper()])
    assert film_pixels(REFERENCE, recipe) == normalise(resized, "film", recipe).tobytes()


def test_chroma_is_the_mean_distance_of_both_colour_differences_from_grey() -> None:
    # ITU-R 601: pure red is Cb 84.97, Cr 255.5 and so 44 and 127 from 128, in whole levels.
    assert chroma(Image.new("RGB", (100, 100), "red")) in range(169, 172)
    half = Image.new("RGB", (100, 100), "gray")
    half.paste("red", (0, 0, 50, 100))
    assert abs(chroma(half) - chroma(Image.new("RGB", (9, 9), "red")) / 2) < 2
    assert chroma(film_image().convert("RGB")) == 0
    assert chroma(film_image().convert("P")) == 0


def marked(share: float) -> bytes:
    """Return a film in RGB whose upper `share` is pure red."""
    image = film_image().convert("RGB")
    image.paste("red", (0, 0, 96, round(80 * share)))
    return encoded(image, "PNG")


def test_a_coloured_mark_is_no_reason_to_refuse_a_film_and_colour_is() -> None:
    film_pixels(marked(0.05), RECIPE)
    with pytest.raises(FilmError, match="colour"):
        film_pixels(marked(0.2), RECIPE)
    film_pixels(marked(0.2), with_fields(max_chroma=255))
