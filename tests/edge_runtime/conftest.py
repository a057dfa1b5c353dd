"""A bundle that runs, written once, and one film beside it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_runtime.bundle import Bundle, open_bundle
from tiny_bundle import write_film, write_tiny_bundle


@pytest.fixture(autouse=True)
def found_by_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let cures be as on a machine where a shell finds edge-run, wherever the tests run."""
    monkeypatch.setattr("edge_runtime.cures.program", lambda: "edge-run")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the path of the tiny bundle, which no test may change."""
    return write_tiny_bundle(tmp_path_factory.mktemp("tiny") / "tiny.edge")


@pytest.fixture
def bundle(tiny: Path) -> Iterator[Bundle]:
    with open_bundle(tiny) as opened:
        yield opened


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return write_film(tmp_path / "film.png")


@pytest.fixture
def own_signals() -> Iterator[None]:
    """Put back the handler that `edge_runtime.cli.run` replaces."""
    handler = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture
def no_bundle_of_this_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the bundles that whoever runs the tests has on this machine."""
    monkeypatch.delenv("EDGE_BUNDLE", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "data"))
