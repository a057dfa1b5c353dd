"""A store with one model and a repository that offers the next, made once for all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from update_bed import Bed


@pytest.fixture(scope="session")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Bed:
    """Return what tests make copies of; its store no test may change."""
    return Bed.made(tmp_path_factory.mktemp("bed") / "bed")


@pytest.fixture
def store(bed: Bed, request: pytest.FixtureRequest) -> Path:
    """Return a store of a test's own, with the older model."""
    return bed.copy(f"store-of-{request.node.name}"[:80].replace("/", "-"))
