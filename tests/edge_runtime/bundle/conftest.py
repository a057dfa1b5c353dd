"""The sample bundle in both of its forms."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_runtime.bundle.pack import unpack, write_bundle
from sample_bundle import MEMBERS, sample_fields


@pytest.fixture
def zipped(tmp_path: Path) -> Path:
    path = tmp_path / "m.edge"
    write_bundle(path, sample_fields(), MEMBERS)
    return path


@pytest.fixture
def folder(zipped: Path) -> Path:
    unpack(zipped, zipped.parent / "m")
    return zipped.parent / "m"
