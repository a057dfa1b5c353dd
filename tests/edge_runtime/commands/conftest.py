"""A data folder without a bundle, and bundles to add to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tiny_bundle import own_data_folder, write_tiny_bundle


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the data folder of a user of its own, which is not there yet."""
    return own_data_folder(tmp_path, monkeypatch)


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    """Return a folder with three bundles and a broken one."""
    place = tmp_path / "stick"
    place.mkdir()
    for number, name in enumerate(("a.edge", "b.edge", "c.edge"), 1):
        write_tiny_bundle(place / name, tolerance=number / 1000)
    (place / "broken.edge").write_bytes((place / "a.edge").read_bytes()[:-1])
    return place
