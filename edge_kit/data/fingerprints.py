"""Reads every film once: its digest, and perceptual hashes that find its near-duplicates."""

from __future__ import annotations

import hashlib
import io
import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from tqdm import tqdm

from edge_kit.data.dicom_header import MAGIC, dicom_ids
from edge_runtime.errors import FilmError
from edge_runtime.film.decode import WIDE, begins_as_dicom, open_film
from edge_runtime.film.decode import decode as decoded
from edge_runtime.film.preprocess import standard

VERSION = 3
"""Incremented whenever a film may get another fingerprint."""

NEAR = 4
"""Largest distance, in bits of 64, of both hashes of two near-duplicates."""

T = TypeVar("T")

_ROWS = 128  # 128 x 20,000 distances are 20 MB


LARGEST = 1 << 28
"""The most bytes of a film's file: those of the largest picture that is decoded."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A film's SHA-256 in hex, and its difference and DCT hashes of 64 bits each.

    `patient` and `study` are digests of what a DICOM header says, else empty.
    """

    sha256: str
    dhash: int
    phash: int
    patient: str = ""
    study: str = ""


def decode(path: Path) -> tuple[bytes, Image.Image]:
    """Return the bytes of the film at `path`, and the film in grey.

    Raises:
        FilmError: it cannot be read, or is no whole image of a sane size.
    """
    cure = "restore or delete it"
    try:
        data = film_bytes(path)
        if begins_as_dicom(data[:MAGIC]):
            return data, _dicom_in_grey(data, path)
        with Image.open(io.BytesIO(data)) as image:
            return data, in_grey(image)
    except FilmError:
        raise
    except UnidentifiedImageError as error:
        raise FilmError(path, "is empty" if not data else "is no image", cure) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        problem = f"has more than the {Image.MAX_IMAGE_PIXELS} pixels that are safe to decode"
        raise FilmError(path, problem, cure) from error
    except Exception as error:  # decoders meet broken files with any exception there is
        reason = getattr(error, "strerror", None) or error
        raise FilmError(path, f"cannot be decoded ({reason})", cure) from error


def film_bytes(path: Path) -> bytes:
    """Return the bytes of the film at `path`; nobody waits for a pipe, or for gigabytes.

    Raises:
        FilmError: it is a pipe, a socket or a device, or no film has so many bytes.
        OSError: it cannot be read.
    """
    with open_film(path) as file:
        if (size := os.fstat(file.fileno()).st_size) > LARGEST:
            problem = f"has {size >> 20} MiB, {LARGEST >> 20} are the most of a film's file"
            raise FilmError(path, problem, "delete it, or save the film alone")
        return file.read(LARGEST)


def _dicom_in_grey(data: bytes, path: Path) -> Image.Image:
    try:
        return in_grey(decoded(io.BytesIO(data), str(path), standard()))
    except (FilmError, OSError):
        raise
    except Exception:
        # Without the cause, whose message may hold a value of the header.
        raise FilmError(path, "damaged DICOM file", "restore or delete it") from None


def in_grey(image: Image.Image) -> Image.Image:
    """Return an image in grey of eight bits; clipping more than that would leave a white square."""
    if image.mode not in WIDE:
        return image.convert("L")
    levels = np.asarray(image.convert("F"), np.float64)
    low, high = np.percentile(levels, (1, 99))
    if not np.isfinite(levels).all():
        raise ValueError("holds values that are not numbers")
    span = max(high - low, np.finfo(np.float64).tiny)
    return Image.fromarray(np.rint(255 * ((levels - low) / span).clip(0, 1)).astype(np.uint8))


def fingerprint_of(data: bytes, grey: Image.Image) -> Fingerprint:
    """Return the fingerprint of a film of these bytes, which is already decoded."""
    patient, study = dicom_ids(data)
    return Fingerprint(
        sha256=hashlib.sha256(data).hexdigest(),
        dhash=int(str(imagehash.dhash(grey)), 16),
        phash=int(str(imagehash.phash(grey)), 16),
        patient=patient,
        study=study,
    )


def fingerprint(path: Path) -> Fingerprint:
    """Return the digest and the perceptual hashes of the film at `path`.

    Raises:
        FilmError: as `decode` does.
    """
    return fingerprint_of(*decode(path))


def scan(paths: Sequence[Path], *, workers: int | None = None) -> list[Fingerprint | FilmError]:
    """Return the fingerprint of every film, or why it is unreadable, in the order of `paths`."""
    return read_films(paths, fingerprint, workers=workers)


def read_films(
    paths: Sequence[Path], read: Callable[[Path], T], *, workers: int | None = None
) -> list[T | FilmError]:
    """Return what `read` makes of every film, or why it is unreadable, in the order of `paths`.

    Shows a progress bar when stderr is a terminal.
    """

    def attempt(path: Path) -> T | FilmError:
        try:
            return read(path)
        except FilmError as error:
            return error

    # Filters belong to the process, so they are set here and not in the threads.
    with warnings.catch_warnings(), ThreadPoolExecutor(workers) as pool:
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        outcomes = pool.map(attempt, paths)
        return list(tqdm(outcomes, "scan", len(paths), unit=" images", disable=None))


def near_duplicates(fingerprints: Sequence[Fingerprint]) -> NDArray[np.intp]:
    """Return the pairs of near-duplicates, `(pairs, 2)` positions with the lower one first.

    Either hash alone pairs thousands of different chest films; both together do not.
    """
    dhash = np.array([item.dhash for item in fingerprints], dtype=np.uint64)
    phash = np.array([item.phash for item in fingerprints], dtype=np.uint64)
    pairs = [np.empty((0, 2), dtype=np.intp)]
    for start in range(0, len(fingerprints), _ROWS):
        near = np.bitwise_count(dhash[start : start + _ROWS, None] ^ dhash[start:]) <= NEAR
        close = np.argwhere(np.triu(near, 1)) + start
        both = np.bitwise_count(np.bitwise_xor(*phash[close].T)) <= NEAR
        pairs.append(close[both])
    return np.concatenate(pairs)


def group_films(
    digests: Sequence[str],
    ids: Sequence[Iterable[str]],
    pairs: NDArray[np.intp],
) -> list[str]:
    """Return the group of every film: what shares an id, or is a pair, is one group.

    Groups are the connected components of that graph. They are named by their lowest digest,
    so a name tells nothing of the patient and does not depend on the order of the films.
    """
    first: dict[str, int] = {}
    shared = [
        (first.setdefault(name, film), film) for film, names in enumerate(ids) for name in names
    ]
    low, high = np.concatenate([pairs, np.array(shared, dtype=np.intp).reshape(-1, 2)]).T
    size = len(digests)
    graph = coo_array((np.ones(len(low), dtype=np.uint8), (low, high)), shape=(size, size))
    _, component = connected_components(graph, directed=False)
    names: dict[int, str] = {}
    for digest, number in sorted(zip(digests, component.tolist(), strict=True)):
        names.setdefault(number, digest[:16])
    return [names[number] for number in component.tolist()]
