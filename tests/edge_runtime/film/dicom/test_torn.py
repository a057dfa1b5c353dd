"""A compressed frame that is not whole is refused, wherever it is torn, in every syntax."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pydicom.data
import pytest
from PIL import Image
from pydicom.encaps import encapsulate, get_frame
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    RLELossless,
)

from dicom_films import dicom_film
from edge_runtime.film.preprocess import standard
from film_refusals import reason_of
from lossless_jpeg import lossless_jpeg
from tiny_bundle import encoded, film_array

Array = np.ndarray[Any, Any]

COLOUR = standard(64, 64, channels=3)
GREY = film_array(200, 160)
TWELVE = GREY.astype("u2") * 16
BORDERED = GREY.copy()
BORDERED[-60:] = 0
BORDERED[:, :50] = 0
PLACES = 100


def sample(name: str) -> bytes:
    """Return a file that comes with pydicom."""
    return Path(str(pydicom.data.get_testdata_file(name, download=False))).read_bytes()


def with_frame(film: bytes, frame: bytes) -> bytes:
    """Return a whole DICOM file with another frame in it."""
    read = pydicom.dcmread(BytesIO(film))
    read.PixelData = encapsulate([frame])
    read["PixelData"].is_undefined_length = True
    stream = BytesIO()
    read.save_as(stream)
    return stream.getvalue()


def frame_of(film: bytes) -> bytes:
    read = pydicom.dcmread(BytesIO(film))
    return get_frame(read.PixelData, 0, number_of_frames=1)


def compressed(levels: Array, syntax: UID, frame: bytes, **elements: Any) -> bytes:
    return dicom_film(levels, syntax, PixelData=encapsulate([frame]), **elements)


def jpeg(levels: Array, **options: Any) -> bytes:
    frame = encoded(Image.fromarray(levels), "JPEG", quality=92, **options)
    return compressed(levels, JPEGBaseline8Bit, frame)


def jpeg_2000(levels: Array, **options: Any) -> bytes:
    frame = encoded(Image.fromarray(levels), "JPEG2000", no_jp2=True, **options)
    return compressed(levels, JPEG2000Lossless, frame)


def rle(levels: Array, **elements: Any) -> bytes:
    film = pydicom.dcmread(BytesIO(dicom_film(levels, **elements)))
    film.compress(RLELossless, encoding_plugin="pydicom")
    stream = BytesIO()
    film.save_as(stream)
    return stream.getvalue()


SYNTAXES: dict[str, bytes] = {
    "JPEG baseline": jpeg(GREY),
    "JPEG baseline, optimised, with a border": jpeg(BORDERED, optimize=True),
    "JPEG baseline with restarts": jpeg(GREY, restart_marker_rows=2),
    "JPEG progressive": jpeg(GREY, progressive=True),
    "JPEG extended": sample("JPGExtended.dcm"),
    "JPEG lossless": compressed(GREY, JPEGLosslessSV1, lossless_jpeg(GREY, 8)),
    "JPEG lossless of 12 bits": compressed(
        TWELVE, JPEGLosslessSV1, lossless_jpeg(TWELVE, 12), BitsStored=12
    ),
    "JPEG lossless with a border": compressed(
        BORDERED, JPEGLosslessSV1, lossless_jpeg(BORDERED, 8)
    ),
    "JPEG lossless in colour": sample("SC_rgb_jpeg_gdcm.dcm"),
    "JPEG-LS": sample("MR_small_jpeg_ls_lossless.dcm"),
    "JPEG 2000": jpeg_2000(GREY, irreversible=False),
    "JPEG 2000 with losses": jpeg_2000(GREY, irreversible=True, quality_layers=[20]),
    "JPEG 2000 in tiles": jpeg_2000(GREY, tile_size=(64, 64)),
    "JPEG 2000 in 16 bits": sample("MR_small_jp2klossless.dcm"),
    "RLE": rle(GREY),
    "RLE in 16 bits": rle(TWELVE, BitsStored=12),
}  # fmt: skip
NOISY = (film_array(400, 300) + np.random.default_rng(0).integers(0, 20, (300, 400))).astype("u1")
WITH_HOLES: dict[str, bytes] = {
    **{name: film for name, film in SYNTAXES.items() if name.startswith(("JPEG b", "RLE"))},
    **{name: SYNTAXES[name] for name in ("JPEG extended", "JPEG lossless", "JPEG-LS")},
    **{name: SYNTAXES[name] for name in SYNTAXES if name.startswith("JPEG lossless ")},
    "JPEG 2000": jpeg_2000(NOISY, irreversible=False),
    "JPEG 2000 with losses": jpeg_2000(NOISY, irreversible=True, quality_layers=[4]),
}


@pytest.mark.parametrize("name", SYNTAXES)
def test_a_whole_frame_is_read(name: str) -> None:
    assert reason_of(SYNTAXES[name], COLOUR) in ("", "colour_photo")
    assert reason_of(with_frame(SYNTAXES[name], frame_of(SYNTAXES[name])), COLOUR) in (
        "",
        "colour_photo",
    )


@pytest.mark.parametrize("name", SYNTAXES)
def test_a_frame_torn_at_any_of_a_hundred_places_is_refused(name: str) -> None:
    frame = frame_of(SYNTAXES[name]).rstrip(b"\0")
    answered = []
    for place in range(1, PLACES):
        film = with_frame(SYNTAXES[name], frame[: len(frame) * place // PLACES])
        if reason_of(film, COLOUR) != "unreadable":
            answered.append(place)
    assert answered == []


@pytest.mark.parametrize("name", SYNTAXES)
def test_a_frame_whose_end_was_never_written_is_refused(name: str) -> None:
    frame = frame_of(SYNTAXES[name]).rstrip(b"\0")
    answered = []
    for place in range(5, PLACES, 5):
        kept = len(frame) * place // PLACES
        film = with_frame(SYNTAXES[name], frame[:kept] + bytes(len(frame) - kept))
        if reason_of(film, COLOUR) != "unreadable":
            answered.append(place)
    assert answered == []


@pytest.mark.parametrize("name", WITH_HOLES)
def test_a_frame_with_a_hole_of_zeros_is_refused(name: str) -> None:
    frame = frame_of(WITH_HOLES[name])
    answered = []
    for place in (40, 50, 60, 70):
        first = len(frame) * place // PLACES
        size = min(2048, len(frame) // 8)
        if len(set(frame[first : first + size])) > 9:  # which a border need not have
            film = with_frame(WITH_HOLES[name], frame[:first] + bytes(size) + frame[first + size :])
            answered += [place] if reason_of(film, COLOUR) != "unreadable" else []
    assert answered == []


@pytest.mark.parametrize("name", ["JPEG baseline", "JPEG lossless", "JPEG 2000", "JPEG-LS"])
def test_a_frame_may_be_filled_to_an_even_length_with_either_byte(name: str) -> None:
    frame = frame_of(SYNTAXES[name]).rstrip(b"\0")
    for filled in (frame + b"\0", frame + b"\xff", frame + b"\0\0", frame + b"\xff\xff"):
        assert reason_of(with_frame(SYNTAXES[name], filled), COLOUR) == ""
    assert reason_of(sample("examples_jpeg2k.dcm"), COLOUR) in ("", "colour_photo")


@pytest.mark.parametrize("name", ["JPEG baseline", "JPEG lossless", "JPEG extended"])
def test_a_frame_that_was_torn_and_closed_again_is_refused(name: str) -> None:
    frame = frame_of(SYNTAXES[name]).rstrip(b"\0")
    for place in (30, 50, 75, 90):
        film = with_frame(SYNTAXES[name], frame[: len(frame) * place // 100] + b"\xff\xd9")
        assert reason_of(film, COLOUR) == "unreadable", place


@pytest.mark.parametrize("name", ["RLE", "RLE in 16 bits", "JPEG-LS", "JPEG 2000", "JPEG baseline"])
def test_a_frame_with_an_erased_part_is_refused(name: str) -> None:
    frame = frame_of(SYNTAXES[name])
    first, size = len(frame) // 2, len(frame) // 6
    film = with_frame(SYNTAXES[name], frame[:first] + b"\xff" * size + frame[first + size :])
    assert reason_of(film, COLOUR) == "unreadable"


@pytest.mark.parametrize("more", [b"\xff\xd9", b"  ", b"a trailer", b"\0" * 99])
@pytest.mark.parametrize("name", ["JPEG baseline", "JPEG 2000"])
def test_what_follows_the_end_of_a_frame_is_no_frame(name: str, more: bytes) -> None:
    assert reason_of(with_frame(SYNTAXES[name], frame_of(SYNTAXES[name]) + more), COLOUR) == ""


def test_a_second_frame_is_no_part_of_the_first() -> None:
    for name in ("JPEG baseline", "JPEG lossless", "JPEG 2000", "JPEG-LS"):
        frame = frame_of(SYNTAXES[name]).rstrip(b"\0")
        assert reason_of(with_frame(SYNTAXES[name], frame + frame), COLOUR) == "unreadable"


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize("size", [-2, -200, 2, 200, GREY.size])
def test_pixels_that_are_fewer_or_more_than_the_header_says_are_refused(
    syntax: UID, size: int
) -> None:
    data = (GREY.tobytes() * 2)[: GREY.size + size]
    assert reason_of(dicom_film(GREY, syntax, PixelData=data), COLOUR) == "unreadable"
    assert reason_of(dicom_film(GREY, syntax, PixelData=GREY.tobytes()), COLOUR) == ""


def test_an_odd_number_of_pixels_may_have_a_byte_more() -> None:
    odd = GREY[:99, :99]
    assert reason_of(dicom_film(odd, PixelData=odd.tobytes() + b"\0"), COLOUR) == ""
    assert reason_of(dicom_film(odd, PixelData=odd.tobytes() + b"\0\0\0"), COLOUR) == "unreadable"
