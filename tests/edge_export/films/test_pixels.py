"""Films become the runtime's own pixels, and whoever waits for them sees how far it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge_export.films import pixels as module
from edge_export.films.film import Film
from edge_export.films.pixels import ChangedPixels, Pixels, blocks, load_pixels, progress
from edge_runtime.errors import DataError
from edge_runtime.film.preprocess import film_pixels, standard
from tiny_network import RECIPE


def test_films_become_the_runtimes_own_pixels_in_their_order(
    films: list[Film], pixels: Pixels
) -> None:
    assert pixels.shape == (len(films), 64, 64, 1)
    assert pixels.dtype == np.uint8
    for film, found in zip(films, pixels, strict=True):
        assert found.tobytes() == film_pixels(film.path, RECIPE)


def test_three_channels_stand_last(films: list[Film]) -> None:
    found = load_pixels(films[:2], standard(64, 80, 3))
    assert found.shape == (2, 64, 80, 3)
    assert (found[..., 0] == found[..., 2]).all()


def test_a_film_that_cannot_be_read_is_named(films: list[Film], tmp_path: Path) -> None:
    torn = tmp_path / "torn.png"
    torn.write_bytes(films[0].path.read_bytes()[:200])
    with pytest.raises(DataError, match=r"torn\.png: its PNG data are torn off; replace or remove"):
        load_pixels([*films[:3], replace(films[0], path=torn)], RECIPE)


@pytest.mark.parametrize(
    ("silence", "told"), [(0.0, ["reading: 1 of 3 films", "reading: 2 of 3 films"]), (1e9, [])]
)
def test_without_a_terminal_there_is_a_line_after_every_silence(
    silence: float,
    told: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(module, "_SILENCE", silence)
    assert list(progress("abc", 3, "reading", "film")) == ["a", "b", "c"]
    assert capsys.readouterr().err.splitlines() == told


def test_blocks_are_all_films_in_order_and_a_few_at_a_time(
    pixels: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    for films, room, most in ((7, 1 << 25, 7), (1024, 5 * 64 * 64, 5), (1024, 1, 1)):
        monkeypatch.setattr(module, "_FILMS", films)
        monkeypatch.setattr(module, "_BLOCK", room)
        given = list(blocks(pixels))
        assert max(map(len, given)) == most
        assert (np.concatenate(given) == pixels).all()


def test_changed_pixels_are_those_of_a_changed_copy(
    pixels: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_FILMS", 5)
    turned = ChangedPixels(pixels, lambda films: 255 - films)
    assert (turned.shape, len(turned)) == (pixels.shape, len(pixels))
    assert (np.stack(list(turned)) == 255 - pixels).all()
    assert (turned[3:9] == 255 - pixels[3:9]).all()
    assert (np.asarray(turned) == 255 - pixels).all()
