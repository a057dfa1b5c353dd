"""Pictures that are no films, made from films: what the film branch learns to refuse.

Every kind takes a film that is resized and stretched, not normalised locally, and gives another
picture of that size. The result goes through the runtime's `normalise`, as it would in a clinic.

A film mirrored left to right is no kind of negative: it shows a chest the right way up, which
side is which is told by a marker too small for the branch, and people with situs inversus look
like that. Films are therefore mirrored at random where the branch learns what a film is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from edge_export.films.pixels import Pixels

Draw = np.random.Generator
Kind = Callable[[Image.Image, Draw], Image.Image]

_BILINEAR = Image.Resampling.BILINEAR


def upside_down(film: Image.Image, draw: Draw) -> Image.Image:
    """Turn the film by 180 degrees, or flip it top to bottom."""
    turns = (Image.Transpose.ROTATE_180, Image.Transpose.FLIP_TOP_BOTTOM)
    return film.transpose(turns[draw.integers(2)])


def lying(film: Image.Image, draw: Draw) -> Image.Image:
    """Turn the film by a quarter to either side, half of them mirrored as well."""
    turns = (
        *(Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270),
        *(Image.Transpose.TRANSPOSE, Image.Transpose.TRANSVERSE),
    )
    return film.transpose(turns[draw.integers(4)])


def tilted(film: Image.Image, draw: Draw) -> Image.Image:
    """Turn the film by 45 degrees or more on any ground: all of it, the middle, or no ground."""
    # The less it is turned, the harder it is to tell and the more often it is drawn.
    angle, frame = draw.choice([-1, 1]) * (45 + 135 * draw.random() ** 2), draw.integers(3)
    turned = film.rotate(angle, _BILINEAR, expand=bool(frame == 0), fillcolor=_grey(draw))
    width, height = turned.size
    margin = draw.uniform(0.1, 0.2) if frame == 2 else 0
    box = (margin * width, margin * height, (1 - margin) * width, (1 - margin) * height)
    return turned.resize(film.size, _BILINEAR, box)


def inverted(film: Image.Image, draw: Draw) -> Image.Image:
    """Make black white and white black."""
    del draw
    return ImageOps.invert(film)


def shuffled(film: Image.Image, draw: Draw) -> Image.Image:
    """Cut the film into 2 x 2 to 8 x 8 tiles and lay them anew, each in another's place."""
    columns, rows = (int(number) for number in draw.integers(2, 9, 2))
    width, height = film.size
    across, down = -(-width // columns), -(-height // rows)
    tiles = [
        (x * width // columns, y * height // rows) for x in range(columns) for y in range(rows)
    ]
    order = [tiles[index] for index in draw.permutation(len(tiles))]
    out = film.copy()
    # One cycle through all places, so that no tile stays where it was.
    for (x, y), place in zip(order, [*order[1:], order[0]], strict=True):
        out.paste(film.crop((x, y, x + across, y + down)), place)
    return out


def corner(film: Image.Image, draw: Draw) -> Image.Image:
    """Enlarge a part of the film, at most 40 % as wide or as high as all of it."""
    share = draw.uniform(0.15, 0.4, 2)
    if draw.random() < 0.3:
        share[draw.integers(2)] = draw.uniform(0.5, 1)
    left, top = draw.uniform(0, 1 - share)
    width, height = film.size
    box = (left * width, top * height, (left + share[0]) * width, (top + share[1]) * height)
    return film.resize(film.size, _BILINEAR, box)


def small(film: Image.Image, draw: Draw) -> Image.Image:
    """Lay the film, small, on a page, a scene or an even ground, once or many times."""
    ground = (page, scene, _even)[draw.integers(3)](film, draw).convert(film.mode)
    width, height = film.size
    copies = int(draw.integers(1, 3)) ** 2
    for _ in range(copies):
        share = draw.uniform(0.2, 0.45)
        copy = film.resize((max(1, int(share * width)), max(1, int(share * height))), _BILINEAR)
        left, top = draw.uniform(0, 1 - share, 2)
        ground.paste(copy, (int(left * width), int(top * height)))
    return ground


def blurred(film: Image.Image, draw: Draw) -> Image.Image:
    """Blur the film until no lung is to be seen, by 10 to 30 % of its side."""
    return film.filter(ImageFilter.GaussianBlur(draw.uniform(0.1, 0.3) * min(film.size)))


def solarised(film: Image.Image, draw: Draw) -> Image.Image:
    """Run the grey levels up and down again, or leave the edges alone."""
    if draw.random() < 0.3:
        return film.filter(ImageFilter.FIND_EDGES)
    swings, phase = draw.uniform(1.5, 4), draw.uniform(0, 2)
    triangle = np.abs((np.arange(256) / 255 * swings + phase) % 2 - 1)
    return film.point((255 * triangle).astype(np.uint8).tolist())


def noise(film: Image.Image, draw: Draw) -> Image.Image:
    """Draw noise, from single pixels to clouds and stripes."""
    width, height = film.size
    total = np.zeros((height, width), np.float32)
    for _ in range(draw.integers(1, 6)):
        share = draw.random(2) if draw.random() < 0.3 else draw.random()
        cells = np.maximum(2, film.size ** np.broadcast_to(share, 2)).astype(int)
        coarse = Image.fromarray(draw.random((cells[1], cells[0]), np.float32))
        smooth = np.asarray(coarse.resize(film.size, Image.Resampling.BICUBIC))
        total += smooth * draw.random() / cells.min() ** draw.uniform(0, 0.7)
    return Image.fromarray(_stretched(total))


def gradient(film: Image.Image, draw: Draw) -> Image.Image:
    """Let the grey run across the picture, straight or round, with a little grain."""
    width, height = film.size
    x = np.linspace(-1, 1, width, dtype=np.float32)
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    slope, centre = draw.standard_normal(2, np.float32), 2 * draw.random(2, np.float32) - 1
    straight = slope[0] * x + slope[1] * y
    round_ = np.hypot(x - centre[0], y - centre[1]) * draw.choice([-1, 1])
    share = draw.choice([0, 1, draw.random()])
    grain = draw.uniform(0, 0.1) * draw.random((height, width), np.float32)
    return Image.fromarray(_stretched(share * straight + (1 - share) * round_ + grain))


def page(film: Image.Image, draw: Draw) -> Image.Image:
    """Draw lines of words, ruled at times, in ink on paper or inverted."""
    width, height = film.size
    ink, paper = (int(level) for level in draw.choice([(0, 255), (40, 220), (255, 0), (255, 60)]))
    image = Image.new("L", film.size, paper)
    pen = ImageDraw.Draw(image)
    left, right = draw.uniform(0, 0.2) * width, draw.uniform(0.6, 1) * width
    y, line = draw.uniform(0, 0.2) * height, draw.uniform(0.02, 0.1) * height
    last = draw.uniform(0.3, 1) * height
    ruled = draw.random() < 0.2
    while y < last:
        x, end = left, draw.uniform(left, right) if draw.random() < 0.2 else right
        while x < end and draw.random() > 0.01:
            word = draw.uniform(0.5, 4) * line
            pen.rectangle((x, y, min(x + word, right), y + 0.6 * line), fill=ink)
            x += word + 0.4 * line
        if ruled:
            pen.line((left, y + 0.8 * line, right, y + 0.8 * line), fill=ink)
        y += line * (2 if draw.random() < 0.1 else 1)
    turned = image.rotate(draw.normal(0, 2), _BILINEAR, fillcolor=paper)
    return turned.filter(ImageFilter.GaussianBlur(draw.uniform(0, 1)))


def scene(film: Image.Image, draw: Draw) -> Image.Image:
    """Draw dead leaves: overlapping discs, boxes and polygons of all sizes, lit from one side.

    Their sizes follow a power law, which gives the edges and the spectrum of photographs (Lee,
    Mumford and Huang, Int. J. Comput. Vision 41 (2001) 35).
    """
    width, height = film.size
    image = _even(film, draw) if draw.random() < 0.5 else gradient(film, draw)
    pen = ImageDraw.Draw(image)
    for _ in range(int(draw.integers(3, 120))):
        radius = 0.02 * min(film.size) / (1 - 0.97 * draw.random())
        x, y = draw.uniform(0, width), draw.uniform(0, height)
        long, wide = radius * draw.uniform(0.3, 1), radius * draw.uniform(0.3, 1)
        box, fill = (x - long, y - wide, x + long, y + wide), _grey(draw)
        shape = draw.random()
        if shape < 0.5:
            pen.ellipse(box, fill=fill)
        elif shape < 0.75:
            pen.rectangle(box, fill=fill)
        else:
            corners = draw.uniform(-radius, radius, (int(draw.integers(3, 6)), 2))
            pen.polygon([(x + across, y + down) for across, down in corners], fill=fill)
    image = image.filter(ImageFilter.GaussianBlur(draw.uniform(0, 3)))
    if draw.random() < 0.7:
        image = Image.blend(image, noise(film, draw), draw.uniform(0, 0.5))
    return ImageChops.multiply(image, gradient(film, draw)) if draw.random() < 0.3 else image


def cross_section(film: Image.Image, draw: Draw) -> Image.Image:
    """Draw a chest cut across: a body of ribs and a spine, and in it two dark lungs with vessels.

    It stands for CT slices where there are none to train on, or none that may be.
    """
    image = Image.new("L", film.size, int(draw.integers(40)))
    pen = ImageDraw.Draw(image)
    size = np.array(film.size)

    def oval(middle: ArrayLike, reach: ArrayLike, fill: int) -> None:
        low, high = np.subtract(middle, reach) * size, np.add(middle, reach) * size
        pen.ellipse([*low, *high], fill=fill)

    tissue, reach = int(draw.integers(100, 235)), draw.uniform((0.42, 0.32), (0.75, 0.65))
    oval((0.5, 0.5), reach, tissue)
    lungs = [(0.5 + side * draw.uniform(0.19, 0.26), draw.uniform(0.42, 0.54)) for side in (-1, 1)]
    for lung in lungs:
        oval(lung, draw.uniform((0.13, 0.19), (0.23, 0.42)), int(draw.integers(60)))
        for _ in range(int(draw.integers(40))):
            spot = np.add(lung, draw.normal(0, (0.06, 0.1), 2))
            oval(spot, np.full(2, draw.uniform(0.003, 0.02)), int(draw.integers(80, 255)))
    if draw.random() < 0.7:  # the heart, towards the left lung
        heart = draw.uniform((0.5, 0.35), (0.62, 0.5))
        oval(heart, draw.uniform((0.08, 0.08), (0.17, 0.17)), tissue)
    oval((0.5, draw.uniform(0.68, 0.8)), draw.uniform((0.04, 0.05), (0.08, 0.09)), 255)
    for turn in draw.uniform(0, 2 * math.pi, int(draw.integers(4, 14))):
        rib = 0.5 + 0.9 * reach * np.array([math.cos(turn), math.sin(turn)])
        oval(rib, draw.uniform(0.008, 0.025, 2), 230)
    image = image.filter(ImageFilter.GaussianBlur(draw.uniform(0.3, 1.5)))
    return Image.blend(image, noise(film, draw), draw.uniform(0, 0.3))


KINDS: Mapping[str, Kind] = MappingProxyType({
    kind.__name__: kind
    for kind in (
        *(upside_down, lying, tilted, inverted, shuffled, corner, small, blurred, solarised),
        *(noise, gradient, page, scene, cross_section),
    )
})  # fmt: skip
"""The kinds of negatives by name."""

OF_PICTURES: Mapping[str, Kind] = MappingProxyType({
    kind.__name__: kind for kind in (small, blurred, noise, gradient, page, scene)
})  # fmt: skip
"""Those that make sense where a picture shows no chest.

An upside-down, turned or inverted crack is a crack, and a corner of a slide is a slide.
"""


def kinds_of(modality: str) -> Mapping[str, Kind]:
    """Return the kinds of negatives for films of a modality, or for pictures of any other kind."""
    return OF_PICTURES if modality == "other" else KINDS


def _grey(draw: Draw) -> int:
    return int(draw.integers(256))


def _even(film: Image.Image, draw: Draw) -> Image.Image:
    return Image.new("L", film.size, _grey(draw))


def _stretched(field: NDArray[np.floating]) -> Pixels:
    """Return a field of `(h, w)` numbers as grey levels from 0 to 255."""
    low, high = field.min(), field.max()
    grey: Pixels = (255 * (field - low) / max(high - low, 1e-6)).astype(np.uint8)
    return grey
