"""Which films calibrate the quantizers, and whether they are suitable."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice, zip_longest

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edge_export.films.film import Film
from edge_export.films.pixels import Pixels
from edge_runtime.errors import DataError, UsageError

FEWEST_FILMS = 100
"""With fewer films calibration is refused: what they miss is clipped on every other film."""

_ALLOW = "--allow-calibration"

# Both limits judge thumbnails of 32 x 32 pixels. Measured on 1,147 chest X-rays, 300 CT slices and
# 100 phantoms, and on 30 images each of 32 kinds of noise (uniform, Gaussian, salt and pepper, on
# even grey, in blocks, enlarged, smoothed, 1/f), at 224 x 224:
#   structure, the correlation of neighbours: X-rays >= 0.67, CT >= 0.71, phantoms >= 0.79;
#     noise of single pixels -0.10 to 0.16, blocks of 1/28 of a side <= 0.35, of 1/16 <= 0.56.
#   agreement, the mean correlation of two images: X-rays 0.46, CT 0.52, phantoms 0.67, X-rays and
#     CT mixed 0.33, twelve films of one kind, drawn 200 times, >= 0.30; noise -0.01 to 0.03.
# Coarse noise has the structure of a film, but no two of its images show the same thing; so a few
# of them among many films go unseen.
_THUMBNAIL = 32
_STRUCTURE = 0.5
_AGREEMENT = 0.1
_NAMED = 5  # films in a line


class CalibrationFault(StrEnum):
    """What can be wrong with calibration films, by the names that `--allow-calibration` takes."""

    FEW_FILMS = "few_films"
    NOISE = "noise"
    ONE_CLASS = "one_class"
    OVERLAP = "overlap"


@dataclass(frozen=True, slots=True)
class CalibrationRecord:
    """How a network was calibrated, for manifest and report.

    `films` are the digests, sorted; `by_class` counts them; `overrides` are the sorted names
    of the faults that were present and allowed.
    """

    method: str
    films: tuple[str, ...]
    by_class: Mapping[str, int]
    overrides: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, method: str, chosen: Sequence[Film], overrides: tuple[str, ...] = ()
    ) -> CalibrationRecord:
        """Return the record of a calibration with the films `chosen`."""
        by_class = Counter(film.label for film in chosen)
        digests = tuple(sorted(film.sha256 for film in chosen))
        return cls(method, digests, dict(sorted(by_class.items())), overrides)


def choose_films(films: Sequence[Film], count: int, seed: int) -> list[Film]:
    """Return `count` of the training films, as many of each class, in a seeded order.

    Where a class has too few films, the other class makes up the number. The choice depends on
    digests and the seed, not on names or the order of `films`.

    Raises:
        DataError: there are no training films.
    """
    by_class: dict[str, list[Film]] = {}
    for film in sorted(films, key=lambda film: film.sha256):
        if film.split == "train":
            by_class.setdefault(film.label, []).append(film)
    if not by_class:
        problem = "there are no training films to calibrate on"
        raise DataError("calibration", problem, "give --data with a training split")
    shuffled = [by_class[label] for label in sorted(by_class)]
    order = random.Random(seed)
    for of_class in shuffled:
        order.shuffle(of_class)
    # Films of both classes alternate for as long as both have films left.
    alternating = (film for turn in zip_longest(*shuffled) for film in turn if film is not None)
    return list(islice(alternating, count))


def require_sound(
    chosen: Sequence[Film],
    held_out: Sequence[Film],
    pixels: Pixels,
    allowed: Collection[str],
    *,
    modality: str = "xray",
) -> tuple[str, ...]:
    """Return the sorted names of the faults of a calibration, all of which are in `allowed`.

    `chosen` are the calibration films and `pixels` their preprocessed pixels `(n, h, w, c)`;
    `held_out` are the films that parity is measured on. What noise looks like is known of films
    alone: pictures of the `modality` `other` may have the structure of grain, and be unlike.

    Raises:
        UsageError: `allowed` holds a name that is no `CalibrationFault`.
        DataError: there is a fault that is not allowed.
    """
    for name in sorted(set(allowed) - set(CalibrationFault)):
        raise UsageError(
            _ALLOW, f"no fault is called {name!r}", f"choose from {', '.join(CalibrationFault)}"
        )
    problems = {
        CalibrationFault.FEW_FILMS: _few_films(chosen),
        CalibrationFault.NOISE: "" if modality == "other" else _noise(chosen, pixels),
        CalibrationFault.ONE_CLASS: _one_class(chosen),
        CalibrationFault.OVERLAP: _overlap(chosen, held_out),
    }
    faults = {fault.value: problem for fault, problem in problems.items() if problem}
    refused = sorted(set(faults) - set(allowed))
    if refused:
        problem = ", and ".join(f"{faults[name]} ({name})" for name in refused)
        flags = " ".join(f"{_ALLOW} {name}" for name in refused)
        raise DataError("calibration", problem, f"give other training films, or {flags}")
    return tuple(sorted(faults))


def _few_films(chosen: Sequence[Film]) -> str:
    few = len(chosen) < FEWEST_FILMS
    return f"{len(chosen)} films, at least {FEWEST_FILMS} are needed" if few else ""


def _one_class(chosen: Sequence[Film]) -> str:
    labels = {film.label for film in chosen}
    return f"all {len(chosen)} films are of class {', '.join(labels)}" if len(labels) == 1 else ""


def _overlap(chosen: Sequence[Film], held_out: Sequence[Film]) -> str:
    """Name the calibration films that are held out too, or share a group with a held-out film."""
    digests = {film.sha256 for film in held_out}
    groups = {film.group for film in held_out}
    shared = [film for film in chosen if film.sha256 in digests or film.group in groups]
    return f"{_counted(shared, chosen)} measure parity too" if shared else ""


def _noise(chosen: Sequence[Film], pixels: Pixels) -> str:
    """Name the films that look generated, or say that all of them together do."""
    thumbnails = np.array([_thumbnail(film) for film in pixels])
    noisy = [
        film
        for film, thumbnail in zip(chosen, thumbnails, strict=True)
        if _structure_of(thumbnail) < _STRUCTURE
    ]
    if noisy:
        return f"{len(noisy)} of {len(chosen)} films look like noise: {_named(noisy, chosen)}"
    if len(chosen) < 2 or (together := _agreement_of(thumbnails)) >= _AGREEMENT:
        return ""
    return f"the {len(chosen)} films look like noise, no two alike (correlation {together:.2f})"


def _named(affected: Sequence[Film], films: Sequence[Film]) -> str:
    """Return the names of the first few, below the folder that all `films` are in."""
    root = os.path.commonpath([film.path.absolute().parent for film in films])
    names = [film.path.absolute().relative_to(root).as_posix() for film in affected[:_NAMED]]
    more = len(affected) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")


def _counted(affected: Sequence[Film], films: Sequence[Film]) -> str:
    """Return how many films these are, the first of them by its digest."""
    return f"{len(affected)} of {len(films)} films, {affected[0].sha256} first,"


def _thumbnail(film: Pixels) -> NDArray[np.float64]:
    """Return `(h, w, c)` pixels in grey and small, each pixel the mean of its part of the film."""
    grey = Image.fromarray(film[..., 0] if film.shape[-1] == 1 else film).convert("L")
    small = grey.resize((_THUMBNAIL, _THUMBNAIL), Image.Resampling.BOX)
    return np.asarray(small, np.float64)


def _structure_of(image: NDArray[np.float64]) -> float:
    """Return the lesser correlation of neighbouring pixels of `(h, w)`, across or down.

    It is 0 for an even shade.
    """
    across = _standardized(np.stack([image[:, :-1], image[:, 1:]]))
    down = _standardized(np.stack([image[:-1], image[1:]]))
    return float(min(across[0] @ across[1], down[0] @ down[1]))


def _agreement_of(images: NDArray[np.float64]) -> float:
    """Return the mean correlation of two of the images `(n, h, w)`."""
    count = len(images)
    total = _standardized(images).sum(axis=0)
    # The square of the sum holds every pair twice, and each image with itself.
    return float((total @ total - count) / (count * (count - 1)))


def _standardized(images: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return `(n, pixels)` of mean 0 and length 1, so that a product of two is a correlation."""
    flat = images.reshape(len(images), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    even = length == 0
    return np.where(even, 0.0, flat / np.where(even, 1.0, length))
