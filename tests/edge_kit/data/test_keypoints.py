"""Features of a film do not depend on its shape, and follow it when it is mirrored."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from PIL import Image, ImageOps

from copied_films import patient
from edge_kit.data.keypoints import MOST, SIDE, comparable, import_opencv, keypoints
from edge_runtime.errors import UsageError


def test_features_of_a_mirror_image_are_the_mirrored_features() -> None:
    film = patient(0)
    mirrored, seen = keypoints(film).mirrored(), keypoints(ImageOps.mirror(film))
    assert abs(mirrored.picture.astype(int) - seen.picture).max() <= 1
    alike = comparable(mirrored.descriptors) @ comparable(seen.descriptors).T
    best = alike.argmax(axis=1)
    near = np.abs(mirrored.points - seen.points[best]).max(axis=1) < 1
    assert near.mean() > 0.8
    assert np.median(alike.max(axis=1)) > 0.97


def test_mirroring_twice_changes_nothing() -> None:
    one = keypoints(patient(1))
    again = one.mirrored().mirrored()
    assert (again.picture == one.picture).all()
    assert (again.descriptors == one.descriptors).all()
    assert again.points == pytest.approx(one.points, abs=1e-4)


@pytest.mark.parametrize("size", [(40, 400), (400, 40), (1, 1)])
def test_films_of_any_shape_fit_the_square(size: tuple[int, int]) -> None:
    found = keypoints(Image.new("L", size, 90))
    assert max(found.picture.shape) == SIDE
    assert found.points.shape == (0, 2)
    assert found.descriptors.shape == (0, 128)


def test_a_busy_film_has_about_as_many_features_as_may_be_kept() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (400, 400), dtype=np.uint8)
    # A point with two directions counts twice.
    assert MOST / 2 < len(keypoints(Image.fromarray(noise)).points) < MOST * 1.1


def test_without_opencv_the_scan_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    import_opencv.cache_clear()
    with pytest.raises(
        UsageError, match=r'needs OpenCV; install it: pip install "edge-kit\[scan\]"'
    ):
        import_opencv()
    import_opencv.cache_clear()
