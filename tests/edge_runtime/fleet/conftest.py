"""A box of its own for each test, with a data folder that is not this user's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tiny_bundle import own_data_folder


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where a new box keeps its name and its key."""
    return own_data_folder(tmp_path, monkeypatch)


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    """Return an empty folder for receipts."""
    place = tmp_path / "stick"
    place.mkdir()
    return place
