"""A repository, a mirror of it and a box: over HTTP, and in a folder as on a stick."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulated_repository import Simulated


@pytest.fixture(params=["folder", "http"])
def simulated(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Simulated:
    """Return them, with the first release published, copied and installed."""
    place = Simulated(tmp_path, monkeypatch, http=request.param == "http")
    place.publish(1)
    place.copy()
    place.update()
    assert place.release == 1
    return place


@pytest.fixture
def by_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Simulated:
    """Return them by folder alone, where the way does not matter, with nothing installed."""
    return Simulated(tmp_path, monkeypatch, http=False)
