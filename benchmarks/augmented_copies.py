"""How many augmented copies a scan groups with their original, and how many patients it merges.

Copies of films of known patients are made in a temporary folder and scanned together with every
film of the data. A copy is found if it is in its original's cluster; patients are merged if films
of two are in one cluster. The films of the data count as given: no two patients are one.

    python benchmarks/augmented_copies.py --data ../shared/data
"""

from __future__ import annotations

import argparse
import io
import shutil
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from edge_export.statistics.estimates import proportion
from edge_kit.data.candidates import candidates
from edge_kit.data.copies import confirmed
from edge_kit.data.fingerprints import (
    Fingerprint,
    decode,
    fingerprint_of,
    near_duplicates,
    read_films,
)
from edge_kit.data.index import FilmEntry, index_films
from edge_kit.data.keypoints import Keypoints, keypoints
from edge_kit.data.survey import survey
from edge_runtime.errors import FilmError

Film = Image.Image
Random = np.random.Generator


def turned(film: Film, random: Random, *, edges: bool | None = None) -> Film:
    """Turn by any angle; the corners are black, or what the border was drawn out to."""
    angle = float(random.uniform(0, 360))
    if not (random.random() < 0.5 if edges is None else edges):
        return film.rotate(angle, Image.Resampling.BICUBIC)
    pad = max(film.size) // 2
    wide = Image.fromarray(np.pad(np.asarray(film), pad, mode="edge"))
    middle = (pad, pad, pad + film.width, pad + film.height)
    return wide.rotate(angle, Image.Resampling.BICUBIC).crop(middle)


def shifted(film: Film, random: Random) -> Film:
    """Shift by up to a tenth of either side."""
    x, y = random.uniform(-0.1, 0.1, 2) * film.size
    matrix = (1, 0, float(x), 0, 1, float(y))
    return film.transform(film.size, Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC)


def cropped(film: Film, random: Random) -> Film:
    """Cut off up to a tenth of the width and of the height."""
    (left, width), (top, height) = (
        (int(random.uniform(0, 0.1 * side)), int(side * random.uniform(0.9, 1)))
        for side in film.size
    )
    box = (left, top, min(left + width, film.width), min(top + height, film.height))
    return film.crop(box)


def toned(film: Film, random: Random) -> Film:
    """Change brightness and contrast by up to 40 %, clipping what gets too bright."""
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast):
        film = enhance(film).enhance(float(random.uniform(0.6, 1.4)))
    return film


def noisy(film: Film, random: Random) -> Film:
    """Add Gaussian noise with a standard deviation of 5 to 20 grey levels."""
    values = np.asarray(film) + random.normal(0, random.uniform(5, 20), (film.height, film.width))
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def compressed(film: Film, random: Random) -> Film:
    """Code as JPEG of quality 20 to 60."""
    buffer = io.BytesIO()
    film.save(buffer, "JPEG", quality=int(random.integers(20, 61)))
    return Image.open(buffer).convert("L")


def combined(film: Film, random: Random) -> Film:
    """Mirror or not, turn, shift or crop, tone, add noise and compress."""
    if random.random() < 0.5:
        film = ImageOps.mirror(film)
    film = turned(film, random)
    film = (shifted if random.random() < 0.5 else cropped)(film, random)
    for step in (toned, noisy, compressed):
        film = step(film, random)
    return film


KINDS: Mapping[str, Callable[[Film, Random], Film]] = {
    "turned, black corners": lambda film, random: turned(film, random, edges=False),
    "turned, border drawn out": lambda film, random: turned(film, random, edges=True),
    "turned, whole film kept": lambda film, random: film.rotate(
        float(random.uniform(0, 360)), Image.Resampling.BICUBIC, expand=True
    ),
    "mirrored": lambda film, _: ImageOps.mirror(film),
    "flipped top to bottom": lambda film, _: ImageOps.flip(film),
    "shifted by up to 10 %": shifted,
    "cropped by up to 10 %": cropped,
    "brightness and contrast": toned,
    "noise": noisy,
    "JPEG 20 to 60": compressed,
    "half the size": lambda film, _: ImageOps.scale(film, 0.5),
    "stretched to a square": lambda film, _: film.resize((224, 224)),
    "all combined": combined,
}


ALONE = "all combined, the only copy"
"""Where an original has many copies, one that is hard to find is found by way of the others."""


def main() -> None:
    """Measure and print two tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--modality", default="xray")
    parser.add_argument("--originals", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scaling", action="store_true", help="time the stages at several sizes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        patients = augment(options.data, options.modality, options.originals, options.seed, root)
        start, busy = time.perf_counter(), time.process_time()
        clusters = {film.path: film.cluster for film in survey(root).films}
        seconds, busy = time.perf_counter() - start, time.process_time() - busy
        show(clusters, patients)
        each = 1000 * busy / len(clusters)
        print(f"\n{len(clusters)} films in {seconds:.0f} s; {each:.0f} ms of a processor a film")
        if options.scaling:
            scaling([root / path for path in clusters])


def augment(data: Path, modality: str, originals: int, seed: int, root: Path) -> dict[str, str]:
    """Fill `root` with all films and with copies of some; return the patient of every film.

    Nothing tells the scan of patients: there is no manifest, and films lie in one folder each.
    """
    random = np.random.default_rng(seed)
    films = [entry for entry in index_films(data) if entry.modality == modality]
    known = {patient(entry): entry for entry in reversed(films) if patient(entry)}
    (root / "original").mkdir()
    (root / "copy").mkdir()
    owners = {}
    for entry in films:
        name = f"original/{Path(entry.name).name}"
        shutil.copyfile(data / entry.name, root / name)
        owners[name] = patient(entry)
    chosen = [list(known.values())[index] for index in random.permutation(len(known))]
    for entry in chosen[: 2 * originals]:
        with Image.open(data / entry.name) as film:
            grey = film.convert("L")
        alone = entry in chosen[originals:]
        for number, change in enumerate([combined] if alone else KINDS.values()):
            name = f"copy/{len(KINDS) if alone else number:02}-{Path(entry.name).stem}.png"
            change(grey, random).save(root / name, compress_level=1)
    return owners


def patient(entry: FilmEntry) -> str:
    """Return the patient, empty where the manifest knows none."""
    return next((name for name in entry.ids if name.startswith("patient_id")), "")


def show(clusters: Mapping[str, str], patients: Mapping[str, str]) -> None:
    """Print the share found of every kind, and the patients that were merged."""
    originals = {Path(name).stem: name for name in patients}
    n: Counter[str] = Counter()
    matched: Counter[str] = Counter()
    for path, cluster in clusters.items():
        if path.startswith("copy/"):
            number, _, stem = Path(path).stem.partition("-")
            for kind in ([*KINDS, ALONE][int(number)], "**all**"):
                n[kind] += 1
                matched[kind] += cluster == clusters[originals[stem]]
    print("| kind | n | grouped with its original (95 %) |")
    print("|---|---|---|")
    for kind in (*KINDS, ALONE, "**all**"):
        share = proportion(matched[kind], n[kind])
        print(f"| {kind} | {share.n} | {share.value:.3f} ({share.low:.3f} to {share.high:.3f}) |")
    of: defaultdict[str, set[str]] = defaultdict(set)
    for name, owner in patients.items():
        of[clusters[name]].update({owner} - {""})
    merged = {owner for owners in of.values() if len(owners) > 1 for owner in owners}
    share = proportion(len(merged), len(set(patients.values()) - {""}))
    largest = max(map(len, of.values()))
    print(f"\npatients merged with others: {len(merged)} of {share.n}, {share.value:.4f}", end=" ")
    print(f"({share.low:.4f} to {share.high:.4f}); most patients in one cluster: {largest}")


def scaling(paths: list[Path]) -> None:
    """Print the processor's seconds by stage for a quarter, a half and all of the films."""
    print("\n| films | read | hashes | candidates | pairs | compare | a film, ms |")
    print("|---|---|---|---|---|---|---|")
    shuffled = [paths[index] for index in np.random.default_rng(0).permutation(len(paths))]
    for count in (len(paths) // 4, len(paths) // 2, len(paths)):
        marks = [time.process_time()]
        read = read_films(shuffled[:count], look)
        films = [result for result in read if not isinstance(result, FilmError)]
        marks.append(time.process_time())
        near_duplicates([fingerprint for fingerprint, _ in films])
        marks.append(time.process_time())
        pairs = candidates([points for _, points in films])
        marks.append(time.process_time())
        confirmed([points for _, points in films], pairs)
        marks.append(time.process_time())
        reading, hashes, naming, comparing = np.diff(marks)
        print(f"| {count} | {reading:.1f} | {hashes:.2f} | {naming:.1f} | {len(pairs)} "
              f"| {comparing:.1f} | {1000 * (marks[-1] - marks[0]) / count:.0f} |",
              flush=True)  # fmt: skip


def look(path: Path) -> tuple[Fingerprint, Keypoints]:
    """Read a film as a scan does."""
    data, grey = decode(path)
    return fingerprint_of(data, grey), keypoints(grey)


if __name__ == "__main__":
    main()
