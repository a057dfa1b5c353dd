"""Which films are copies of each other: turned, mirrored, shifted, cropped, toned, noisy or all.

Two films are one if an affine map that a camera or an augmentation could make carries most of the
features that match from one to the other, and the pixels agree there. Different patients' chests
match in places, for ribs look alike, but never all over: no pair of 832 patients passes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from edge_kit.data.candidates import candidates
from edge_kit.data.keypoints import Keypoints, comparable, import_opencv

Pairs = NDArray[np.intp]

MATCHES, SHARE, AGREEMENT = 12, 0.5, 0.3
"""Least features that fit one map, least share of all that match, least correlation of pixels.

Of 16,606 pairs of copies these lose one in five, but a copy has several; of 18,435 pairs of other
patients, those whose words are most alike, they let none pass. At a share of 0.3, 42 pass.
"""
_ALIKE = 0.8  # least similarity of two descriptors that match
_TOLERANCE = 3.0  # pixels
_SCALE, _STRETCH = 2.0, 1.35  # largest change of size, largest ratio of its two directions
_FINE, _COARSE = 1.5, 6.0  # only texture between these scales, in pixels: all chests are bright
_LEAST_OVERLAP = 0.2  # of the film mapped to


def copies(films: Sequence[Keypoints], *, seed: int = 0) -> Pairs:
    """Return the pairs of films that are copies of one, `(pairs, 2)`, the lower position first.

    Only the pairs from `candidates` are compared, so two copies may be linked only indirectly, by
    pairs with a third film.
    """
    return confirmed(films, candidates(films, seed=seed))


def confirmed(films: Sequence[Keypoints], pairs: Pairs) -> Pairs:
    """Return those of `pairs`, `(pairs, 3)` as `candidates` names them, that are copies."""

    def check(pair: Sequence[int]) -> bool:
        low, high, mirror = pair
        return is_copy(films[low].mirrored() if mirror else films[low], films[high])

    # The products are too small to be shared out: BLAS's threads would only wait for each other.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(os.cpu_count()) as pool:
        outcomes = pool.map(check, pairs.tolist())
        same = list(tqdm(outcomes, "compare", len(pairs), unit=" pairs", disable=None))
    return np.unique(pairs[np.array(same, np.bool_), :2], axis=0)


def is_copy(film: Keypoints, target: Keypoints) -> bool:
    """Return whether `film` is `target` under an affine map without a mirror."""
    start, end = _matches(film, target)
    if len(start) < MATCHES:
        return False
    affine, inliers = import_opencv().estimateAffine2D(
        start, end, ransacReprojThreshold=_TOLERANCE, maxIters=1000, confidence=0.99
    )
    if affine is None or inliers.sum() < max(MATCHES, SHARE * len(start)):
        return False
    large, small = np.linalg.svd(affine[:, :2], compute_uv=False)
    plausible = small * _SCALE >= 1 and large <= min(_SCALE, _STRETCH * small)
    return bool(plausible) and _agreement(film, target, affine) >= AGREEMENT


def _matches(film: Keypoints, target: Keypoints) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the points of descriptors that are each other's nearest, `(n, 2)` of both films."""
    if min(len(film.points), len(target.points)) < MATCHES:
        return np.empty((0, 2), np.float32), np.empty((0, 2), np.float32)
    alike = comparable(film.descriptors) @ comparable(target.descriptors).T
    best, back = alike.argmax(axis=1), alike.argmax(axis=0)
    here = np.arange(len(best))
    chosen = (back[best] == here) & (alike[here, best] > _ALIKE)
    return film.points[chosen], target.points[best[chosen]]


def _agreement(film: Keypoints, target: Keypoints, affine: NDArray[np.float64]) -> float:
    """Return the correlation of the textures where the mapped film covers the other one."""
    cv2 = import_opencv()
    size = target.picture.shape[::-1]
    covered = cv2.warpAffine(np.ones_like(film.picture), affine, size, flags=cv2.INTER_NEAREST) > 0
    if covered.mean() < _LEAST_OVERLAP:
        return 0.0
    mapped = cv2.warpAffine(_texture(film.picture), affine, size)[covered]
    there = _texture(target.picture)[covered]
    if not mapped.std() * there.std():
        return 0.0
    return float(np.corrcoef(mapped, there)[0, 1])


def _texture(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    cv2 = import_opencv()
    values = picture.astype(np.float32)
    fine, coarse = (cv2.GaussianBlur(values, (0, 0), scale) for scale in (_FINE, _COARSE))
    texture: NDArray[np.float32] = fine - coarse
    return texture
