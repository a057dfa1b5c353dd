"""A transfer syntax that is not read is named in words, with a cure that exists."""

from __future__ import annotations

import re

import pytest
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import (
    AllTransferSyntaxes,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from dicom_films import called, dicom_film
from edge_runtime.cures import installing
from edge_runtime.errors import MachineLacks, Refusal
from edge_runtime.film.dicom import frame
from edge_runtime.film.preprocess import film_pixels, standard
from tiny_bundle import encoded, film_array

RECIPE = standard(64, 64)
GREY = film_array()
STANDARD = "1.2.840.10008.1.2"
EXPORT = "export it uncompressed, or as JPEG or JPEG 2000"
FRAME = "export the one frame to be judged, uncompressed or as JPEG"

NAMES: dict[str, tuple[str, str]] = {
    f"{STANDARD}.1.98": ("an encapsulated uncompressed transfer syntax", EXPORT),
    f"{STANDARD}.4.52": ("a JPEG process that the standard has retired", EXPORT),
    f"{STANDARD}.4.66": ("a JPEG process that the standard has retired", EXPORT),
    f"{STANDARD}.4.92": ("JPEG 2000 part 2 (multi-component)", EXPORT),
    f"{STANDARD}.4.93": ("JPEG 2000 part 2 (multi-component)", EXPORT),
    f"{STANDARD}.4.94": ("JPIP, whose pixels lie on a server", EXPORT),
    f"{STANDARD}.4.95": ("JPIP, whose pixels lie on a server", EXPORT),
    f"{STANDARD}.4.100": ("MPEG-2 video", FRAME),
    f"{STANDARD}.4.101.1": ("MPEG-2 video", FRAME),
    f"{STANDARD}.4.102": ("MPEG-4 AVC/H.264 video", FRAME),
    f"{STANDARD}.4.106.1": ("MPEG-4 AVC/H.264 video", FRAME),
    f"{STANDARD}.4.107": ("HEVC/H.265 video", FRAME),
    f"{STANDARD}.4.108": ("HEVC/H.265 video", FRAME),
    f"{STANDARD}.4.110": ("JPEG XL", EXPORT),
    f"{STANDARD}.4.111": ("JPEG XL", EXPORT),
    f"{STANDARD}.4.112": ("JPEG XL", EXPORT),
    f"{STANDARD}.4.201": ("High-Throughput JPEG 2000 (HTJ2K)", EXPORT),
    f"{STANDARD}.4.203": ("High-Throughput JPEG 2000 (HTJ2K)", EXPORT),
    f"{STANDARD}.4.204": ("JPIP with HTJ2K, whose pixels lie on a server", EXPORT),
    f"{STANDARD}.6.1": ("RFC 2557 MIME encapsulation", EXPORT),
    f"{STANDARD}.6.2": ("XML encoding", EXPORT),
    f"{STANDARD}.7.1": ("SMPTE ST 2110, a stream of video or sound", FRAME),
    f"{STANDARD}.7.3": ("SMPTE ST 2110, a stream of video or sound", FRAME),
    f"{STANDARD}.8.1": ("deflated image frames", EXPORT),
    "1.2.840.10008.1.20": ("Papyrus 3, a transfer syntax that the standard has retired", EXPORT),
    f"{STANDARD}.4.999": ("a transfer syntax that is not known here", EXPORT),
    f"{STANDARD}.99": ("a transfer syntax that is not known here", EXPORT),
    "1.2.840.10008.5.1.4.1.1.1": ("a transfer syntax that is not known here", EXPORT),
    "1.2.840.113619.5.2": ("a private transfer syntax", EXPORT),
    "1.2.3.4.5.6": ("a private transfer syntax", EXPORT),
    "1.2.840.100080.1": ("a private transfer syntax", EXPORT),
}
FRAGMENT = bytes(encapsulate([b"\xff\x0a" + bytes(99)]))


def in_syntax(uid: str) -> bytes:
    """Return a film whose meta information tells of that transfer syntax."""
    return called(dicom_film(GREY, JPEGBaseline8Bit, PixelData=FRAGMENT), uid.encode())


@pytest.mark.parametrize("uid", NAMES)
def test_what_is_not_read_is_named_in_words(uid: str) -> None:
    with pytest.raises(Refusal) as caught:
        film_pixels(in_syntax(uid), RECIPE)
    name, cure = NAMES[uid]
    assert caught.value.reason == "unreadable"
    assert (caught.value.problem, caught.value.cure) == (
        f"DICOM in {name}, which is not read",
        cure,
    )
    assert uid not in str(caught.value)


def test_every_transfer_syntax_of_the_standard_is_read_or_named() -> None:
    assert len(AllTransferSyntaxes) > 30
    for uid in AllTransferSyntaxes:
        with pytest.raises(Refusal) as caught:
            film_pixels(in_syntax(uid), RECIPE)
        assert "not known" not in caught.value.problem
        assert "damaged" not in caught.value.problem, uid
        assert "install" not in caught.value.cure, uid


SYNTAXES = {"JPEG Baseline": JPEGBaseline8Bit, "JPEG-LS": JPEGLSLossless,
            "JPEG 2000": JPEG2000Lossless, "RLE": RLELossless}  # fmt: skip


@pytest.mark.parametrize("name", SYNTAXES)
def test_pixels_that_are_not_what_they_are_called_are_said_to_be_none(name: str) -> None:
    other = b"\x89PNG\r\n\x1a\n" + bytes(99)
    for film in (
        called(dicom_film(GREY), SYNTAXES[name].encode()),
        dicom_film(GREY, SYNTAXES[name], PixelData=bytes(encapsulate([other]))),
    ):
        with pytest.raises(Refusal) as caught:
            film_pixels(film, RECIPE)
        assert re.match(f"a DICOM file that calls its pixels {name}.*, but they are not$",
                        caught.value.problem)  # fmt: skip
        assert caught.value.cure.startswith("export it anew")


def test_compressed_pixels_that_are_called_uncompressed_are_said_to_be() -> None:
    data = bytes(encapsulate([encoded(Image.fromarray(GREY), "JPEG")]))
    jpeg = dicom_film(GREY, JPEGBaseline8Bit, PixelData=data)
    for said in (ExplicitVRLittleEndian.encode(), b""):
        with pytest.raises(Refusal, match="compressed DICOM pixels, whose TransferSyntaxUID does"):
            film_pixels(called(jpeg, said), RECIPE)


@pytest.mark.parametrize(
    "said", [b"", b"                   ", b"\xff\xfe UID", b"LITTLE ENDIAN", b"."]
)
def test_a_transfer_syntax_that_is_none_is_told_by_the_elements(said: bytes) -> None:
    film = called(dicom_film(GREY), said)
    assert film_pixels(film, RECIPE) == film_pixels(encoded(Image.fromarray(GREY), "PNG"), RECIPE)


def test_a_uid_with_blanks_is_that_uid() -> None:
    for said in (b"1.2.840.10008.1.2.1 ", b" 1.2.840.10008.1.2.1  ", b"1.2.840.10008.1.2.1\0\0\0"):
        film = called(dicom_film(GREY), said)
        assert film_pixels(film, RECIPE) == film_pixels(dicom_film(GREY), RECIPE)


def test_the_extra_is_a_cure_only_where_it_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytes(encapsulate([encoded(Image.fromarray(GREY), "JPEG")]))
    monkeypatch.setattr(frame, "_DECODERS", ())
    with pytest.raises(MachineLacks, match=r"JPEG Baseline") as caught:
        film_pixels(dicom_film(GREY, JPEGBaseline8Bit, PixelData=data), RECIPE)
    assert caught.value.cure == installing("dicom")
