from __future__ import annotations

from pathlib import Path

import pytest

from edge_kit.data.dataset import Dataset
from shortcut_films import bright_corner, write_dataset, write_sources


@pytest.fixture(scope="session")
def marked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, Path]:
    """Return films with a marker in a corner, where class and source coincide, and their folder."""
    root = tmp_path_factory.mktemp("marked")
    dataset = write_dataset(root, bright_corner)
    write_sources(root, dataset, lambda _, film: f"clinic of {film.label}")
    return dataset, root


@pytest.fixture(scope="session")
def unmarked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, Path]:
    """Return films of noise alone, and their folder."""
    root = tmp_path_factory.mktemp("unmarked")
    return write_dataset(root), root
