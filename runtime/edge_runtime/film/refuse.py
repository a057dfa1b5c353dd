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


def require_within(subject: str, *counted: tuple[int, int, str]) -> None:
    """Refuse a film whose structure has more of anything than is read: (how many, most, of what).

    Raises:
        Refusal: `too_large`.
    """
    for count, most, what in counted:
        if count > most:
            raise beyond(subject, f"holds more {what} than the {most} that are read")


def beyond(subject: str, problem: str) -> Refusal:
    """Return the refusal of a film that takes too much of this machine, not for its pixels."""
    cure = "save it anew from a viewer, as PNG and without its metadata"
    return Refusal("too_large", subject, problem, cure)


def unread_kind(subject: str, kind: str) -> Refusal:
    """Return the refusal of a kind of file that no X-ray machine writes."""
    return Refusal("unreadable", subject, f"is {kind}, which is not read", "save it as PNG")


def several_pictures(subject: str) -> Refusal:
    """Return the refusal of a file that does not say which of its pictures is the film."""
    cure = "export the one picture to be judged"
    return Refusal("unreadable", subject, "holds more than one picture", cure)
