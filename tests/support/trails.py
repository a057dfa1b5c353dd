"""Small audit trails, written by a clock that stands still."""

from __future__ import annotations

from pathlib import Path

from edge_runtime.audit_trail import AuditEntry, AuditTrail, DeliveryEntry, Verified, verify
from edge_runtime.audit_trail.line import EMPTY, TrailHead, parsed, written
from edge_runtime.audit_trail.segments import in_order

MOMENT = 1_796_000_000.0  # in November 2026


def entry(number: int, **changes: object) -> AuditEntry:
    """Return the entry of a film that nobody has."""
    fields: dict[str, object] = {
        "film": f"{number:064x}", "bundle": "b" * 64, "engine": "litert", "status": "ok",
        "label": "covid", "probability": 0.75,
    }  # fmt: skip
    return AuditEntry(**{**fields, **changes})  # type: ignore[arg-type]


def refusal(number: int, reason: str = "blank") -> AuditEntry:
    return entry(number, status="refused", label=None, probability=None, refusal=reason)


def delivery(number: int, content: str = "report", to: str = "ORTHANC") -> DeliveryEntry:
    return DeliveryEntry(f"2.25.{number}", content, to, f"{number:064x}", "b" * 64)


def opened(path: Path, largest: int = 1 << 20) -> AuditTrail:
    return AuditTrail(str(path), largest=largest, now=lambda: MOMENT)


def write_trail(path: Path, answers: int = 4, largest: int = 1 << 20) -> Path:
    """Write a trail with so many answers, each waited for by itself."""
    with opened(path, largest) as trail:
        for number in range(answers):
            trail.record(entry(number) if number % 2 == 0 else refusal(number))
    return path


def verified(*paths: Path) -> Verified:
    return verify(in_order([str(path) for path in paths]))


def put(path: Path, content: bytes) -> None:
    """Write a new file: a disk may wait for each one that is written over."""
    path.unlink(missing_ok=True)
    path.write_bytes(content)


def chain(*kinds: str, before: TrailHead = EMPTY) -> list[bytes]:
    """Return lines of these kinds, each of which follows the one before it."""
    lines = []
    for kind in kinds:
        lines.append(written(before, MOMENT, kind, {}))
        line = parsed(lines[-1])
        assert line is not None
        before = line.head
    return lines


def head_of(raw: bytes) -> TrailHead:
    line = parsed(raw)
    assert line is not None
    return line.head
