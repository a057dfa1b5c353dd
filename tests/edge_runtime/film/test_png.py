"""A PNG whose end was never written is refused, wherever it breaks off."""

from __future__ import annotations

import pytest
from PIL import Image

from film_refusals import reason_of
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
