from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge_export.examine import examine
from edge_export.films.film import Film
from edge_export.films.pixels import Pixels, load_pixels
from edge_export.graph.artefact import Artefact
from edge_export.graph.float_graphs import float_graphs
from edge_export.graph.network import InputRange, Network, network
from edge_export.proof.findings import Findings
from edge_export.proof.reference import HeldOut, refer
from edge_export.quantize.quantizer import Quantizer
from edge_export.quantize.recipe import FLOAT32, INT8, Setting
from edge_export.quiet import import_tensorflow
from edge_export.remedy.parity_check import ParityCheck
from edge_runtime.bundle.records import FilmGate
from tiny_network import (
    LOOSE,
    RECIPE,
    tiny_films,
    tiny_plan,
    trained_network,
    with_film,
    write_tiny_films,
)

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
def joined(model: keras.Model) -> keras.Model:
    """Return the same network with a film / not-film branch beside it."""
    return with_film(model)


@pytest.fixture(scope="session")
def candidate(joined: keras.Model) -> Network:
    return network(joined, InputRange())


@pytest.fixture(scope="session")
def quantizer(candidate: Network, pixels: Pixels) -> Quantizer:
    return Quantizer(float_graphs(candidate, pixels[:12]), pixels[:12])


@pytest.fixture(scope="session")
def artefacts(quantizer: Quantizer) -> dict[str, Artefact]:
    made = [quantizer.artefacts(recipe, Setting())[0] for recipe in (FLOAT32, INT8)]
    return {one.file: one for one in (*made[0], *made[1])}


@pytest.fixture(scope="session")
def held_out(films: list[Film], pixels: Pixels) -> HeldOut:
    places = [place for place, film in enumerate(films) if film.split != "train"]
    held_out_films = [films[place] for place in places]
    return HeldOut(
        pixels=pixels[places],
        positive=np.array([film.label == "covid" for film in held_out_films]),
        splits=[film.split for film in held_out_films],
        digests=[film.sha256 for film in held_out_films],
        classes=("noncovid", "covid"),
    )


@pytest.fixture(scope="session")
def check(quantizer: Quantizer, candidate: Network, held_out: HeldOut) -> ParityCheck:
    gate = FilmGate(threshold=0.0)
    return ParityCheck(quantizer.graphs, refer(candidate, held_out, gate), held_out, LOOSE)


@pytest.fixture(scope="session")
def findings(joined: keras.Model, films: list[Film]) -> Findings:
    """Return what an ordinary export of the tiny network with a film branch finds out."""
    return examine(joined, films, tiny_plan(film_threshold=0.0), lambda _: None)
