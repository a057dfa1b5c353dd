"""What a machine says of its memory is taken at its word, and the smallest limit counts."""

from __future__ import annotations

import sys

import pytest

from edge_runtime.memory import machine


def test_memory_that_is_available_is_part_of_all() -> None:
    total, free = machine.memory()
    if total is not None and free is not None:
        assert 0 < free <= total


@pytest.mark.skipif(sys.platform == "win32", reason="limits of Unix")
def test_the_smallest_limit_of_this_process_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    limits = {resource.RLIMIT_AS: 1 << 30, resource.RLIMIT_DATA: resource.RLIM_INFINITY}
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (limits[kind], 0))
    limit = machine.memory_limit()
    assert limit is not None
    assert limit <= 1 << 30


@pytest.mark.parametrize(
    ("free", "limit", "found"),
    [(5, 3, 3), (3, 5, 3), (None, 5, 5), (3, None, 3), (None, None, None)],
)
def test_what_is_available_is_free_and_allowed(
    free: int | None, limit: int | None, found: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "memory", lambda: (None, free))
    monkeypatch.setattr(machine, "memory_limit", lambda: limit)
    assert machine.available() == found
