"""No real film is refused or warned of as damaged; damaged copies of them are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dicom_films import dicom_film
from edge_runtime.errors import Refusal
from edge_runtime.film.preprocess import film_pixels, standard

SHARED = Path(__file__).parents[4] / "shared"
FOLDERS = ("data/xray", "data/ct", "elsewhere/xray")
RECIPE = standard()

pytestmark = pytest.mark.skipif(
    not all((SHARED / folder).is_dir() for folder in FOLDERS), reason="no real films are here"
)


def films(folder: str) -> list[Path]:
    return sorted((SHARED / folder).rglob("*.jpg"))


def refusals(film: Path | bytes) -> list[str]:
    """Return what is said against a film, warnings included."""
    said: list[str] = []
    try:
        film_pixels(film, RECIPE, None, said.append)
    except Refusal as error:
        said.append(f"{error.reason}: {error.problem}")
    return said


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_real_film_is_refused_or_warned_of(folder: str) -> None:
    assert [(film.name, said) for film in films(folder) if (said := refusals(film))] == []


@pytest.mark.parametrize(("centre", "width"), [(128, 256), (40, 400), (2048, 1)])
def test_a_window_of_another_film_is_refused_on_every_real_one(centre: int, width: int) -> None:
    for film in films("data/xray")[::15]:
        levels = np.asarray(Image.open(film).convert("L")).astype("u2") * 16
        windowed = dicom_film(levels, BitsStored=12, WindowCenter=centre, WindowWidth=width)
        assert [said for said in refusals(windowed) if said.startswith("blank")], film.name


def test_what_breaks_off_is_refused_or_warned_of_on_every_real_one() -> None:
    refused = 0
    chosen = films("data/xray")[::15]
    for film in chosen:
        levels = np.asarray(Image.open(film).convert("L")).copy()
        levels.reshape(-1)[int(0.8 * len(levels)) * levels.shape[1] + 99 :] = 0
        said = refusals(dicom_film(levels))
        assert said, film.name
        refused += said[0].startswith("unreadable")
    assert refused > 0.9 * len(chosen)
