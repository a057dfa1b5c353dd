"""Why a film is refused, as one word."""

from __future__ import annotations

from pathlib import Path

from edge_runtime.bundle.records import Preprocess
from edge_runtime.errors import Refusal
from edge_runtime.film.preprocess import film_pixels, standard

SMALL = standard(64, 64)


def refusal_of(film: Path | bytes, preprocess: Preprocess = SMALL) -> Refusal | None:
    """Return the refusal of `film`, or nothing where its pixels are read."""
    try:
        film_pixels(film, preprocess)
    except Refusal as refusal:
        assert refusal.cure
        return refusal
    return None


def reason_of(film: Path | bytes, preprocess: Preprocess = SMALL) -> str:
    """Return the reason for which `film` is refused, or nothing where its pixels are read."""
    refusal = refusal_of(film, preprocess)
    return refusal.reason if refusal else ""
