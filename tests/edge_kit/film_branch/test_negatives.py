"""What is made of a film to be refused differs from it, and follows from kind and seed."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageOps

from edge_export.films.phantom import phantom
from edge_export.films.pixels import Pixels
from edge_kit.film_branch.kinds import KINDS, Draw, Kind, kinds_of
from edge_kit.film_branch.negatives import (
    as_laid,
    as_seen,
    as_taken,
    make_pictures,
    stretched,
)
from edge_runtime.bundle.records import Preprocess
from edge_runtime.film.intensity import normalise
from edge_runtime.film.preprocess import film_pixels, standard

SIDE = 96
GREY, COLOUR = standard(SIDE, SIDE, 1), standard(SIDE, SIDE, 3)
EACH = 6


@pytest.fixture(scope="module")
def films() -> Pixels:
    """Return a few phantoms as the graph sees them, `(n, h, w, 1)`."""
    shown = [phantom(seed, positive=False, size=(SIDE, SIDE)) for seed in range(EACH)]
    return np.stack([np.asarray(normalise(one, "", GREY)) for one in shown])[..., None]


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_no_kind_leaves_a_film_as_it_was(kind: Kind, films: Pixels) -> None:
    found = make_pictures(films, [kind] * EACH, GREY, 0)
    assert (found.shape, found.dtype) == (films.shape, films.dtype)
    distance = np.abs(found.astype(int) - films).mean((1, 2, 3))
    assert distance.min() > 20


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_picture_is_stretched_as_the_runtime_stretches_it(kind: Kind, films: Pixels) -> None:
    for picture in make_pictures(films, [kind] * EACH, GREY, 1)[..., 0]:
        again = normalise(Image.fromarray(picture), "", GREY)
        assert (np.asarray(again) == picture).all()


def test_pictures_are_made_before_local_normalisation_which_they_go_through_once() -> None:
    local = Preprocess(**GREY.to_json(), local_radius=8, local_gain=38, local_floor=4)
    shown = [phantom(seed, positive=False, size=(SIDE, SIDE)) for seed in range(EACH)]
    made = [np.frombuffer(film_pixels(one, stretched(local)), np.uint8) for one in shown]
    plain = np.stack(made).reshape(EACH, SIDE, SIDE, 1)
    sent = np.stack([np.frombuffer(film_pixels(one, local), np.uint8) for one in shown])
    assert (as_seen(plain, local) == sent.reshape(plain.shape)).all()
    assert (as_seen(plain, GREY) == plain).all()
    over = make_pictures(plain, [KINDS["upside_down"]] * EACH, local, 3)
    turned = [(one.rotate(180), ImageOps.flip(one)) for one in shown]
    for picture, sides in zip(over[..., 0], turned, strict=True):
        as_sent = [np.frombuffer(film_pixels(side, local), np.uint8) for side in sides]
        assert min(np.abs(picture.ravel().astype(int) - one).mean() for one in as_sent) < 2


def test_kinds_and_seed_decide_and_a_picture_s_place_does_not_disturb_the_others(
    films: Pixels,
) -> None:
    kinds = [*KINDS.values()][:EACH]
    found = make_pictures(films, kinds, GREY, 5)
    assert (make_pictures(films, kinds, GREY, 5) == found).all()
    assert (make_pictures(films[:2], kinds[:2], GREY, 5) == found[:2]).all()
    assert (make_pictures(films, kinds, GREY, 6) != found).any()


def test_three_channels_are_three_times_the_same_grey(films: Pixels) -> None:
    kinds = [KINDS["tilted"]] * EACH
    colour = make_pictures(films.repeat(3, axis=3), kinds, COLOUR, 0)
    assert (colour == make_pictures(films, kinds, GREY, 0)).all()


def test_a_film_is_mirrored_at_times_and_never_turned_over() -> None:
    top_left = np.zeros((40, SIDE, SIDE, 1), np.uint8)
    top_left[:, : SIDE // 2] = 100
    top_left[:, :, : SIDE // 2] += 100
    found = make_pictures(top_left, [as_taken] * len(top_left), GREY, 0).astype(float)[..., 0]
    left_is_brighter = found[:, :, : SIDE // 2].mean((1, 2)) > found[:, :, SIDE // 2 :].mean((1, 2))
    top_is_brighter = found[:, : SIDE // 2].mean((1, 2)) > found[:, SIDE // 2 :].mean((1, 2))
    assert 8 < left_is_brighter.sum() < 32
    assert top_is_brighter.all()


def test_a_picture_that_came_out_blank_is_drawn_again(films: Pixels) -> None:
    tries: list[int] = []

    def blank_at_first(film: Image.Image, draw: Draw) -> Image.Image:
        tries.append(int(draw.integers(99)))
        return film.rotate(180) if len(tries) == 3 else Image.new("L", film.size)

    found = make_pictures(films[:1], [blank_at_first], GREY, 0)
    assert len(set(tries)) == 3
    assert (found[0, ..., 0] == np.rot90(films[0, ..., 0], 2)).all()


def test_what_is_always_blank_is_replaced_by_the_film_inverted(films: Pixels) -> None:
    found = make_pictures(films[:1], [lambda film, _: Image.new("L", film.size)], GREY, 0)
    assert (found == 255 - films[:1]).all()


PICTURES = standard(SIDE, SIDE, 3, "other")


@pytest.fixture(scope="module")
def pictures(films: Pixels) -> Pixels:
    """Return pictures of another pattern in each channel, `(n, h, w, 3)`."""
    return np.concatenate([films, films[::-1], films[:, ::-1]], axis=3)


def test_what_is_turned_or_inverted_is_no_negative_of_pictures_of_any_kind() -> None:
    turned = {"upside_down", "lying", "tilted", "inverted", "shuffled", "corner", "cross_section"}
    assert not turned & kinds_of("other").keys()
    assert kinds_of("xray") == kinds_of("ct") == KINDS


@pytest.mark.parametrize("kind", kinds_of("other"))
def test_negatives_of_pictures_are_in_colour_at_times(kind: str, pictures: Pixels) -> None:
    found = make_pictures(pictures, [kinds_of("other")[kind]] * EACH, PICTURES, 0)
    assert np.abs(found.astype(int) - pictures).mean((1, 2, 3)).min() > 10
    assert (found != found[..., :1]).any()


def test_a_pose_of_a_picture_keeps_its_colours_and_may_lie_on_any_side(pictures: Pixels) -> None:
    one = Image.fromarray(pictures[0])
    seen = {
        np.asarray(as_laid(one, np.random.default_rng(seed)).resize((4, 4))).tobytes()
        for seed in range(12)
    }
    assert len(seen) == 12
    found = make_pictures(pictures, [as_laid] * EACH, PICTURES, 0)
    assert (found != found[..., :1]).any((1, 2, 3)).all()
