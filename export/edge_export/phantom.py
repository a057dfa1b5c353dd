"""Synthetic chest films, for the demonstration and for tests on machines without real ones.

A phantom is drawn in two steps. The *patient* (`_patient`) is an attenuation map in a fixed frame:
air 0, bone about 1, x from the patient's right (-) to left (+), y from head (-) to feet (+), the
chest between -1 and 1. The *exposure* (`_expose`) is one radiograph of it: pose, tone, grain,
vignetting, side marker. Only diffuse, bilateral, peripheral haze tells the classes apart; its
strength starts at nothing, so no reader can find every positive film. Whatever else varies does so
alike in both classes, and many negative films carry haze too: in one lung, or about both hila.

Pixels come from additions, multiplications, divisions and uniform draws alone, which IEEE 754 and
PCG64 define to the bit; sines, powers, Gaussian draws and BLAS may differ from one machine to
the next.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from edge_export.film import Split
from edge_runtime.errors import CannotWrite, UsageError
from edge_runtime.output import new_folder_at

Field = NDArray[np.float64]
Point = tuple[float, float]

COLUMNS = ("path", "label", "split", "patient_id", "group_id")
"""The columns of the manifest that `write_phantoms` leaves beside the films."""

SMALLEST_SIDE = 64
"""Films with a shorter side, in pixels, would not show what makes them positive."""

# Half the film's resolution is enough for anatomy, which has soft edges, and costs a quarter.
_GRID = 160
_REACH = 1.2  # the map covers -1.2..1.2, so that a turned or shifted film still finds body
_AXIS: Field = (2.0 * np.arange(_GRID, dtype=np.float64) + 1.0 - _GRID) * (_REACH / _GRID)
_X: Field = _AXIS[None, :]
_Y: Field = _AXIS[:, None]

_SIDES = (-1.0, 1.0)
_SPLIT_CYCLE: tuple[Split, ...] = ("train", "test", "train", "val", "train", "test", "train")
_SMALLEST_COUNT = 2 * 4  # the first four patients of either class reach all three splits
_LETTERS: dict[float, tuple[Point, ...]] = {
    -1.0: ((0, 2), (0, 0), (1, 0), (1, 1), (0, 1), (1, 2)),  # R
    1.0: ((0, 0), (0, 2), (1, 2)),  # L
}


def phantom(
    seed: int, *, positive: bool, size: tuple[int, int] = (320, 320), view: int = 0
) -> Image.Image:
    """Draw one synthetic frontal chest film, a pure function of its arguments.

    `size` is (width, height) in pixels. Films of one `seed` and class show one patient, each
    `view` in a slightly other pose and exposure. Returns an image of mode L.

    Raises:
        UsageError: `seed` or `view` is negative, or a side is shorter than `SMALLEST_SIDE`.
    """
    if seed < 0 or view < 0:
        raise UsageError(f"phantom {seed}, view {view}", "is negative", "use 0 or more")
    if min(size) < SMALLEST_SIDE:
        side = f"use at least {SMALLEST_SIDE} pixels a side"
        raise UsageError(f"phantom size {size[0]}x{size[1]}", "is too small", side)
    patient = _patient(_draws(seed), positive)
    return _expose(patient, _draws(seed, 1 + view), size)


def write_phantoms(
    folder: Path, *, count: int, seed: int, size: tuple[int, int] = (320, 320)
) -> None:
    """Write `count` films, half of either class, and a manifest with patients and splits.

    `size` is their (width, height) in pixels. The new `folder` holds `covid/0000.png` ...,
    `noncovid/0000.png` ... and `manifest.csv` (`COLUMNS`). Every fourth patient has two films. The
    folder appears whole or not at all.

    Raises:
        UsageError: `count` is odd or too small to fill every split, `seed` is negative, or a side
            is shorter than `SMALLEST_SIDE`.
        CannotWrite: `folder` exists, or the disk refused.
    """
    if count < _SMALLEST_COUNT or count % 2:
        wanted = f"use an even number from {_SMALLEST_COUNT} on"
        raise UsageError("count", f"{count} films cannot be shared out", wanted)
    if seed < 0:
        raise UsageError("seed", f"{seed} is negative", "use 0 or more")
    place = new_folder_at(folder)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        # Written one level down: the scratch folder itself is readable by its owner alone.
        with tempfile.TemporaryDirectory(prefix=f".{place.name}-", dir=place.parent) as scratch:
            draft = Path(scratch) / place.name
            _write(draft, count // 2, seed, size)
            draft.rename(place)
    except OSError as error:
        problem = error.strerror or str(error)
        raise CannotWrite(folder, problem, "nothing was written, name another place") from error


def _write(draft: Path, half: int, seed: int, size: tuple[int, int]) -> None:
    """Write `half` films of either class and their manifest into the new folder `draft`."""
    draft.mkdir()
    with (draft / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        manifest = csv.writer(file, lineterminator="\n")
        manifest.writerow(COLUMNS)
        for label in ("covid", "noncovid"):
            positive = label == "covid"
            (draft / label).mkdir()
            # Classes draw from streams of their own: no anatomy is seen both well and ill.
            patient_seeds = _draws(seed, positive).integers(2**62, size=half).tolist()
            for number, (patient, view) in zip(range(half), _visits(), strict=False):
                film = phantom(patient_seeds[patient], positive=positive, view=view, size=size)
                path = f"{label}/{number:04}.png"
                film.save(draft / path, compress_level=1)  # grain does not compress
                split = _SPLIT_CYCLE[patient % len(_SPLIT_CYCLE)]
                name = f"{label}-{patient:04}"
                manifest.writerow((path, label, split, name, name))


def _visits() -> Iterator[tuple[int, int]]:
    """Yield (patient, view) without end: every fourth patient comes twice."""
    patient = 0
    while True:
        yield patient, 0
        if patient % 4 == 3:
            yield patient, 1
        patient += 1


def _draws(*key: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(key))


def _chance(rng: np.random.Generator, probability: float) -> bool:
    return rng.random() < probability


def _edge(inside: Field, softness: float) -> Field:
    """Rise smoothly from 0 where `inside` is 0 to 1 where it is `softness` (smoothstep)."""
    t = np.clip(inside / softness, 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def _ellipse(x: float, y: float, width: float, height: float, softness: float) -> Field:
    u, v = (_X - x) / width, (_Y - y) / height
    return _edge(1.0 - u * u - v * v, softness)


def _clouds(rng: np.random.Generator, cells: int) -> Field:
    """Draw smooth noise of about 0..1 with `cells` lumps along each side of the map."""
    coarse = Image.fromarray(rng.random((cells, cells), dtype=np.float32))
    smooth = coarse.resize((_GRID, _GRID), Image.Resampling.BICUBIC)
    return np.asarray(smooth, dtype=np.float64)


def _strokes(lines: list[tuple[list[Point], float]], blur: float) -> Field:
    """Draw polylines, each with its width, in chest coordinates, with blurred edges."""
    scale = 2 * _GRID / (2 * _REACH)  # drawn at twice the size, since Pillow does not antialias
    canvas = Image.new("L", (2 * _GRID, 2 * _GRID))
    pen = ImageDraw.Draw(canvas)
    for line, width in lines:
        pixels = [((x + _REACH) * scale, (y + _REACH) * scale) for x, y in line]
        pen.line(pixels, fill=255, width=max(1, round(width * scale)), joint="curve")
    soft = canvas.reduce(2).filter(ImageFilter.GaussianBlur(blur))
    return np.asarray(soft, dtype=np.float64) / 255.0


def _patient(rng: np.random.Generator, positive: bool) -> Field:
    """Draw the attenuation map of one patient, (_GRID, _GRID), about 0..1."""
    lungs = [_lung(rng, side) for side in _SIDES]
    middle = _middle(rng)
    thick = np.maximum(middle, _edge(_Y - 0.1, 0.7))  # heart and abdomen alike stop most rays
    air = (lungs[0] + lungs[1]) * (1.0 - middle)
    seen = 0.3 + 0.7 * air  # bones and vessels stand out against air
    chest = rng.uniform(0.60, 0.72) + rng.uniform(0.04, 0.16) * _Y + 0.10 * _clouds(rng, 6)
    chest += rng.uniform(0.06, 0.16) * thick + _breasts(rng) + _bones(rng) * seen
    chest += rng.uniform(0.08, 0.18) * _vessels(rng) * seen
    chest += rng.uniform(0.02, 0.08) * _clouds(rng, 24) * air
    if _chance(rng, 0.4):
        air *= 1.0 - _nodule(rng)
    haze = _disease(rng, lungs) if positive else _lookalike(rng, lungs)
    chest -= rng.uniform(0.26, 0.52) * air * (1.0 - haze)
    if _chance(rng, 0.3):
        chest += rng.uniform(0.08, 0.2) * _tube(rng)
    return chest * _body(rng)


def _body(rng: np.random.Generator) -> Field:
    """Outline neck, shoulders and trunk against the air around them."""
    trunk_width = rng.uniform(0.92, 1.2) - rng.uniform(0.0, 0.12) * _Y
    shoulder = rng.uniform(-1.12, -0.92) + rng.uniform(0.15, 0.4) * _X * _X
    trunk = _edge(trunk_width - np.abs(_X), 0.12) * _edge(_Y - shoulder, 0.12)
    neck = _edge(rng.uniform(0.3, 0.4) - np.abs(_X) + 0.2 * (_Y + 1.0), 0.12)
    return np.maximum(trunk, neck * _edge(-0.6 - _Y, 0.3))


def _lung(rng: np.random.Generator, side: float) -> Field:
    """Shape the lung of one `side`, 1 within it and 0 outside, down to the diaphragm's dome."""
    outward = side * _X
    height = rng.uniform(0.78, 0.94)
    v = (_Y - rng.uniform(-0.12, 0.04)) / height
    width = rng.uniform(0.29, 0.37) * (1.0 + 0.22 * v)
    u = np.abs(outward - rng.uniform(0.38, 0.44) - 0.07 * v) / width
    from_centre = outward - rng.uniform(0.34, 0.46)
    dome = rng.uniform(0.42, 0.68) + 0.04 * side + rng.uniform(0.8, 1.6) * from_centre * from_centre
    inside = 1.0 - u * u * u - np.abs(v * v * v)
    return _edge(inside, rng.uniform(0.25, 0.5)) * _edge(dome - _Y, rng.uniform(0.03, 0.07))


def _middle(rng: np.random.Generator) -> Field:
    """Shape mediastinum, aortic knob, right atrium and heart, 1 within them and 0 outside."""
    lean = rng.uniform(-0.04, 0.04)
    waist = rng.uniform(0.13, 0.19) + rng.uniform(0.02, 0.08) * _Y * _Y
    shadows = (
        _edge(waist - np.abs(_X - lean * _Y), 0.08),
        _ellipse(0.08, rng.uniform(-0.34, -0.2), rng.uniform(0.14, 0.2), 0.22, 0.7),
        _ellipse(-0.06, rng.uniform(0.3, 0.44), rng.uniform(0.18, 0.28), 0.42, 0.5),
        _ellipse(0.14, rng.uniform(0.38, 0.5), rng.uniform(0.3, 0.48), 0.44, 0.35),
    )
    outline: Field = np.maximum.reduce(shadows)
    return outline


def _bones(rng: np.random.Generator) -> Field:
    """Draw ribs, spine and clavicles, the attenuation they add."""
    cage = _ellipse(0.0, 0.0, rng.uniform(0.86, 0.96), 1.1, 0.3) * _edge(np.abs(_X) - 0.06, 0.1)
    spacing, first = rng.uniform(0.15, 0.2), rng.random()
    from_arch = np.abs(_X) - rng.uniform(0.2, 0.34)
    bow = rng.uniform(0.5, 1.0)
    ribs = np.zeros_like(cage)
    # Posterior ribs fall away from the spine on both sides; the fainter anterior ones rise.
    for slope, strength in ((bow, rng.uniform(0.03, 0.10)), (-bow, rng.uniform(0.0, 0.04))):
        phase = (_Y - slope * from_arch * from_arch) / spacing + first
        offset = 2.0 * np.abs(phase - np.floor(phase) - 0.5)
        ribs += strength * _edge(0.55 - offset, 0.3)
    phase = _Y / rng.uniform(0.11, 0.14)
    vertebrae = _edge(0.9 - 2.0 * np.abs(phase - np.floor(phase) - 0.5), 0.3)
    spine = _edge(0.09 - np.abs(_X), 0.04) * (0.03 + rng.uniform(0.0, 0.05) * vertebrae)
    rise, tilt = rng.uniform(-0.66, -0.52), rng.uniform(0.02, 0.2)
    clavicles = _strokes(
        [
            ([(s * 0.1, rise), (s * 0.4, rise - 0.3 * tilt), (s * 0.85, rise - tilt)], 0.07)
            for s in _SIDES
        ],
        blur=1.2,
    )
    return ribs * cage + spine + rng.uniform(0.05, 0.12) * clavicles


def _vessels(rng: np.random.Generator) -> Field:
    """Draw the pulmonary vessels, thinning out from both hila, 0..1."""
    lines: list[tuple[list[Point], float]] = []
    for side in _SIDES:
        for _ in range(12):
            x, y = side * 0.18, rng.uniform(-0.08, 0.08)
            dx, dy = side * rng.uniform(0.02, 0.11), rng.uniform(-0.13, 0.13)
            for width in (0.05, 0.035, 0.025, 0.02):
                start = (x, y)
                x, y = x + dx, y + dy
                lines.append(([start, (x, y)], width))
                dx, dy = dx + side * rng.uniform(-0.03, 0.03), dy + rng.uniform(-0.05, 0.05)
    return _strokes(lines, blur=0.7)


def _breasts(rng: np.random.Generator) -> Field:
    """Shade the lower chest on both sides in some patients, the attenuation it adds."""
    strength = rng.uniform(0.0, 0.12) * _chance(rng, 0.6)
    x, y, radius = rng.uniform(0.42, 0.55), rng.uniform(0.3, 0.5), rng.uniform(0.32, 0.46)
    sides = [_ellipse(s * x, y + rng.uniform(-0.04, 0.04), radius, radius, 0.8) for s in _SIDES]
    return strength * np.maximum(*sides)


def _nodule(rng: np.random.Generator) -> Field:
    """Place one round focus in the inner half of a lung, the share of air it takes."""
    x, y = rng.choice(_SIDES) * rng.uniform(0.25, 0.5), rng.uniform(-0.4, 0.4)
    radius = rng.uniform(0.05, 0.13)
    return rng.uniform(0.15, 0.6) * _ellipse(x, y, radius, radius, 0.8)


def _tube(rng: np.random.Generator) -> Field:
    """Lay a thin line from the neck or a shoulder to the mediastinum, 0..1."""
    side = rng.choice(_SIDES)
    x, y = side * rng.uniform(0.0, 0.8), -1.2
    bend = (side * rng.uniform(0.05, 0.3), rng.uniform(-0.6, -0.3))
    end = (side * rng.uniform(-0.05, 0.12), rng.uniform(-0.1, 0.3))
    return _strokes([([(x, y), bend, end], 0.02)], blur=0.5)


def _patches(rng: np.random.Generator, where: Field) -> Field:
    """Break haze up into soft irregular patches, denser where `where` is nearer to 1."""
    lumps = 0.65 * _clouds(rng, int(rng.integers(9, 15))) + 0.35 * _clouds(rng, 30)
    return _edge(lumps + where - rng.uniform(0.75, 0.95), 0.4)


def _disease(rng: np.random.Generator, lungs: list[Field]) -> Field:
    """Fill a share of the air at the rim of both lungs, mostly low; at times hardly any."""
    faintness = rng.random()
    strength = 0.85 * (1.0 - faintness * faintness)  # plain in most patients
    rim = _edge(np.abs(_X) - rng.uniform(0.2, 0.34), 0.4)
    low = _edge(_Y + rng.uniform(0.5, 0.9), 1.0)
    haze = np.zeros_like(lungs[0])
    for lung in lungs:
        haze += rng.uniform(0.7, 1.0) * lung * _patches(rng, 0.9 * rim * low)
    return strength * haze


def _lookalike(rng: np.random.Generator, lungs: list[Field]) -> Field:
    """Fill a share of the air elsewhere: in a part of one lung, about both hila, or nowhere."""
    strength, kind = rng.uniform(0.2, 0.85), rng.random()
    if kind < 0.4:
        return np.zeros_like(lungs[0])
    if kind < 0.7:
        side = int(rng.integers(2))
        part = _ellipse(0.45 * _SIDES[side], rng.uniform(-0.5, 0.5), 0.6, 0.5, 1.0)
        return strength * lungs[side] * _patches(rng, part)
    hila = _ellipse(0.0, rng.uniform(-0.1, 0.1), rng.uniform(0.35, 0.5), 0.45, 0.9)
    return strength * (lungs[0] + lungs[1]) * _patches(rng, 0.8 * hila)


def _expose(patient: Field, rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    """Take one radiograph of a patient: pose, tone, vignetting, grain and side marker."""
    width, height = size
    # A parabola bends the tone curve as a gamma would, without powers.
    toned = patient + rng.uniform(-0.5, 0.5) * patient * (1.0 - patient)
    toned = rng.uniform(0.0, 0.12) + rng.uniform(0.72, 1.0) * toned
    film = np.array(_pose(toned, rng, size))
    x = np.linspace(-1.0, 1.0, width, dtype=np.float32)[None, :] - rng.uniform(-0.3, 0.3)
    y = np.linspace(-1.0, 1.0, height, dtype=np.float32)[:, None] - rng.uniform(-0.3, 0.3)
    film *= 1.0 - rng.uniform(0.0, 0.1) * (x * x + y * y)
    grain = rng.random(film.shape, np.float32) - rng.random(film.shape, np.float32)
    film += rng.uniform(0.01, 0.05) * grain
    image = Image.fromarray(np.rint(255.0 * np.clip(film, 0.0, 1.0)).astype(np.uint8))
    if _chance(rng, 0.4):
        _mark(image, rng)
    return image


def _pose(patient: Field, rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    """Turn, shift and magnify the patient onto a film of `size`, as an image of mode F."""
    half_angle = rng.uniform(-0.04, 0.04)  # the tangent of it, which gives sine and cosine exactly
    norm = 1.0 + half_angle * half_angle
    sine, cosine = 2.0 * half_angle / norm, (1.0 - half_angle * half_angle) / norm
    zoom = rng.uniform(0.88, 1.06) * _GRID / (2.0 * _REACH)
    rows = []
    for across, down in ((cosine, -sine), (sine, cosine)):
        a, b = 2.0 * zoom * across / size[0], 2.0 * zoom * down / size[1]
        shift = rng.uniform(-0.06, 0.06) * zoom
        rows += [a, b, _GRID / 2.0 + shift - (a * size[0] + b * size[1]) / 2.0]
    image = Image.fromarray(patient.astype(np.float32))
    return image.transform(size, Image.Transform.AFFINE, rows, Image.Resampling.BILINEAR)


def _mark(image: Image.Image, rng: np.random.Generator) -> None:
    """Burn the letter of one side into its upper corner."""
    side = float(rng.choice(_SIDES))
    unit = rng.uniform(0.012, 0.022) * min(image.size)
    left = image.width * (0.5 + side * rng.uniform(0.36, 0.44)) - unit
    top = image.height * rng.uniform(0.03, 0.3)
    letter = [(left + 2 * unit * x, top + 2 * unit * y) for x, y in _LETTERS[side]]
    pen = ImageDraw.Draw(image)
    pen.line(letter, fill=int(rng.integers(200, 256)), width=max(1, round(unit / 2)))
