"""A compressed frame in more pieces than any encoder makes never reaches a decoder."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless, JPEGExtended12Bit

import hostile_dicom as raw
from dicom_films import dicom_film
from edge_runtime.film import limits
from edge_runtime.film.dicom import frame
from film_refusals import reason_of, refusal_of
from fuzz.grammar.jpeg import progressive
from hostile_dicom import GREY, film, fragments
from tiny_bundle import encoded

Size = tuple[int, int]


@pytest.fixture(autouse=True)
def _no_decoder_is_asked(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    def asked(*_: object) -> None:
        raise AssertionError("a decoder was asked")

    if "legal" not in request.node.name:
        monkeypatch.setattr(frame, "_decoded", asked)


def jpeg_2000(side: int = 96, **options: Any) -> bytes:
    levels = np.resize(GREY, (side, side))
    return encoded(Image.fromarray(levels), "JPEG2000", no_jp2=True, **options)


def in_dicom(code_stream: bytes, side: int = 96) -> bytes:
    return dicom_film(
        np.zeros((side, side), "u1"), JPEG2000Lossless, PixelData=encapsulate([code_stream])
    )


def changed(code_stream: bytes, marker: bytes, place: int, value: bytes) -> bytes:
    """Return a code stream with other bytes in a segment, `place` bytes behind its marker."""
    begin = code_stream.index(marker) + place
    return code_stream[:begin] + value + code_stream[begin + len(value) :]


SIZE, STYLE = b"\xff\x51", b"\xff\x52"
PRECINCTS = b"\xff\x52\0\x12\1\0\0\1\0\5\4\4\0\1" + bytes([0x00] + [0x11] * 5)


def with_precincts() -> bytes:
    stream = jpeg_2000()
    begin = stream.index(STYLE)
    return stream[:begin] + PRECINCTS + stream[begin + 14 :]


COSTLY: dict[str, tuple[Callable[[], bytes], str]] = {
    "tiles": (lambda: changed(jpeg_2000(), SIZE, 22, struct.pack(">2I", 1, 1)),
              f"{limits.MOST_TILES} tiles"),
    "tiles of no size but their place": (
        lambda: changed(jpeg_2000(), SIZE, 22, struct.pack(">2I", 2, 1)),
        f"{limits.MOST_TILES} tiles"),
    "layers of many tiles": (
        lambda: changed(jpeg_2000(tile_size=(16, 16)), STYLE, 6, b"\xff\xff"),
        f"{limits.MOST_PACKETS} packets"),
    "code-blocks": (lambda: jpeg_2000(2000, codeblock_size=(4, 4)),
                    f"{limits.MOST_CODE_BLOCKS} code-blocks"),
}  # fmt: skip


@pytest.mark.parametrize("name", COSTLY)
def test_a_frame_of_too_many_pieces_is_refused(name: str) -> None:
    stream, excess = COSTLY[name]
    refusal = refusal_of(in_dicom(stream(), 2000 if name == "code-blocks" else 96))
    assert refusal is not None
    assert refusal.reason == "too_large"
    assert refusal.problem == f"a JPEG 2000 frame of more than {excess}"
    assert refusal.cure == "export it anew, uncompressed"


@pytest.mark.parametrize(
    ("scans", "problem"),
    [
        (20_000, f"holds more JPEG scans than the {limits.JPEG_SCANS} that are read"),
        (15, "holds 16 JPEG scans, of its size at most 10 are read"),
    ],
)
def test_a_jpeg_of_more_scans_than_encoders_write_is_refused(
    scans: int, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "JPEG_SCANNED_PIXELS", 100_000)
    coded = encapsulate([progressive(96, 96, scans)])
    refusal = refusal_of(dicom_film(np.zeros((96, 96), "u1"), JPEGExtended12Bit, PixelData=coded))
    assert refusal is not None
    assert refusal.reason == "too_large"
    assert refusal.problem == f"a DICOM file that {problem}"


def test_precincts_of_a_pixel_and_parts_of_tiles_count(monkeypatch: pytest.MonkeyPatch) -> None:
    from edge_runtime.film.dicom import budget

    for limit, number, stream in (
        ("MOST_PACKETS", 2000, with_precincts()),
        ("MOST_TILE_PARTS", 10, jpeg_2000(tile_size=(16, 16))),
    ):
        with monkeypatch.context() as lowered:
            lowered.setattr(budget, limit, number)
            refusal = refusal_of(in_dicom(stream))
        assert refusal is not None
        assert refusal.problem.startswith(f"a JPEG 2000 frame of more than {number} pa")


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


HIDDEN = {
    "behind a box that looks like one": box(b"jP  ", b"\r\n\x87\n") + box(
        b"xml ", jpeg_2000()) + box(b"jp2c", jpeg_2000(300)),
    "behind boxes without end": box(b"jP  ", b"\r\n\x87\n") + box(b"free", b"") * 99 + jpeg_2000(),
    "in no box": box(b"jP  ", b"\r\n\x87\n") + b"nonsense" + jpeg_2000(),
}  # fmt: skip


@pytest.mark.parametrize("name", HIDDEN)
def test_the_size_that_counts_is_that_of_the_code_stream(name: str) -> None:
    assert reason_of(in_dicom(HIDDEN[name])) == "unreadable"


def test_a_code_stream_without_an_end_of_its_header_is_refused() -> None:
    comments = b"\xff\x64\0\2" * (limits.MOST_HEADER_SEGMENTS + 1)
    stream = jpeg_2000()
    begin = stream.index(STYLE)
    assert reason_of(in_dicom(stream[:begin] + comments + stream[begin:])) == "unreadable"


ROWS, COLUMNS = GREY.shape


def header(kind: int, rows: int = ROWS, columns: int = COLUMNS) -> bytes:
    return b"\xff" + bytes([kind]) + struct.pack(">HBHHB", 11, 8, rows, columns, 1) + b"\1\x11\0"


SCAN = b"\xff\xda\0\x08\1\1\0\1\0\0" + b"\x55" * 99 + b"\xff\xd9"
ODD: dict[str, tuple[str, bytes]] = {
    "a second header": (raw.LOSSLESS, header(0xC3) + header(0xC3, 60000, 60000)),
    "a hierarchy": (raw.LOSSLESS, header(0xDE, 60000, 60000) + header(0xC3)),
    "another size": (raw.LOSSLESS, header(0xC3, 60000, 60000)),
    "another size of JPEG-LS": (raw.JPEG_LS, header(0xF7, 60000, 60000)),
    "no header": (raw.JPEG, b""),
    "a million fill bytes": (raw.JPEG, b"\xff" * 100_000 + header(0xC0)),
    "many segments": (raw.JPEG, b"\xff\xe0\0\2" * 2000 + header(0xC0)),
    "segments of no length": (raw.JPEG, b"\xff\xe0\0\0" * 2000 + header(0xC0)),
}


@pytest.mark.parametrize("name", ODD)
def test_a_frame_with_an_odd_header_is_refused(name: str) -> None:
    syntax, segments = ODD[name]
    stream = b"\xff\xd8" + segments + SCAN
    assert reason_of(film(pixels=fragments(stream), syntax=syntax)) == "unreadable"


def test_pixels_that_take_more_bytes_than_uncompressed_ones_are_refused() -> None:
    junk = b"\xff\xd8\xff" + bytes(limits.SPARE_CODED + 6 * GREY.size)
    refusal = refusal_of(film(pixels=fragments(junk), syntax=raw.JPEG))
    assert refusal is not None
    assert refusal.reason == "too_large"
    assert refusal.problem.endswith("take more bytes than they would uncompressed")


def test_pixels_of_hardly_any_bytes_are_refused() -> None:
    stream = b"\xff\xd8" + header(0xF7, 4000, 4000) + SCAN
    refusal = refusal_of(film(pixels=fragments(stream), syntax=raw.JPEG_LS, side=4000))
    assert refusal is not None
    assert refusal.reason == "unreadable"
    assert refusal.problem.endswith("of which a byte holds more than 500")


def test_uncompressed_pixels_of_another_length_are_not_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(frame, "_read")
    more = raw.element(raw.PIXELS, "OW", bytes(1 << 20))
    assert reason_of(film(pixels=more)) == "unreadable"


@pytest.mark.parametrize(
    "options",
    [{"tile_size": (16, 16)}, {"codeblock_size": (16, 16)}, {"quality_layers": [40, 20, 10, 5]},
     {"precinct_size": (64, 64), "codeblock_size": (32, 32)}, {"num_resolutions": 1}],
    ids=str,
)  # fmt: skip
def test_legal_frames_of_jpeg_2000_are_read(options: dict[str, Any]) -> None:
    assert reason_of(in_dicom(jpeg_2000(**options))) == ""
