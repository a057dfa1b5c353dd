"""Refusals that the pixels of a film have nothing to say about."""

from __future__ import annotations

from edge_runtime.errors import Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from edge_runtime.bundle.records import Preprocess

FORMATS = "PNG, JPEG, TIFF, BMP, WebP, PGM or DICOM"


def unreadable(subject: str, problem: str) -> Refusal:
    """Return the refusal of a film that is damaged, or of another kind than can be read."""
    cure = f"give a {FORMATS} file that a viewer opens"
    return Refusal("unreadable", subject, problem, cure)


def judge_size(width: int, height: int, subject: str, preprocess: Preprocess) -> None:
    """Refuse a picture by its size in pixels.

    Raises:
        Refusal: `too_small` or `too_large`.
    """
    if min(width, height) < preprocess.min_side:
        problem = f"{width} x {height} pixels, at least {preprocess.min_side} a side are needed"
        raise Refusal("too_small", subject, problem, "give the original film, not a thumbnail")
    if width * height > preprocess.max_pixels:
        problem = f"{width} x {height} pixels, at most {preprocess.max_pixels} in all are read"
        raise Refusal("too_large", subject, problem, "export the film at a lower resolution")
