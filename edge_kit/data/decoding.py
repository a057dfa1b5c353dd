"""A film decoded once, for its fingerprint and for its pixels by every preprocessing."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from PIL import Image

from edge_kit.data.fingerprints import Fingerprint, film_bytes, fingerprint, fingerprint_of, in_grey
from edge_runtime.bundle.records import Preprocess
from edge_runtime.errors import FilmError
from edge_runtime.film.preprocess import film_pixels, film_stages

Prepared = list[bytes | FilmError]
"""By preprocessing, the pixels of a film, or why there are none."""


def prepare(data: bytes, preprocesses: Sequence[Preprocess]) -> tuple[Image.Image, Prepared]:
    """Return the film in `data` as it was decoded, and what each of `preprocesses` makes of it.

    The pixels are those of the runtime's `film_pixels`.

    Raises:
        FilmError: it cannot be decoded.
    """
    _, decoded = next(film_stages(data, preprocesses[0]))
    prepared: Prepared = []
    for preprocess in preprocesses:
        try:
            prepared.append(film_pixels(decoded, preprocess))
        except FilmError as error:
            prepared.append(error)
    return decoded, prepared


def decode_film(
    path: Path, preprocesses: Sequence[Preprocess]
) -> tuple[Fingerprint, list[bytes | None]]:
    """Return the fingerprint of the film at `path`, and its pixels by each of `preprocesses`.

    Pixels are None where the runtime refuses the film: whoever asks for them is told why. A scan is
    less strict than the runtime, so such a film is decoded a second time for its fingerprint.

    Raises:
        FilmError: it cannot be read, or is no whole image of a sane size.
    """
    # Whatever is wrong with a film, `fingerprint` says it in the words of a scan.
    with suppress(OSError, FilmError, ValueError):
        if preprocesses:
            data = film_bytes(path)
            decoded, prepared = prepare(data, preprocesses)
            pixels = [result if isinstance(result, bytes) else None for result in prepared]
            return fingerprint_of(data, in_grey(decoded)), pixels
    return fingerprint(path), [None] * len(preprocesses)
