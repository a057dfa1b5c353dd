from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge_export.artefact import Artefact
from edge_export.export import convert
from edge_export.film import Film
from edge_export.graph.network import InputRange, Network, network
from edge_export.pixels import Pixels, load_pixels
from edge_export.quiet import import_tensorflow
from tiny_network import RECIPE, tiny_films, trained_network, write_tiny_films

if TYPE_CHECKING:
    import keras


@pytest.fixture(scope="session", autouse=True)
def tensorflow() -> None:
    import_tensorflow()


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hospital-of-erika")
    write_tiny_films(folder, name="erika-mustermann")
    return folder


@pytest.fixture(scope="session")
def films(folder: Path) -> list[Film]:
    return tiny_films(folder)


@pytest.fixture(scope="session")
def pixels(films: list[Film]) -> Pixels:
    return load_pixels(films, RECIPE)


@pytest.fixture(scope="session")
def model(films: list[Film]) -> keras.Model:
    return trained_network(films)


@pytest.fixture(scope="session")
def candidate(model: keras.Model) -> Network:
    return network(model, InputRange())


@pytest.fixture(scope="session")
def artefacts(candidate: Network, pixels: Pixels) -> dict[str, Artefact]:
    return {one.file: one for one in convert(candidate, pixels[:12])}
