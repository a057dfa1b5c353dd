"""The film branch: a tiny network beside the classifier that tells films from other pictures.

It reads the same pixels, averaged down to about 56 x 56, and answers with one logit: above zero
more likely a film. The classifier's own features were tried and do not suffice: they missed 97 % of
upside-down films.

It is trained after the classifier, against pictures made from the training films, new ones in
every round, and moves none of the classifier's weights.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge_export.films.pixels import Pixels
from edge_export.graph.head import FILM
from edge_export.statistics.estimates import auc
from edge_kit.data.pixel_store import CachedPixels
from edge_kit.film_branch.kinds import KINDS, Kind, corner, solarised, tilted, upside_down
from edge_kit.film_branch.negatives import as_laid, as_taken, make_pictures
from edge_runtime.bundle.records import Preprocess
from edge_runtime.errors import DataError

if TYPE_CHECKING:
    import keras

_SIDE = 56  # what the pixels are averaged down to; enough to see which way up a chest is
_ROUNDS, _EPOCHS = 8, 3  # new pictures in every round; drawing them takes as long as learning
_BATCH_SIZE, _LEARNING_RATE = 64, 0.003
_POSES, _NEGATIVES = 2, 3  # a film, in every round
_SHOWN = 500  # pictures of a round on which its AUC is shown
_MOST = 4000  # films in a round, and likewise others; of 224 x 224 they take 2 GB of memory


_PLAIN, _LOCAL = ((8, 16, 32), 32, 0.0), ((12, 24, 48), 16, 0.3)
"""Filters, dense units and dropout; both have as many weights.

Without dropout the branch of films that are normalised locally told all its own pictures apart by
the ninth round, and refused 6 of 174 test films and let 5 % of CT slices through.
"""

_THROUGH_MOST: tuple[Kind, ...] = (upside_down, tilted, corner, solarised)


def film_branch(height: int, width: int, channels: int, *, local: bool = False) -> keras.Model:
    """Return the branch, untrained.

    Input `(n, height, width, channels)` grey levels 0..255, output `(n, 1)` logit. For 224 x 224:
    1.4 million multiplications, 0.7 % of Model 3's, and 32 thousand weights. `local` is for films
    that are normalised locally, of which less tells a film from other pictures: twice as many.
    """
    from keras import Input, Sequential, layers

    sizes, units, dropout = _LOCAL if local else _PLAIN
    body = []
    for number, filters in enumerate(sizes, 1):
        body += [
            layers.Conv2D(filters, 3, activation="relu", name=f"film_conv{number}"),
            layers.MaxPooling2D(2, name=f"film_max{number}"),
        ]
    drops = [layers.Dropout(dropout, name=f"film_drop{n}") for n in (1, 2)] if dropout else []
    return Sequential(
        [
            Input((height, width, channels)),
            layers.Rescaling(1 / 255, name="film_scale"),
            layers.AveragePooling2D((max(1, height // _SIDE), max(1, width // _SIDE)),
                                    name="film_pool"),
            *body,
            layers.Flatten(name="film_flat"),
            *drops[:1],
            layers.Dense(units, activation="relu", name="film_dense"),
            *drops[1:],
            layers.Dense(1, name=FILM),
        ],
        name="film_branch",
    )  # fmt: skip


def join(model: keras.Model, branch: keras.Model) -> keras.Model:
    """Return `model` with the logit of `branch` as its second output, sharing all weights."""
    import keras

    film = model.inputs[0]
    for layer in branch.layers:
        film = layer(film)
    return keras.Model(model.inputs, [*model.outputs, film], name=model.name)


def film_logits(branch: keras.Model, pixels: Pixels) -> NDArray[np.float64]:
    """Return the logits of the branch alone for `(n, h, w, c)` pixels, shape `(n,)`."""
    logit: NDArray[np.float32] = branch.predict(pixels, batch_size=128, verbose=0)[:, 0]
    return logit.astype(np.float64)


def fit_branch(
    films: Pixels | CachedPixels,
    others: Pixels,
    preprocess: Preprocess,
    seed: int,
    *,
    kinds: Mapping[str, Kind] = KINDS,
    say: Callable[[str], None] = lambda _: None,
) -> keras.Model:
    """Return a branch trained to tell `films` from negatives made of them and from `others`.

    Both are `(n, h, w, c)`, `stretched` and no more; `others` are pictures of another modality, and
    there may be none. From very large sets each round draws a sample. `kinds` are those of the
    negatives; `say` gets a line a round, with the AUC on its new pictures before they were learnt.

    Raises:
        DataError: a loss was not finite.
    """
    import keras

    # Of its own: what the classifier drew before must not matter.
    keras.utils.set_random_seed(seed)
    draw = np.random.default_rng(seed)
    local = preprocess.local_radius is not None
    size = preprocess.height, preprocess.width, preprocess.channels
    branch, rounds = film_branch(*size, local=local), _ROUNDS + local * _ROUNDS // 2
    seen, foreign = min(len(films), _MOST), min(len(others), _MOST)
    say(_begun(seen, foreign))
    batches = -(-((_POSES + _NEGATIVES) * seen + foreign) // _BATCH_SIZE)
    rate = keras.optimizers.schedules.PolynomialDecay(
        _LEARNING_RATE, rounds * _EPOCHS * batches, end_learning_rate=0.0
    )
    branch.compile(keras.optimizers.Adam(rate), keras.losses.BinaryCrossentropy(from_logits=True))
    for number in range(rounds):
        sources = _some(films, draw), _some(others, draw)
        pixels, is_film, drawn = _round(*sources, preprocess, draw, kinds)
        area = _area(branch, pixels, is_film)
        history = branch.fit(pixels, is_film, batch_size=_BATCH_SIZE, epochs=_EPOCHS, verbose=0)
        say(_learnt((number + 1, rounds), area, history.history["loss"][-1], drawn))
    return branch


def _learnt(of: tuple[int, int], area: float, loss: float, drawn: str) -> str:
    """Return in a line what a round has come to.

    Raises:
        DataError: the loss is not finite.
    """
    if not math.isfinite(loss):
        problem = "the loss of its branch is not finite"
        raise DataError("out-of-distribution check", problem, "train with another --seed")
    figures = f"AUC {area:.3f} before, loss {loss:.3f} after"
    return f"film branch, round {of[0]}/{of[1]}: {figures}; negatives {drawn}"


def _area(branch: keras.Model, pixels: Pixels, is_film: NDArray[np.float32]) -> float:
    """Return the AUC of the branch on some of the pictures, taken evenly from all."""
    few = slice(None, None, -(-len(pixels) // _SHOWN))
    return auc(is_film[few] > 0, film_logits(branch, pixels[few])).value


def _begun(films: int, others: int) -> str:
    """Return what the branch learns in each round."""
    foreign = f", and {others} films of another modality" if others else ""
    return (
        f"film branch: learns {films} films, each in {_POSES} poses a round, and to refuse "
        f"{_NEGATIVES * films} negatives made of them{foreign}"
    )


def _some(pixels: Pixels | CachedPixels, draw: np.random.Generator) -> Pixels:
    """Return at most `_MOST` of the films, drawn without putting back."""
    if len(pixels) <= _MOST:
        return np.asarray(pixels)
    return np.asarray(pixels[np.sort(draw.choice(len(pixels), _MOST, replace=False))])


def _round(
    films: Pixels,
    others: Pixels,
    preprocess: Preprocess,
    draw: np.random.Generator,
    kinds: Mapping[str, Kind],
) -> tuple[Pixels, NDArray[np.float32], str]:
    """Return the pictures of a round, which are films, and in words the negatives by kind."""
    # Those that get through most are drawn twice as often.
    most = [kind for kind in _THROUGH_MOST if kind.__name__ in kinds]
    every: list[Kind] = [*kinds.values(), *most]
    chosen = [every[index] for index in draw.integers(len(every), size=_NEGATIVES * len(films))]
    posed = _POSES * len(films)
    sources = np.concatenate([films] * (_POSES + _NEGATIVES) + [others])
    # What may lie upside down is no negative, so it is a pose.
    pose = as_taken if upside_down.__name__ in kinds else as_laid
    poses = [pose] * posed + chosen + [pose] * len(others)
    pixels = make_pictures(sources, poses, preprocess, int(draw.integers(2**32)))
    counts = Counter(kind.__name__ for kind in chosen)
    drawn = ", ".join(f"{name} {counts[name]}" for name in kinds)
    return pixels, (np.arange(len(sources)) < posed).astype(np.float32), drawn
