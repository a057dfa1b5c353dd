from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edge_export.quiet import import_tensorflow
from edge_kit.data.dataset import Dataset, load_dataset
from edge_kit.data.film_folders import FilmFolders, film_folders
from edge_kit.models.recipe import Architecture, TrainingRecipe
from edge_kit.models.registry import MODELS
from edge_kit.training.plan import TrainingPlan
from edge_kit.training.train import train
from tiny_network import RECIPE, tiny_network, write_tiny_films

PLAN = TrainingPlan(model="tiny", preprocess=RECIPE, epochs=2, learning_rate=0.01, seed=3)


def silent(line: str) -> None:
    del line


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep what the tests decode out of the user's own cache."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder / "edge-kit"


@pytest.fixture(scope="session")
def tiny() -> Iterator[None]:
    """Make the tiny network one that can be trained by name, its film branch in a hurry."""
    import_tensorflow()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(
            MODELS,
            "tiny",
            Architecture("tiny", tiny_network, TrainingRecipe(epochs=2, batch_size=32)),
        )
        patch.setattr("edge_kit.film_branch.branch._ROUNDS", 2)
        yield


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "xray"  # whose name says what the films are
    write_tiny_films(folder, count=36)
    return folder


@pytest.fixture(scope="session")
def dataset(data: Path) -> Dataset:
    return load_dataset(data, modality="xray", seed=3)


@pytest.fixture(scope="session")
def plan(tiny: None) -> TrainingPlan:
    del tiny
    return PLAN


@pytest.fixture(scope="session")
def hospitals(tmp_path_factory: pytest.TempPathFactory) -> FilmFolders:
    root = tmp_path_factory.mktemp("hospitals")
    write_tiny_films(root / "north", count=36)
    write_tiny_films(root / "south", count=36, first=1000)
    return film_folders([root / "north", root / "south"])


@pytest.fixture(scope="session")
def hospitals_run(
    hospitals: FilmFolders, plan: TrainingPlan, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return the folder of a run on two folders, balanced by source; nobody may change it."""
    out = tmp_path_factory.mktemp("runs") / "run"
    dataset = load_dataset(hospitals, modality="xray", seed=3)
    train(dataset, hospitals, replace(plan, balance="source"), out, silent)
    return out


@pytest.fixture(scope="session")
def trained(
    dataset: Dataset, data: Path, plan: TrainingPlan, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return the folder of a run of the tiny network; nobody may change it."""
    out = tmp_path_factory.mktemp("runs") / "run"
    train(dataset, data, plan, out, silent)
    return out
