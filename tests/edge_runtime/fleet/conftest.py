"""A box of its own for each test, with a data folder that is not this user's."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where a new box keeps its name and its key."""
    monkeypatch.delenv("EDGE_BUNDLE", raising=False)
    for name in ("XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "data"))
    monkeypatch.setattr("sys.platform", "linux")
    return tmp_path / "data" / "edge-kit"


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    """Return an empty folder for receipts."""
    place = tmp_path / "stick"
    place.mkdir()
    return place
