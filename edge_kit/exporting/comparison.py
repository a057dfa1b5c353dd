"""What of a bundle a second export gave again: byte for byte, within rounding, or not at all.

Float sums of another kind of processor, or of another version of a library, come in another order.
What follows of that is bounded as everywhere: a golden logit by the tolerance in the manifest, a
probability, and every other number, by 0.05, of which that tolerance is made.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from edge_export.package import PROBABILITY_TOLERANCE
from edge_export.report.card import CARD
from edge_runtime.bundle import Bundle
from edge_runtime.bundle.manifest import Manifest
from edge_runtime.bundle.provenance import KEY, PARITY
from edge_runtime.bundle.records import Calibration

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")
_BETWEEN = re.compile(r"\s+")
# The parts of a manifest that follow from run, films and command, in which nothing is computed.
_FIXED = ("intended_use", "classes", "film_gate", "training", "verdict")


class Likeness(StrEnum):
    """How far a part agrees: the same bytes, numbers within rounding, or neither."""

    SAME = "same"
    ROUNDING = "rounding"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a bundle, how far it agrees, and what differs."""

    name: str
    agreement: Likeness
    text: str


def compare(shipped: Bundle, again: Bundle) -> list[Part]:
    """Return each part of the bundle `shipped`, and how far that of `again` agrees with it.

    Raises:
        IntegrityError: a bundle is not as it was written.
    """
    return [
        *_graphs(shipped, again),
        _preprocessing(shipped.manifest, again.manifest),
        *_golden_films(shipped, again),
        _decision(shipped.manifest, again.manifest),
        *(_fixed(shipped.manifest, again.manifest, key) for key in _FIXED),
        _quantization(shipped.manifest, again.manifest),
        _text(CARD, shipped, again, bytes.decode),
        _text(PARITY, shipped, again, _measurements),
    ]


def outcome(parts: list[Part]) -> Likeness:
    """Return the least agreement of all parts."""
    kinds = {part.agreement for part in parts}
    return next(kind for kind in reversed(Likeness) if kind in kinds)


def _graphs(shipped: Bundle, again: Bundle) -> Iterator[Part]:
    here, there = shipped.manifest, again.manifest
    recipes = {graph.file: (graph.format, graph.recipe) for graph in there.graphs}
    for graph in here.graphs:
        if recipes.pop(graph.file, None) != (graph.format, graph.recipe):
            yield Part(graph.file, Likeness.DIFFERENT, f"no such graph by {graph.recipe} again")
        elif here.files[graph.file] == there.files[graph.file]:
            yield Part(graph.file, Likeness.SAME, "the same bytes")
        else:
            yield _by_logits(graph.file, here, there)
    for file in recipes:
        yield Part(file, Likeness.DIFFERENT, "is not in the bundle")


def _by_logits(file: str, here: Manifest, there: Manifest) -> Part:
    """Return how far a graph of other bytes answers alike to the golden films."""
    pairs = zip(here.golden.films, there.golden.films, strict=False)
    differences = [
        abs(first - second)
        for known, film in pairs
        for first, second in zip(known.logits[file], film.logits[file], strict=False)
    ]
    largest, tolerance = max(differences), here.golden.tolerance
    told = f"other bytes; golden logits differ by at most {largest:.2g}, tolerance {tolerance:g}"
    shape = len(here.golden.films), len(here.golden.films[0].logits[file])
    as_many = shape == (len(there.golden.films), len(there.golden.films[0].logits[file]))
    fits = as_many and largest <= tolerance
    return Part(file, Likeness.ROUNDING if fits else Likeness.DIFFERENT, told)


def _preprocessing(here: Manifest, there: Manifest) -> Part:
    name = "preprocessing"
    if here.preprocess == there.preprocess:
        return Part(name, Likeness.SAME, "the same parameters")
    before, after = here.preprocess.to_json(), there.preprocess.to_json()
    keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    told = (f"{key} {before.get(key)} -> {after.get(key)}" for key in sorted(keys))
    return Part(name, Likeness.DIFFERENT, ", ".join(told))


def _golden_films(shipped: Bundle, again: Bundle) -> Iterator[Part]:
    here, there = shipped.manifest, again.manifest
    made = {film.file: film.stages for film in there.golden.films}
    same = [film.stages == made.pop(film.file, None) for film in here.golden.films]
    if not all(same) or made:
        number = same.count(False) + len(made)
        told = f"{number} films are prepared otherwise, by another version of a decoder"
        yield Part("golden films", Likeness.DIFFERENT, told)
        return
    equal = all(here.files[film.file] == there.files[film.file] for film in here.golden.films)
    told = "the same bytes" if equal else "the same pixels, compressed otherwise"
    yield Part("golden films", Likeness.SAME if equal else Likeness.ROUNDING, told)


def _decision(here: Manifest, there: Manifest) -> Part:
    before, after, name = here.decision, there.decision, "decision"
    if before == after:
        return Part(name, Likeness.SAME, "the same threshold, band and calibration")
    if before.calibration.method != after.calibration.method or before.chosen != after.chosen:
        told = "calibrated by another method, or a threshold chosen otherwise"
        return Part(name, Likeness.DIFFERENT, told)
    largest = max(
        abs(before.threshold - after.threshold),
        abs(before.uncertain.low - after.uncertain.low),
        abs(before.uncertain.high - after.uncertain.high),
        *_probabilities_apart(here, before.calibration, after.calibration),
    )
    told = (
        f"threshold, band or a golden film's probability differs by at most {largest:.2g}, "
        f"tolerance {PROBABILITY_TOLERANCE:g}"
    )
    fits = largest <= PROBABILITY_TOLERANCE
    return Part(name, Likeness.ROUNDING if fits else Likeness.DIFFERENT, told)


def _probabilities_apart(
    manifest: Manifest, before: Calibration, after: Calibration
) -> Iterator[float]:
    """Yield by how much each golden logit's probability differs between two calibrations."""
    for film in manifest.golden.films:
        for logits in film.logits.values():
            yield abs(_probability(logits[0], before) - _probability(logits[0], after))


def _probability(logit: float, calibration: Calibration) -> float:
    moved = calibration.scale * logit + calibration.offset
    return 1 / (1 + math.exp(-max(-700.0, min(700.0, moved))))


def _fixed(here: Manifest, there: Manifest, key: str) -> Part:
    before, after = here.to_json()[key], there.to_json()[key]
    told = "the same" if before == after else f"{_short(before)} -> {_short(after)}"
    agreement = Likeness.SAME if before == after else Likeness.DIFFERENT
    return Part(key.replace("_", " "), agreement, told)


def _quantization(here: Manifest, there: Manifest) -> Part:
    before, after = here.quantization, there.quantization
    if before == after:
        told = f"the same method and {len(before.films)} calibration films"
        return Part("quantization", Likeness.SAME, told)
    missing = len({*before.films} ^ {*after.films})
    told = f"{missing} calibration films differ" if missing else "another method or remedy"
    return Part("quantization", Likeness.DIFFERENT, told)


def _short(value: object) -> str:
    return json.dumps(value, sort_keys=True)[:120]


def _text(name: str, shipped: Bundle, again: Bundle, read: Callable[[bytes], str]) -> Part:
    """Return how far a text agrees: its bytes, or all of it but numbers."""
    here, there = (name in bundle.manifest.files for bundle in (shipped, again))
    if not (here and there):
        kind = Likeness.SAME if here == there else Likeness.DIFFERENT
        return Part(name, kind, "is in neither" if here == there else "is in one of them alone")
    before, after = (read(bytes(bundle.read(name))) for bundle in (shipped, again))
    if before == after:
        return Part(name, Likeness.SAME, "the same text")
    if _words(before) != _words(after):
        return Part(name, Likeness.DIFFERENT, "other words")
    changed = [
        (first, second)
        for first, second in zip(_NUMBER.findall(before), _NUMBER.findall(after), strict=True)
        if first != second
    ]
    largest = max(_apart(float(first), float(second)) for first, second in changed)
    told = f"the same words; {len(changed)} numbers differ by at most {largest:.2g}"
    told += f", tolerance {PROBABILITY_TOLERANCE:g}, of numbers above one as a share of them"
    fits = largest <= PROBABILITY_TOLERANCE
    return Part(name, Likeness.ROUNDING if fits else Likeness.DIFFERENT, told)


def _apart(before: float, after: float) -> float:
    """Return by how much a number differs: of shares the difference, above one relative to it."""
    apart = abs(before - after) / max(1.0, abs(before))
    return apart if math.isfinite(apart) else math.inf


def _words(text: str) -> str:
    """Return `text` without its numbers, and without how lines are broken around them."""
    return _BETWEEN.sub(" ", _NUMBER.sub("#", text))


def _measurements(data: bytes) -> str:
    """Return what an exporter measured, a value a line, without what made the bundle."""
    content = json.loads(data)
    plain = {key: value for key, value in content.items() if key != KEY}
    return json.dumps(plain, indent=1, sort_keys=True)
