"""Local features of a film that survive turning, mirroring, cropping, noise and another tone.

SIFT: Lowe, Int. J. Comput. Vis. 60 (2004) 91, by OpenCV. scikit-image's, which would spare an
installation of 150 MB, takes nine times as long.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import ModuleType

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from edge_runtime.errors import UsageError

SIDE = 192
"""Films are compared at this longest side, in pixels."""
MOST = 160
"""The largest number of features of a film; the strongest are taken."""
# Without it, noise and JPEG blocks win the places of what the film shows.
_BLUR = 1.2
_WEAKEST = 0.01  # a quarter of OpenCV's contrast threshold, for films that are dark or flat
# A mirrored patch swaps its rows of cells, and its gradients change their sense of rotation.
MIRROR = np.arange(128).reshape(4, 4, 8)[::-1, :, -np.arange(8)].ravel()
"""Where each of a descriptor's 128 values comes from if left and right are swapped, and back."""


@dataclass(frozen=True, slots=True, eq=False)
class Keypoints:
    """A film as its features.

    `picture` is `(height, width)` uint8, `points` `(n, 2)` x and y in its pixels and
    `descriptors` `(n, 128)` uint8.
    """

    picture: NDArray[np.uint8]
    points: NDArray[np.float32]
    descriptors: NDArray[np.uint8]

    def mirrored(self) -> Keypoints:
        """Return the features of the mirrored film, computed without detecting them again."""
        across = np.array([self.picture.shape[1] - 1, 0], np.float32)
        points = across + self.points * np.array([-1, 1], np.float32)
        return Keypoints(self.picture[:, ::-1], points, self.descriptors[:, MIRROR])


@cache
def import_opencv() -> ModuleType:
    """Return OpenCV.

    Raises:
        UsageError: it is not installed.
    """
    try:
        import cv2
    except ImportError as error:
        cure = 'install it: pip install "edge-kit[scan]"'
        raise UsageError("edge-kit data scan", "needs OpenCV", cure) from error
    return cv2


def keypoints(grey: Image.Image) -> Keypoints:
    """Return the features of a film, an image of mode L.

    Raises:
        UsageError: as `import_opencv` does.
    """
    cv2 = import_opencv()
    small = ImageOps.contain(grey, (SIDE, SIDE), Image.Resampling.BILINEAR)
    picture = cv2.GaussianBlur(np.asarray(small), (0, 0), _BLUR)
    sift = cv2.SIFT_create(nfeatures=MOST, contrastThreshold=_WEAKEST)
    corners, descriptors = sift.detectAndCompute(picture, None)
    if descriptors is None:  # a blank picture
        descriptors = np.empty((0, 128))
    points = np.array([corner.pt for corner in corners], np.float32).reshape(-1, 2)
    return Keypoints(picture, points, descriptors.astype(np.uint8))


def comparable(descriptors: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return unit vectors whose products are Hellinger similarities, `(n, 128)`.

    RootSIFT: Arandjelovic and Zisserman, CVPR 2012, section 3.
    """
    weight = descriptors.sum(axis=1, keepdims=True, dtype=np.float32)
    unit: NDArray[np.float32] = np.sqrt(descriptors / np.maximum(weight, 1))
    return unit
