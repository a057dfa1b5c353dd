"""An archive of a dozen films, its bundle, and its answers by processes, made once."""

from __future__ import annotations

import pytest

from archives import Archive, draw_archive, run_score
from tiny_bundle import write_tiny_bundle


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    folder = tmp_path_factory.mktemp("archive")
    films = draw_archive(folder / "films")
    bundle = write_tiny_bundle(folder / "m.edge")
    done = run_score(folder / "films", "--bundle", bundle, "--out", folder / "out", "--part", 5)
    assert done.returncode == 0, done.stderr
    return Archive(folder / "films", films, bundle, folder / "out")
