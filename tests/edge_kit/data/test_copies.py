"""A changed copy is found with its own original, and films of different patients stay apart."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from copied_films import CHANGES, patient
from edge_kit.data.candidates import candidates
from edge_kit.data.copies import copies, is_copy
from edge_kit.data.fingerprints import decode, fingerprint_of, near_duplicates
from edge_kit.data.keypoints import SIDE, Keypoints, keypoints

REAL = Path(os.environ.get("EDGE_KIT_FILMS", Path(__file__).parents[4] / "shared" / "data"))


@pytest.fixture(scope="module")
def patients() -> list[Keypoints]:
    return [keypoints(patient(number)) for number in range(len(CHANGES) + 2)]


def test_every_changed_film_is_a_copy_of_its_own_original_alone(patients: list[Keypoints]) -> None:
    changed = [keypoints(change(patient(i))) for i, change in enumerate(CHANGES.values())]
    linked = copies([*patients, *changed]).tolist()
    assert linked == [[i, len(patients) + i] for i in range(len(changed))]


def test_hashes_alone_find_none_that_moved() -> None:
    films = [patient(0), *(change(patient(0)) for change in CHANGES.values())]
    pairs = near_duplicates([fingerprint_of(str(n).encode(), film) for n, film in enumerate(films)])
    assert {list(CHANGES)[high - 1] for low, high in pairs if low == 0} == {"darker", "stretched"}


def test_a_film_is_its_own_copy_and_no_mirror_image_of_it(patients: list[Keypoints]) -> None:
    assert is_copy(patients[0], patients[0])
    assert not is_copy(patients[0].mirrored(), patients[0])


@pytest.mark.parametrize(
    ("across", "down", "copy"),
    [(1.2, 1, True), (1.6, 1, False), (1, 1.6, False), (1.6, 1.6, True), (2.4, 2.4, False)],
)
def test_a_film_drawn_out_of_all_proportion_is_no_copy(
    patients: list[Keypoints], across: float, down: float, copy: bool
) -> None:
    one = patients[0]
    size = (round(across * SIDE), round(down * SIDE))
    picture = np.asarray(Image.fromarray(one.picture).resize(size))
    points = one.points * np.array([across, down], np.float32)
    assert is_copy(one, Keypoints(picture, points, one.descriptors)) == copy


def test_features_in_place_are_no_copy_if_the_pixels_disagree(patients: list[Keypoints]) -> None:
    one = patients[0]
    other = Keypoints(patients[1].picture, one.points, one.descriptors)
    assert is_copy(one, Keypoints(one.picture, one.points, one.descriptors))
    assert not is_copy(one, other)


def test_features_shuffled_over_the_film_are_no_copy(patients: list[Keypoints]) -> None:
    one = patients[0]
    order = np.random.default_rng(0).permutation(len(one.points))
    assert not is_copy(one, Keypoints(one.picture, one.points[order], one.descriptors))


@pytest.mark.parametrize("count", [0, 1, 2])
def test_blank_or_too_few_films_have_no_copies(count: int) -> None:
    assert copies([keypoints(Image.new("L", (64, 64)))] * count).shape == (0, 2)


def test_a_blank_film_among_others_is_nobodys_copy(patients: list[Keypoints]) -> None:
    blank = keypoints(Image.new("L", (64, 64)))
    assert not copies([blank, patients[0], blank, patients[1]]).size


def test_candidates_are_ordered_pairs_and_tell_mirror_images(patients: list[Keypoints]) -> None:
    films = [*patients, patients[3].mirrored(), patients[4]]
    pairs = candidates(films)
    assert (pairs[:, 0] < pairs[:, 1]).all()
    assert len(np.unique(pairs, axis=0)) == len(pairs)
    assert [3, len(patients), 1] in pairs.tolist()
    assert [4, len(patients) + 1, 0] in pairs.tolist()


@pytest.mark.skipif(not (REAL / "manifest.csv").is_file(), reason="no real films on this machine")
def test_copies_of_real_films_are_found_and_patients_stay_apart() -> None:
    with (REAL / "manifest.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["path"].startswith("xray")]
    known = {row["patient_id"]: row["path"] for row in rows if row["patient_id"]}
    films = [decode(REAL / path)[1] for path in list(known.values())[::42]]
    points = [keypoints(film) for film in films]
    changed = [keypoints(CHANGES["combined"](film.resize((200, 200)))) for film in films]
    linked = copies([*points, *changed]).tolist()
    right = [[i, len(points) + i] for i in range(len(points))]
    assert len(points) == 20
    assert [pair for pair in linked if pair not in right] == []
    assert len(linked) >= 19
