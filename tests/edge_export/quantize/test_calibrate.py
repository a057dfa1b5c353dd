"""Calibration films are training films of both classes, and unfit ones are refused by name."""

from __future__ import annotations

import csv
import random
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from edge_export.films.film import SPLITS, Film
from edge_export.films.phantom import phantom
from edge_export.films.pixels import Pixels, load_pixels
from edge_export.quantize.calibrate import (
    CalibrationFault,
    CalibrationRecord,
    choose_films,
    require_sound,
)
from edge_runtime.errors import DataError, UsageError
from tiny_network import RECIPE, SIDE


def rows(covid: int, noncovid: int) -> list[Film]:
    return [
        Film(Path(name), label, split, group=name, sha256=hash_of(split, label, n))
        for split in SPLITS
        for label, count in (("covid", covid), ("noncovid", noncovid))
        for n in range(count)
        for name in [f"{split}/{label}/{n}.png"]
    ]


def hash_of(*words: object) -> str:
    return f"{random.Random(repr(words)).getrandbits(256):064x}"


@pytest.mark.parametrize(
    ("covid", "noncovid", "count", "expected"),
    [
        (50, 50, 20, {"covid": 10, "noncovid": 10}),
        (50, 50, 21, {"covid": 11, "noncovid": 10}),
        (3, 50, 20, {"covid": 3, "noncovid": 17}),
        (5, 5, 300, {"covid": 5, "noncovid": 5}),
    ],
)
def test_classes_are_even_as_far_as_they_reach(
    covid: int, noncovid: int, count: int, expected: dict[str, int]
) -> None:
    chosen = choose_films(rows(covid, noncovid), count, seed=0)
    assert Counter(film.label for film in chosen) == expected
    assert {film.split for film in chosen} == {"train"}


def test_the_seed_chooses_and_neither_order_nor_names_do() -> None:
    films = rows(40, 40)
    renamed = [replace(film, path=Path(f"{place}.png")) for place, film in enumerate(films)]
    random.Random(1).shuffle(renamed)

    def digests(found: list[Film]) -> list[str]:
        return [film.sha256 for film in found]

    expected = digests(choose_films(films, 20, seed=3))
    assert digests(choose_films(renamed, 20, seed=3)) == expected
    assert digests(choose_films(films, 20, seed=4)) != expected


@pytest.mark.parametrize("films", [[], [f for f in rows(5, 5) if f.split != "train"]])
def test_without_training_rows_nothing_can_be_chosen(films: list[Film]) -> None:
    with pytest.raises(DataError, match="no training films"):
        choose_films(films, 10, seed=0)


def test_one_class_is_chosen_for_a_flag_may_allow_it() -> None:
    assert len(choose_films(rows(9, 0), 5, seed=0)) == 5


# Sound: 120 films of two classes, none of them held out.
CHOSEN = choose_films(rows(60, 60), 120, seed=0)
HELD_OUT = [film for film in rows(60, 60) if film.split != "train"]


@pytest.fixture(scope="module")
def drawn() -> Pixels:
    """Return 12 phantoms, ten times over."""
    films = [
        np.asarray(phantom(seed, positive=seed % 2 == 0, size=(SIDE, SIDE))) for seed in range(12)
    ]
    return np.tile(np.stack(films)[..., None], (10, 1, 1, 1))


def faulty(fault: str, films: Pixels) -> tuple[list[Film], list[Film], Pixels]:
    """Return calibration films, held-out films and pixels with one fault."""
    match fault:
        case "few_films":
            return CHOSEN[:99], HELD_OUT, films[:99]
        case "one_class":
            return [replace(film, label="covid") for film in CHOSEN], HELD_OUT, films
        case "same film":
            return CHOSEN, [*HELD_OUT, replace(CHOSEN[7], split="val", group="other")], films
        case "same group":
            twin = replace(HELD_OUT[3], group=CHOSEN[7].group)
            return CHOSEN, [*HELD_OUT, twin], films
        case _:
            noisy = films.copy()
            rng = np.random.default_rng(0)
            noisy[7] = NOISE[fault.removeprefix("one ")](rng)[..., None]
            return CHOSEN, HELD_OUT, noisy


NAME = f"{CHOSEN[7].path.parent.name}/{CHOSEN[7].path.name}"
FAULTS = {
    "few_films": ("few_films", "99 films, at least 100 are needed"),
    "one_class": ("one_class", "all 120 films are of class covid"),
    "same film": ("overlap", f"1 of 120 films, {CHOSEN[7].sha256} first, measure parity too"),
    "same group": ("overlap", f"1 of 120 films, {CHOSEN[7].sha256} first, measure parity too"),
    "one white": ("noise", f"1 of 120 films look like noise: {NAME}"),
    "one stripes across": ("noise", f"1 of 120 films look like noise: {NAME}"),
    "one stripes down": ("noise", f"1 of 120 films look like noise: {NAME}"),
}


def test_only_films_are_judged_by_what_noise_looks_like(drawn: Pixels) -> None:
    grain = np.random.default_rng(0).integers(0, 256, drawn.shape, np.uint8)
    assert require_sound(CHOSEN, HELD_OUT, grain, (), modality="other") == ()
    with pytest.raises(DataError, match=r"120 of 120 films look like noise: .+ and 115 more"):
        require_sound(CHOSEN, HELD_OUT, grain, (), modality="ct")


def test_sound_films_have_no_fault_whatever_is_allowed(drawn: Pixels) -> None:
    assert require_sound(CHOSEN, HELD_OUT, drawn, ()) == ()
    assert require_sound(CHOSEN, HELD_OUT, drawn, list(CalibrationFault)) == ()


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_refused_in_one_line_that_names_it_and_the_flag(
    fault: str, drawn: Pixels
) -> None:
    name, problem = FAULTS[fault]
    others = [other for other in CalibrationFault if other != name]
    with pytest.raises(DataError) as caught:
        require_sound(*faulty(fault, drawn), others)
    assert str(caught.value) == (
        f"calibration: {problem} ({name}); give other training films, or --allow-calibration {name}"
    )


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_is_allowed_is_returned_to_be_recorded(fault: str, drawn: Pixels) -> None:
    name, _ = FAULTS[fault]
    assert require_sound(*faulty(fault, drawn), [name]) == (name,)
    assert require_sound(*faulty(fault, drawn), list(CalibrationFault)) == (name,)


@pytest.mark.parametrize(
    ("allowed", "refused"),
    [((), ["few_films", "one_class"]), (["few_films"], ["one_class"])],
)
def test_of_several_faults_those_not_allowed_are_refused_together(
    allowed: Collection[str], refused: list[str], drawn: Pixels
) -> None:
    few = [replace(film, label="covid") for film in CHOSEN[:10]]
    with pytest.raises(DataError) as caught:
        require_sound(few, HELD_OUT, drawn[:10], allowed)
    flags = " ".join(f"--allow-calibration {name}" for name in refused)
    assert str(caught.value).endswith(f"or {flags}")
    assert require_sound(few, HELD_OUT, drawn[:10], list(CalibrationFault)) == (
        "few_films",
        "one_class",
    )


def test_allowing_a_fault_that_does_not_exist_is_an_error(drawn: Pixels) -> None:
    with pytest.raises(UsageError, match="'nose'; choose from few_films, noise, one_class, over"):
        require_sound(CHOSEN, HELD_OUT, drawn, ["nose"])


Image8 = NDArray[np.uint8]


def blocks(rng: np.random.Generator, count: int, how: Image.Resampling) -> Image8:
    """Return noise of `count` blocks a side, enlarged."""
    coarse = Image.fromarray(rng.integers(0, 256, (count, count), np.uint8))
    return np.asarray(coarse.resize((SIDE, SIDE), how))


def levels(values: NDArray[np.float64]) -> Image8:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def peppered(rng: np.random.Generator) -> Image8:
    return rng.choice(np.array([0, 128, 255], np.uint8), (SIDE, SIDE), p=[0.05, 0.9, 0.05])


NOISE: dict[str, Callable[[np.random.Generator], Image8]] = {
    "white": lambda rng: rng.integers(0, 256, (SIDE, SIDE), np.uint8),
    "gaussian": lambda rng: levels(rng.normal(128, 60, (SIDE, SIDE))),
    "grey and noise": lambda rng: levels(rng.normal(128, 3, (SIDE, SIDE))),
    "salt and pepper": peppered,
    "blocks of 2 pixels": lambda rng: blocks(rng, 32, Image.Resampling.NEAREST),
    "blocks of 4 pixels": lambda rng: blocks(rng, 16, Image.Resampling.NEAREST),
    "blocks of 16 pixels": lambda rng: blocks(rng, 4, Image.Resampling.NEAREST),
    "enlarged 8 times": lambda rng: blocks(rng, 8, Image.Resampling.BICUBIC),
    "enlarged 16 times": lambda rng: blocks(rng, 4, Image.Resampling.BICUBIC),
    "stripes across": lambda rng: np.tile(rng.integers(0, 256, (SIDE, 1), np.uint8), SIDE),
    "stripes down": lambda rng: np.tile(rng.integers(0, 256, SIDE, np.uint8), (SIDE, 1)),
    "even": lambda rng: np.full((SIDE, SIDE), rng.integers(0, 256), np.uint8),
}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", NOISE)
def test_generated_noise_is_no_calibration_however_coarse_it_is(kind: str, channels: int) -> None:
    rng = np.random.default_rng(0)
    images = np.stack([NOISE[kind](rng) for _ in CHOSEN])
    noise = np.repeat(images[..., None], channels, axis=-1)
    assert require_sound(CHOSEN, HELD_OUT, noise, ["noise"]) == ("noise",)


def test_images_without_anything_in_common_are_noise_even_if_they_are_two() -> None:
    across = np.tile(4 * np.arange(SIDE).astype(np.uint8), (SIDE, 1))
    pixels = np.stack([across, across.T])[..., None]
    assert "noise" in require_sound(CHOSEN[:2], [], pixels, list(CalibrationFault))
    assert "noise" not in require_sound(CHOSEN[:2], [], pixels[[0, 0]], list(CalibrationFault))


@pytest.mark.parametrize("seed", range(12))
def test_no_phantom_is_taken_for_noise(seed: int) -> None:
    film = np.asarray(phantom(seed, positive=seed % 2 == 0, size=(96, 80)))[None, ..., None]
    allowed = ["few_films", "one_class"]
    assert require_sound(CHOSEN[:1], [], film, allowed) == ("few_films", "one_class")


REAL = Path(__file__).parents[4] / "shared" / "data" / "manifest.csv"


@pytest.mark.skipif(not REAL.exists(), reason="the real films are not on this machine")
@pytest.mark.parametrize("kind", ["xray", "ct"])
def test_no_real_film_is_taken_for_noise(kind: str) -> None:
    with REAL.open(newline="") as table:
        paths = [row["path"] for row in csv.DictReader(table) if row["path"].startswith(kind)]
    films = [replace(CHOSEN[0], path=REAL.parent / path) for path in paths[::25]]
    allowed = ["few_films", "one_class"]
    assert "noise" not in require_sound(films, [], load_pixels(films, RECIPE), allowed)


def test_a_record_counts_and_sorts_and_names_no_file() -> None:
    record = CalibrationRecord.of("mse", CHOSEN[:7], ("few_films",))
    assert record == CalibrationRecord(
        method="mse",
        films=tuple(sorted(film.sha256 for film in CHOSEN[:7])),
        by_class={"covid": 4, "noncovid": 3},
        overrides=("few_films",),
    )
    assert list(record.by_class) == sorted(record.by_class)
