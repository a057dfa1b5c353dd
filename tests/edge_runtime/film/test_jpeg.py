"""A JPEG file that is not whole is refused, as the same bytes in DICOM are."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from edge_runtime.film import jpeg
from film_refusals import reason_of
from tiny_bundle import encoded, film_array

GREY = film_array(320, 240)
BORDERED = GREY.copy()
BORDERED[-80:] = 0
BORDERED[:, :90] = 0
FILMS: dict[str, bytes] = {
    "baseline": encoded(Image.fromarray(GREY), "JPEG", quality=92),
    "optimised": encoded(Image.fromarray(GREY), "JPEG", quality=92, optimize=True),
    "progressive": encoded(Image.fromarray(GREY), "JPEG", quality=92, progressive=True),
    "with restarts": encoded(Image.fromarray(GREY), "JPEG", quality=92, restart_marker_rows=4),
    "in colour": encoded(Image.fromarray(GREY).convert("RGB"), "JPEG", quality=92),
    "with a border": encoded(Image.fromarray(BORDERED), "JPEG", quality=92),
    "optimised with a border": encoded(
        Image.fromarray(BORDERED), "JPEG", quality=92, optimize=True
    ),
    "progressive with a border": encoded(
        Image.fromarray(BORDERED), "JPEG", quality=92, progressive=True
    ),
    "all of one shade": encoded(
        Image.fromarray(np.full_like(GREY, 9)), "JPEG", optimize=True, quality=92
    ),
}


@pytest.mark.parametrize("name", FILMS)
def test_a_whole_file_is_read_whatever_follows_its_end(name: str) -> None:
    wanted = "blank" if name == "all of one shade" else ""
    for more in (b"", bytes(5000), b"\xff" * 99, b"a trailer", FILMS["baseline"]):
        assert reason_of(FILMS[name] + more) == wanted


@pytest.mark.parametrize("name", FILMS)
def test_a_file_torn_at_any_of_a_hundred_places_is_refused(name: str) -> None:
    film = FILMS[name]
    for place in range(1, 100):
        kept = film[: len(film) * place // 100]
        for more in (b"", bytes(len(film) - len(kept)), bytes(500_000)):
            assert reason_of(kept + more) == "unreadable", (place, len(more))


# Of a progressive file the scans that refine others may end in zeros: what they hide is not seen.
HOLES = [
    (name, size)
    for size in (200, 1000)
    for name in FILMS
    if name != "all of one shade" and "progressive" not in name
]


@pytest.mark.parametrize(("name", "size"), HOLES)
def test_a_file_with_a_hole_of_zeros_is_refused(name: str, size: int) -> None:
    film = FILMS[name]
    for place in (45, 55, 65):
        first = len(film) * place // 100
        if len(set(film[first : first + size])) > 20:  # which a border need not have
            assert reason_of(film[:first] + bytes(size) + film[first + size :]) == "unreadable", (
                place
            )


@pytest.mark.parametrize("name", ["baseline", "optimised", "in colour", "with restarts"])
def test_a_file_that_was_torn_and_closed_again_is_refused(name: str) -> None:
    film = FILMS[name]
    for place in (30, 50, 75, 90):
        assert reason_of(film[: len(film) * place // 100] + b"\xff\xd9") == "unreadable", place


@pytest.mark.parametrize("name", ["baseline", "optimised", "in colour"])
def test_a_file_with_a_part_cut_out_is_refused(name: str) -> None:
    film = FILMS[name]
    for place in (45, 60, 75):
        first = len(film) * place // 100
        assert reason_of(film[:first] + film[first + 700 :]) == "unreadable", place


@pytest.mark.parametrize("quality", [75, 90, 95, 100])
@pytest.mark.parametrize("optimize", [False, True])
def test_a_progressive_file_with_an_even_border_is_read(quality: int, optimize: bool) -> None:
    for shade in (0, 255):
        framed = np.full((400, 420), shade, "u1")
        framed[80:320, 60:380] = GREY
        image = Image.fromarray(framed)
        for mode in ("L", "RGB"):
            film = encoded(
                image.convert(mode), "JPEG", quality=quality, progressive=True, optimize=optimize
            )
            assert reason_of(film) == ""


def test_a_comment_may_stand_before_the_end() -> None:
    film = FILMS["baseline"]
    assert reason_of(film[:-2] + b"\xff\xfe\x00\x06abcd" + film[-2:]) == ""


def test_a_file_with_an_erased_part_is_refused() -> None:
    film = FILMS["baseline"]
    for size in (40, 400, 4000):
        torn = film[: len(film) // 2] + b"\xff" * size + film[len(film) // 2 + size :]
        assert reason_of(torn) == "unreadable"


def test_a_missing_stretch_between_restarts_is_seen() -> None:
    film = FILMS["with restarts"]
    stretches = [*jpeg.scans(film)]
    (_, end, _), (_, later, _) = stretches[1], stretches[3]
    assert jpeg.damage(film) == ""
    assert jpeg.damage(film[:end] + film[later:]) == "a part of its JPEG data is missing"


@pytest.mark.parametrize("marker", [0x02, 0xC0, 0xD8, 0xF3])
def test_a_marker_that_cannot_follow_a_scan_is_damage(marker: int) -> None:
    film = FILMS["baseline"]
    ((start, end, _),) = jpeg.scans(film)
    middle = (start + end) // 2
    torn = film[:middle] + bytes([0xFF, marker]) + film[middle + 2 :]
    assert jpeg.damage(torn) == "its JPEG data are damaged"
    assert reason_of(torn) == "unreadable"
