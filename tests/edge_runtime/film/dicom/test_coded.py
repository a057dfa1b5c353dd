"""What a compressed frame says of its samples, bits and colours is believed before the header."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, RLELossless

from dicom_films import dicom_film, with_bytes
from edge_runtime.errors import Refusal
from odd_headers import COLOURS, GREY, Said, shown, us
from tiny_bundle import encoded


def coded(levels: np.ndarray[Any, Any], form: str, **options: Any) -> bytes:
    return bytes(encapsulate([encoded(Image.fromarray(levels), form, **options)]))


def jpeg(levels: np.ndarray[Any, Any] = GREY, **elements: Any) -> bytes:
    """Return a film in JPEG whose header is that of the grey film, but for `elements`."""
    data = coded(levels, "JPEG", quality=95, subsampling=0)
    return dicom_film(GREY, JPEGBaseline8Bit, PixelData=data, **elements)


def rle(levels: np.ndarray[Any, Any]) -> bytes:
    film = dcmread(BytesIO(dicom_film(levels)))
    film.compress(RLELossless, encoding_plugin="pydicom")
    stream = BytesIO()
    film.save_as(stream)
    return stream.getvalue()


def jpeg_2000(levels: np.ndarray[Any, Any]) -> bytes:
    data = coded(levels, "JPEG2000", no_jp2=True, irreversible=False)
    return dicom_film(levels, JPEG2000Lossless, PixelData=data)


EIGHT_IN_SIXTEEN: Said = {"BitsAllocated": us(16), "BitsStored": us(8), "HighBit": us(7)}
BELIEVED: dict[str, Said] = {
    "8 bits in 16 allocated": EIGHT_IN_SIXTEEN,
    "16 bits said": {"BitsAllocated": us(16), "BitsStored": us(16), "HighBit": us(15)},
    "BitsAllocated missing": {"BitsAllocated": None},
    "BitsAllocated of 12": {"BitsAllocated": us(12)},
    "all bits missing": {"BitsAllocated": None, "BitsStored": None, "HighBit": None},
    "SamplesPerPixel missing": {"SamplesPerPixel": None},
    "SamplesPerPixel 3": {"SamplesPerPixel": us(3)},
    "called RGB": {"SamplesPerPixel": us(3), "PhotometricInterpretation": b"RGB"},
    "PhotometricInterpretation missing": {"PhotometricInterpretation": None},
    "called colours": {"PhotometricInterpretation": b"YBR_FULL_422"},
    "NumberOfFrames 1\\1": {"NumberOfFrames": b"1\\1"},
}


@pytest.mark.parametrize("form", ["JPEG", "JPEG 2000", "RLE"])
@pytest.mark.parametrize("name", BELIEVED)
def test_what_a_compressed_frame_says_of_itself_is_believed(name: str, form: str) -> None:
    film = {"JPEG": jpeg(), "JPEG 2000": jpeg_2000(GREY), "RLE": rle(GREY)}[form]
    assert np.array_equal(shown(with_bytes(film, BELIEVED[name])), shown(film))


def test_the_grey_of_a_colour_jpeg_that_is_called_grey_is_its_luma() -> None:
    called = {"JFIF": jpeg(COLOURS), "JPEG 2000": jpeg_2000(COLOURS), "RLE": rle(COLOURS)}
    grey: Said = {"SamplesPerPixel": us(1), "PhotometricInterpretation": b"MONOCHROME2"}
    for film in called.values():
        picture = shown(with_bytes(film, grey))
        assert picture.shape == GREY.shape
        assert np.abs(picture - shown(jpeg())).max() <= 8
    tinted = np.stack([GREY, GREY // 2, GREY // 4], axis=2)
    luma = np.asarray(Image.fromarray(tinted).convert("L")).astype(int)
    assert np.abs(shown(with_bytes(jpeg(tinted), grey)) - luma).max() <= 8
    white = shown(with_bytes(jpeg(COLOURS), {**grey, "PhotometricInterpretation": b"MONOCHROME1"}))
    assert np.array_equal(white, 255 - shown(with_bytes(jpeg(COLOURS), grey)))


def test_colours_of_a_jpeg_are_those_that_the_jpeg_says() -> None:
    tinted = np.stack([GREY, GREY // 2 + 60, GREY // 4], axis=2)
    right = shown(jpeg(tinted, SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL_422",
                       PlanarConfiguration=0))  # fmt: skip
    assert np.abs(right - tinted).mean() < 8
    for said in (b"RGB", b"YBR_FULL", b"", b"COLOUR"):
        film = jpeg(tinted, SamplesPerPixel=3, PlanarConfiguration=1)
        assert np.array_equal(
            shown(with_bytes(film, {"PhotometricInterpretation": said})), right
        )  # fmt: skip


def test_frames_are_counted_in_the_pixels_whatever_the_header_says() -> None:
    frame = encoded(Image.fromarray(GREY), "JPEG", quality=95)
    for data in (encapsulate([frame, frame]), encapsulate([frame, frame], has_bot=False)):
        for said in (None, b"1", b"0", b"1\\2", b"ONE"):
            film = dicom_film(GREY, JPEGBaseline8Bit, PixelData=bytes(data))
            with pytest.raises(Refusal, match="more than one frame"):
                shown(with_bytes(film, {"NumberOfFrames": said}))
    several = encapsulate([frame], fragments_per_frame=3)
    film = dicom_film(GREY, JPEGBaseline8Bit, PixelData=bytes(several))
    assert np.array_equal(shown(film), shown(jpeg()))


def test_colours_are_judged_by_what_is_in_the_frame_before_they_are_decoded() -> None:
    large = np.zeros((4000, 4000), "u1")
    data = coded(np.stack([large] * 3, axis=2), "JPEG")
    film = dicom_film(large, JPEGBaseline8Bit, PixelData=data)
    with pytest.raises(Refusal, match="45 MiB of pixels") as caught:
        shown(film)
    assert caught.value.reason == "too_large"
