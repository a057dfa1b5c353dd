"""Boxes that nobody has, with keys and receipts of their own, and how they go wrong."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge_runtime.fleet.envelope import receipt_name, sealed
from edge_runtime.fleet.records import BINS, BoxReceipt

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
BUNDLE = "b" * 64
PROCESSORS = ("Raspberry Pi 4 Model B Rev 1.5", "Intel(R) Core(TM) i5-7200U", "AMD EPYC")
SCORES = (60, 20, 8, 4, 2, 1, 1, 1, 1, 2, 2, 1, 1, 1, 1, 2, 4, 8, 20, 60)
"""What the probabilities of the simulated bundle are like, in bins."""


def digest(*words: object) -> str:
    """Return a digest that stands for something of that name."""
    return sha256(" ".join(map(str, words)).encode()).hexdigest()


def scores_of(seed: object, films: int, shares: tuple[int, ...] = SCORES) -> list[int]:
    """Return a histogram of so many films, drawn by `shares`."""
    counts = [0] * BINS
    for place in random.Random(str(seed)).choices(range(BINS), shares, k=films):
        counts[place] += 1
    return counts


def count_row(scores: list[int], month: str = "2026-11", **changes: Any) -> dict[str, Any]:
    """Return a row of counts with these scores."""
    high = sum(scores[BINS // 2 :])
    labels = {"covid": high, "noncovid": sum(scores) - high}
    return {
        "bundle": BUNDLE, "month": month, "labels": labels, "refused": {"blank": 2}, "failed": 0,
        "scores": scores, **changes,
    }  # fmt: skip


def trail_row(counter: int, seed: object = 0, **changes: Any) -> dict[str, Any]:
    """Return the head of a trail with so many lines."""
    return {
        "first": digest("first", seed), "counter": counter, "digest": digest(seed, counter),
        "answers": counter - 1, "whole": True, "continued": True, **changes,
    }  # fmt: skip


def document_of(number: int = 0, films: int = 200) -> dict[str, Any]:
    """Return the receipt of a box with which all is well, without what a box adds itself."""
    golden = [{"film": f"golden/{place}.png", "difference": 0.001 * (number % 7), "passed": True}
              for place in range(4)]  # fmt: skip
    return {
        "format": 1,
        "bundle": {"name": "clinic-xray", "version": "0.2.2", "identity": BUNDLE,
                   "verdict": "pass", "signed_by": []},
        "architecture": "aarch64" if number % 3 == 0 else "x86_64",
        "processor": PROCESSORS[number % 3],
        "check_result": {
            "passed": True, "problem": None, "every_byte_as_written": True,
            "engine": {"engine": "litert", "version": "2.3.0", "graph": "model.int8.tflite",
                       "tolerance": 0.152, "films": golden},
        },
        "trails": [trail_row(films + 1, number)],
        "counts": [count_row(scores_of(number, films))],
        "health": {"disk_free": 20 * 10**9, "disk_size": 32 * 10**9, "uptime": 86_400,
                   "bundle_written": "2026-10-01T08:00:00Z", "edge_runtime": "0.1.0",
                   "clock_plausible": True},
    }  # fmt: skip


@dataclass(slots=True)
class SimulatedBox:
    """A box that writes receipts into a folder, one after the other."""

    folder: Path
    number: int = 0
    counter: int = 0
    previous: str = "0" * 64
    key: Ed25519PrivateKey = field(init=False)
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = digest("box", self.number)[:32]
        self.key = key_of(self.number)

    @property
    def public(self) -> str:
        return self.key.public_key().public_bytes_raw().hex()

    def write(self, days_ago: float = 1, **changes: Any) -> Path:
        """Write the next receipt; `changes` take the place of what is well."""
        self.counter += 1
        path = self.folder / receipt_name(self.name, self.counter)
        path.write_bytes(data := self.bytes(days_ago, **changes))
        self.previous = sha256(data).hexdigest()
        return path

    def bytes(self, days_ago: float = 1, **changes: Any) -> bytes:
        """Return the file of a receipt as this box would write it now."""
        time = NOW - timedelta(days=days_ago)
        own = {"box": self.name, "key": self.public, "counter": self.counter,
               "previous": self.previous, "time": f"{time:%FT%TZ}"}  # fmt: skip
        fields = merged(document_of(self.number), own, changes)
        return sealed(BoxReceipt(**fields), self.key.sign)


def key_of(number: int) -> Ed25519PrivateKey:
    """Return the key of a box, the same each time."""
    return Ed25519PrivateKey.from_private_bytes(sha256(f"key {number}".encode()).digest())


def merged(*parts: Mapping[str, Any]) -> dict[str, Any]:
    """Return documents as one: of two values the later counts, records are joined."""
    whole: dict[str, Any] = {}
    for part in parts:
        for name, value in part.items():
            old = whole.get(name)
            joined = isinstance(old, dict) and isinstance(value, dict) and name in _RECORDS
            whole[name] = merged(old, value) if joined else value  # type: ignore[arg-type]
    return whole


_RECORDS = ("bundle", "check_result", "health")


def write_fleet(folder: Path, boxes: int, receipts: int = 3) -> dict[str, list[int]]:
    """Write receipts of so many boxes; return the numbers of those with a problem, by its kind.

    Of a hundred boxes one is silent, one fails its check, one has a trail that went back, one
    lacks a receipt, one has another population, and one a full disk.
    """
    wrong: dict[str, list[int]] = {}
    kinds = ("silent", "check", "trail", "chain", "drift", "disk")
    for number in range(boxes):
        kind = kinds[number % 100] if number % 100 < len(kinds) else ""
        wrong.setdefault(kind, []).append(number)
        box = SimulatedBox(folder, number)
        for place in range(receipts):
            _write_next(box, kind, place, receipts)
    return wrong


def _write_next(box: SimulatedBox, kind: str, place: int, receipts: int) -> None:
    last = place == receipts - 1
    films = min(100 * (place + 1), 300)
    days_ago = 1 + 7 * (receipts - 1 - place) + (60 if kind == "silent" else 0)
    lines = 5 if kind == "trail" and last else 100 * (place + 1) + 1
    flat = (1,) * BINS if kind == "drift" else SCORES
    changes: dict[str, Any] = {
        "trails": [trail_row(lines, box.number)],
        "counts": [count_row(scores_of(box.number, films, flat))],
    }
    if kind == "check" and last:
        changes["check_result"] = {"passed": False, "problem": "the golden films differ"}
    if kind == "disk" and last:
        changes["health"] = {"disk_free": 10**8}
    path = box.write(days_ago, **changes)
    if kind == "chain" and place == 1:
        path.unlink()
