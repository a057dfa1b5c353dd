"""Trays that need not outlive a power failure."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def tray(tmp_path: Path) -> Path:
    place = tmp_path / "tray"
    place.mkdir()
    return place
