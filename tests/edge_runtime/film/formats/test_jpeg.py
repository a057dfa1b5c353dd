"""A JPEG is refused by its segments and scans, before one of them is decoded."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from edge_runtime.film import jpeg, limits
from edge_runtime.film.formats import jpeg as form
from edge_runtime.film.preprocess import film_pixels
from film_refusals import reason_of
from fuzz.grammar.jpeg import progressive, segment
from hostile_pictures import RECIPE, costly, judged, sparse
from tiny_bundle import encoded, film_array

IMAGE = Image.fromarray(film_array(320, 240))
FILM = encoded(IMAGE, "JPEG", quality=92)
SCAN = FILM.index(b"\xff\xda")
TABLES = FILM[FILM.index(b"\xff\xc4") : SCAN]


def headed(more: bytes) -> bytes:
    """Return the film with more segments at its beginning."""
    return FILM[:2] + more + FILM[2:]


BEYOND = {
    "scans": (progressive(512, 512, 33), "more JPEG scans than the 32"),
    "scans of a large film": (progressive(7000, 7000, 9), "of its size at most 8 are read"),
    "comments": (headed(segment(0xFE) * 257), "segments before its first scan than the 256"),
    "tables": (headed(TABLES * 257), "segments before its first scan"),
    "a profile": (headed(segment(0xE2, bytes(65_000)) * 65), "bytes before its first JPEG scan"),
    "EXIF": (headed(segment(0xE1, b"Exif\0\0" + bytes(65_000)) * 5), "bytes of EXIF"),
}


@pytest.mark.parametrize("name", BEYOND)
def test_what_takes_a_decoder_too_much_is_refused_before_one_runs(name: str) -> None:
    costly(form, *BEYOND[name])


DAMAGED = {
    "fill bytes": headed(b"\xff" * 100_000),
    "no scan": FILM[:SCAN] + b"\xff\xd9",
    "tables after the scan": FILM[:-2] + TABLES * 300 + FILM[-2:],
    "restarts that end nothing": FILM[:-2]
    + b"".join(bytes([0xFF, 0xD0 + n % 8]) for n in range(70_000))
    + FILM[-2:],
    "two frames": headed(FILM[FILM.index(b"\xff\xc0") : FILM.index(b"\xff\xc4")]),
    "arithmetic coding": FILM.replace(b"\xff\xc0", b"\xff\xc9", 1),
    "hierarchical": FILM.replace(b"\xff\xc0", b"\xff\xc5", 1),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_what_no_encoder_writes_is_refused_before_a_decoder_runs(name: str) -> None:
    assert judged(form, DAMAGED[name]).reason == "unreadable"


@pytest.mark.parametrize("kept", [20, SCAN + 500])
def test_of_a_gigabyte_of_zeros_no_more_is_read_than_a_film_has(kept: int, tmp_path: Path) -> None:
    said = judged(form, sparse(tmp_path / "film.jpg", FILM[:kept], tail=b"\xff\xd9"))
    assert said.reason in ("unreadable", "too_large")
    assert said.read <= limits.JPEG_HEADER_BYTES + 4 * 320 * 240 + 1


def test_a_gigabyte_after_the_end_is_not_read(tmp_path: Path) -> None:
    film = sparse(tmp_path / "film.jpg", FILM, tail=b"x")
    assert film_pixels(film, RECIPE) == film_pixels(FILM, RECIPE)
    with film.open("rb") as stream:
        read = form.judge(stream, "a film", RECIPE).getbuffer().nbytes
    assert read <= limits.JPEG_HEADER_BYTES + 4 * 320 * 240


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 1}])
def test_what_encoders_write_is_read_whole(mode: str, options: dict[str, bool]) -> None:
    film = encoded(IMAGE.convert(mode), "JPEG", quality=92, **options)
    judged_stream = form.judge(BytesIO(film), "a film", RECIPE)
    assert judged_stream.getvalue() == film
    assert jpeg.scans_problem(film) == ""
    assert reason_of(film) == ""


def test_segments_of_cameras_change_no_pixel() -> None:
    thumbnail = segment(0xE1, b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0" + FILM[:20_000])
    more = thumbnail + segment(0xE2, b"ICC_PROFILE\0\1\2" + bytes(60_000)) * 9 + segment(0xFE, b"x")
    assert film_pixels(headed(more), RECIPE) == film_pixels(FILM, RECIPE)


def test_who_keeps_coefficients_is_known_from_the_header() -> None:
    assert not jpeg.keeps_coefficients(FILM)
    assert jpeg.keeps_coefficients(encoded(IMAGE, "JPEG", progressive=True))
    colour = encoded(IMAGE.convert("RGB"), "JPEG")
    assert not jpeg.keeps_coefficients(colour)
    scan = colour.index(b"\xff\xda")
    assert jpeg.keeps_coefficients(colour[:scan] + segment(0xDA, b"\1\1\0\0\x3f\0") + bytes(9))


def test_the_longest_run_of_zeros_is_found_among_many() -> None:
    begin, end = next(iter(jpeg.scans(FILM)))[:2]
    for runs in ([40, 90, 33], [33] * 50 + [120], [31] * 9):
        holes = b"".join(bytes(run) + b"\x55" for run in runs)
        found = jpeg.with_holes(FILM[:begin] + holes + FILM[begin:])
        assert found == ([(begin, end + len(holes))] if max(runs) >= jpeg.HOLE else [])
