"""Films in other poses, and negatives of every kind, all drawn by seed."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import chain

import numpy as np
from PIL import Image, ImageOps

from edge_export.films.pixels import Pixels
from edge_kit.data.pixel_store import CachedPixels
from edge_kit.film_branch.kinds import Draw, Kind, noise
from edge_runtime.bundle.records import Preprocess
from edge_runtime.errors import DataError, Refusal
from edge_runtime.film.intensity import normalise

_LOCAL = ("local_radius", "local_gain", "local_floor")
_TRIES = 5  # a kind may come out blank, a corner of air for one; the next draw will not


def stretched(preprocess: Preprocess) -> Preprocess:
    """Return the preprocessing without local normalisation: how films are before it.

    Pictures are made of such films, and normalised as one that comes to the clinic is: once. Made
    of films that are normalised already, they would look like nothing that a clinic can send.
    """
    fields = preprocess.to_json()
    return Preprocess(**{name: value for name, value in fields.items() if name not in _LOCAL})


def as_seen(pixels: Pixels | CachedPixels, preprocess: Preprocess) -> Pixels:
    """Return films `(n, h, w, c)` that are only `stretched` as the graph sees them."""
    if preprocess.local_radius is None:
        return np.asarray(pixels)
    return make_pictures(np.asarray(pixels), [_unchanged] * len(pixels), preprocess, 0)


def _unchanged(film: Image.Image, draw: Draw) -> Image.Image:
    del draw
    return film


def as_taken(film: Image.Image, draw: Draw) -> Image.Image:
    """Return the film as it might have been taken: posed, framed and exposed a little otherwise."""
    width, height = film.size
    turn, mirror = math.radians(draw.normal(0, 4)), draw.choice([-1, 1])
    # What of the film is seen: 80 to 116 % of it; beyond its edge lies black.
    across, down = draw.uniform(0.8, 1.16, 2)
    x, y = (0.5 + draw.uniform(-0.08, 0.08, 2)) * film.size
    cos, sin = math.cos(turn), math.sin(turn)
    a, b, c, d = mirror * across * cos, down * sin, -mirror * across * sin, down * cos
    left, top = x - (a * width + b * height) / 2, y - (c * width + d * height) / 2
    matrix = (a, b, left, c, d, top)
    film = film.transform(film.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    gamma = 2 ** draw.uniform(-0.8, 0.8)
    curve = [round(255 * (grey / 255) ** gamma) for grey in range(256)]
    film = film.point(curve * len(film.getbands()))
    if draw.random() < 0.5:
        return film
    grain = draw.uniform(0, 6) * draw.standard_normal((height, width), np.float32)
    if film.mode == "RGB":
        grain = grain[..., None]
    return Image.fromarray(np.clip(np.asarray(film) + grain, 0, 255).astype(np.uint8))


def as_laid(picture: Image.Image, draw: Draw) -> Image.Image:
    """Return a picture that has no upper side as it might have been taken, any side up."""
    turn = draw.integers(8)
    turned = picture.transpose(list(Image.Transpose)[turn]) if turn < 7 else picture
    return as_taken(turned.resize(picture.size), draw)


def make_pictures(
    pixels: Pixels, kinds: Sequence[Kind], preprocess: Preprocess, seed: int
) -> Pixels:
    """Return a picture of `kinds[i]` from each film `pixels[i]`, both `(n, h, w, c)`.

    The films are `stretched`, and no more; the pictures are as the graph sees them.

    The same films, kinds and seed give the same pictures. A blank picture, which the runtime
    refuses anyway, is drawn again; if that fails, the inverted film is taken. Where colour is not
    looked at, pictures keep theirs, half of those that are drawn get some, and noise is taken.
    """
    out = np.empty_like(pixels)
    any_colour = preprocess.max_chroma >= 255
    colour = any_colour and preprocess.channels == 3

    def make(index: int) -> None:
        draw = np.random.default_rng((seed, index))
        grey = preprocess.channels == 1
        film = Image.fromarray(pixels[index].squeeze(-1) if grey else pixels[index])
        film = film if colour else film.convert("L")
        tries = (kinds[index](film, draw) for _ in range(_TRIES))
        for picture in chain(tries, [noise(film, draw) if any_colour else ImageOps.invert(film)]):
            with suppress(Refusal):
                drawn = _tinted(picture, draw) if colour and picture.mode == "L" else picture
                shown = normalise(drawn, kinds[index].__name__, preprocess)
                out[index] = np.asarray(shown).reshape(out.shape[1:])
                return
        raise DataError("training", "a film of one even grey", "leave it out")

    # Pillow draws and filters outside the interpreter lock.
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        try:
            list(pool.map(make, range(len(pixels))))
        finally:  # whatever ended the work, nobody waits for the pictures that are left
            pool.shutdown(cancel_futures=True)
    return out


def _tinted(picture: Image.Image, draw: Draw) -> Image.Image:
    """Return a grey picture in colours, or as it is: or colour alone would tell pictures apart."""
    if draw.random() < 0.5:
        return picture
    black, middle, white = (tuple(map(int, draw.integers(256, size=3))) for _ in range(3))
    return ImageOps.colorize(picture, black, white, middle)
