"""How many damaged copies of real films are answered, beside the films as they are.

Each copy is damaged in memory and judged by the bundle, as `edge-run classify` does it: shown under
the window of another film, broken off within its pixels, torn or overwritten within a compressed
frame. A second table shows how many of all films, and of those under another window, each limit
of black and white pixels would refuse.

    python benchmarks/damaged_films.py --bundle models/model3-xray-0.2.2.edge \\
        --films ../shared/data/xray ../shared/elsewhere/xray
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    ComputedRadiographyImageStorage,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
)

from edge_runtime import Classifier, Refusal
from edge_runtime.bundle.records import Preprocess
from edge_runtime.film.preprocess import film_pixels

Array = np.ndarray[Any, Any]
Copy = Callable[[Array, random.Random], bytes]


def main() -> None:
    """Damage, judge and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--films", type=Path, nargs="+", required=True)
    parser.add_argument("--every", type=int, default=15, help="one film of so many")
    options = parser.parse_args()
    films = [film for folder in options.films for film in sorted(folder.rglob("*.jpg"))]
    chosen = films[:: options.every]
    print(f"{len(chosen)} of {len(films)} films\n")
    print("| copy | answered | with a warning | unreadable | blank | refused otherwise |")
    print("|---|---|---|---|---|---|")
    with Classifier(options.bundle) as classifier:
        for name, copy in COPIES.items():
            chance = random.Random(0)
            counts = Counter(outcome(classifier, copy(levels(film), chance)) for film in chosen)
            shown = ("ok", "warning", "unreadable", "blank", "other")
            print(f"| {name} | " + " | ".join(str(counts[key]) for key in shown) + " |")
        show_limits(classifier.manifest.preprocess, films, chosen)


def show_limits(preprocess: Preprocess, films: Sequence[Path], chosen: Sequence[Path]) -> None:
    """Print what each limit of black and white pixels refuses, of films and of windowed copies."""
    chance = random.Random(0)
    copies = [WINDOWS[name](levels(film), chance) for name in WINDOWS for film in chosen]
    print("\n| limit of black and white | films refused | of | windowed copies refused | of |")
    print("|---|---|---|---|---|")
    for limit in (0.4, 0.5, 0.6, 0.7, 0.8, 0.9):
        limited = Preprocess(**{**preprocess.to_json(), "max_saturated": limit})
        refused = [sum(is_blank(film, limited) for film in group) for group in (films, copies)]
        print(f"| {limit} | {refused[0]} | {len(films)} | {refused[1]} | {len(copies)} |")


def is_blank(film: Path | bytes, preprocess: Preprocess) -> bool:
    """Tell whether a film is refused as blank."""
    try:
        film_pixels(film, preprocess)
    except Refusal as refusal:
        return refusal.reason == "blank"
    return False


def levels(film: Path) -> Array:
    """Return a film's grey levels, `(height, width)`."""
    return np.asarray(Image.open(film).convert("L"))


def outcome(classifier: Classifier, film: bytes) -> str:
    """Return what became of a film: `ok`, `warning` or the reason of its refusal."""
    answer = classifier.classify(film)
    if answer.status == "ok":
        return "warning" if answer.warning else "ok"
    reason = getattr(answer.error, "reason", "")
    return reason if reason in ("unreadable", "blank") else "other"


def dicom(
    grey: Array, frame: bytes = b"", syntax: str = ExplicitVRLittleEndian, **more: Any
) -> bytes:
    """Return a DICOM film with `grey` in it, or with a compressed `frame` of it."""
    film = Dataset()
    film.file_meta = FileMetaDataset()
    film.file_meta.TransferSyntaxUID = UID(syntax)
    film.SOPClassUID = film.file_meta.MediaStorageSOPClassUID = ComputedRadiographyImageStorage
    film.SOPInstanceUID = film.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3")
    film.Modality, film.PhotometricInterpretation, film.SamplesPerPixel = "CR", "MONOCHROME2", 1
    film.Rows, film.Columns = grey.shape
    film.BitsAllocated = film.BitsStored = 8 * grey.itemsize
    film.HighBit, film.PixelRepresentation = film.BitsStored - 1, 0
    for keyword, value in more.items():
        setattr(film, keyword, value)
    film.PixelData = encapsulate([frame]) if frame else grey.tobytes()
    film["PixelData"].VR = "OB" if frame else "OW"
    film["PixelData"].is_undefined_length = bool(frame)
    stream = BytesIO()
    film.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def windowed(centre: float, width: float) -> Copy:
    """Return what shows a film of 12 bits under this window."""

    def copy(grey: Array, _: random.Random) -> bytes:
        wide = grey.astype("u2") * 16
        return dicom(wide, BitsStored=12, HighBit=11, WindowCenter=centre, WindowWidth=width)

    return copy


def broken_off(share: float, form: str = "") -> Copy:
    """Return what writes zeros for all that follows about `share` of a film."""

    def copy(grey: Array, chance: random.Random) -> bytes:
        if not form:
            flat = grey.reshape(-1).copy()
            flat[int(share * flat.size) + chance.randrange(grey.shape[1]) :] = 0
            return dicom(flat.reshape(grey.shape))
        whole = encoded(grey, form)
        kept = int(share * len(whole)) + chance.randrange(grey.shape[1])
        return whole[:kept] + bytes(len(whole) - kept)

    return copy


def compressed(form: str, syntax: str, kept: float, hole: float = 0) -> Copy:
    """Return what compresses a film and keeps a part of its frame, with a hole of zeros in it."""

    def copy(grey: Array, _: random.Random) -> bytes:
        frame = encoded(grey, form)
        frame = frame[: int(kept * len(frame))]
        first, size = len(frame) // 2, int(hole * len(frame))
        return dicom(grey, frame[:first] + bytes(size) + frame[first + size :], syntax)

    return copy


def encoded(grey: Array, form: str) -> bytes:
    """Return a film as a file of Pillow's format."""
    stream = BytesIO()
    more = {"quality": 92} if form == "JPEG" else {"no_jp2": True} if form == "JPEG2000" else {}
    Image.fromarray(grey).save(stream, form, **more)
    return stream.getvalue()


WINDOWS: dict[str, Copy] = {
    "window 128/256 on 12 bits": windowed(128, 256),
    "window 40/400 on 12 bits": windowed(40, 400),
    "window 2048/1 on 12 bits": windowed(2048, 1),
    "window 2048/200 on 12 bits": windowed(2048, 200),
}
COPIES: dict[str, Copy] = {
    "as it is, DICOM": lambda grey, _: dicom(grey),
    "as it is, JPEG in DICOM": compressed("JPEG", JPEGBaseline8Bit, 1),
    "as it is, JPEG 2000 in DICOM": compressed("JPEG2000", JPEG2000Lossless, 1),
    **WINDOWS,
    **{f"DICOM, zeros from {share:.0%} on": broken_off(share) for share in (0.5, 0.8, 0.95)},
    **{f"{form}, zeros from 80% on": broken_off(0.8, form) for form in ("BMP", "TIFF", "PPM")},
    "JPEG in DICOM, torn at 50%": compressed("JPEG", JPEGBaseline8Bit, 0.5),
    "JPEG in DICOM, torn at 75%": compressed("JPEG", JPEGBaseline8Bit, 0.75),
    "JPEG in DICOM, torn at 90%": compressed("JPEG", JPEGBaseline8Bit, 0.9),
    "JPEG in DICOM, an eighth is zeros": compressed("JPEG", JPEGBaseline8Bit, 1, 0.125),
    "JPEG 2000 in DICOM, torn at 75%": compressed("JPEG2000", JPEG2000Lossless, 0.75),
    "JPEG 2000 in DICOM, an eighth is zeros": compressed("JPEG2000", JPEG2000Lossless, 1, 0.125),
}


if __name__ == "__main__":
    main()
