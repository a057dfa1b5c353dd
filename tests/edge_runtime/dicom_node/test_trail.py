"""A line is written once for each image and each delivery, though two are as alike as can be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edge_runtime.audit_trail import AuditEntry, DeliveryEntry, verify
from edge_runtime.dicom_node.trail import NodeTrail

BUNDLE = "b" * 64


def unread(uid: str) -> AuditEntry:
    """Return the entry of an image that could not be read, and so has no digest."""
    return AuditEntry(film=None, bundle=BUNDLE, engine="litert", status="error", report=uid)


def sent(uid: str) -> DeliveryEntry:
    return DeliveryEntry(uid, "report", "ORTHANC", None, BUNDLE)


@pytest.mark.parametrize("entry", [unread, sent])
def test_two_alike_have_a_line_each_after_a_kill(
    entry: Callable[[str], AuditEntry | DeliveryEntry], tmp_path: Path
) -> None:
    path, counters = tmp_path / "trail.jsonl", list[int]()
    for uid in ("2.25.1", "2.25.2"):  # killed after its line, before the queue knew of it
        trail = NodeTrail(path)
        trail.record(entry(uid), None, counters.append)
        trail.close()
    trail = NodeTrail(path)
    for uid, counter in zip(("2.25.1", "2.25.2", "2.25.3"), [*counters, counters[0]], strict=True):
        trail.record(entry(uid), counter, counters.append)
    trail.close()
    found = verify([path])
    assert not found.problems and found.answers + found.deliveries == 3


def test_decisions_and_deliveries_are_in_one_chain(tmp_path: Path) -> None:
    trail = NodeTrail(tmp_path / "trail.jsonl")
    trail.record(unread("2.25.1"), None, lambda _: None)
    trail.record(sent("2.25.1"), None, lambda _: None)
    trail.close()
    found = verify([tmp_path / "trail.jsonl"])
    assert (found.answers, found.deliveries, found.problems) == (1, 1, [])


def test_without_a_trail_nothing_is_written(tmp_path: Path) -> None:
    trail = NodeTrail(None)
    trail.record(sent("2.25.1"), None, lambda _: pytest.fail("nothing is begun"))
    trail.close()
    assert not [*tmp_path.iterdir()]
