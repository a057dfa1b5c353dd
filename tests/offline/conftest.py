"""A stick to install from."""

from __future__ import annotations

from pathlib import Path

import pytest

from fake_stick import write_stick


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """Return a wheelhouse of fake wheels with one bundle."""
    return write_stick(tmp_path / "the stick")
