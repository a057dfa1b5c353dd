from __future__ import annotations

from pathlib import Path

import pytest

from edge_kit.evaluation.films import LabelledFilms, labelled_films
from tiny_bundle import write_tiny_bundle


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a bundle whose logit is the mean shade of a film; it knows nothing of lungs."""
    return write_tiny_bundle(tmp_path_factory.mktemp("bundle") / "tiny.edge")


@pytest.fixture(scope="session")
def labelled(data: Path) -> LabelledFilms:
    return labelled_films(data, modality="xray", positive="covid", skip_unreadable=False)
