"""A model that is no run is exported on the classes that options name, split by its split seed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from edge_export.graph.network import InputRange
from edge_kit.data.dataset import load_dataset
from edge_kit.data.reader import FilmReader
from edge_kit.exporting.order import ExportOrder, ModelMeaning, ProofRules
from edge_kit.exporting.source import open_source
from edge_runtime.errors import UsageError
from films import write_films
from tiny_network import tiny_network

MEANING = ModelMeaning(("healthy", "ill"), InputRange(0, 255))


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("foreign") / "theirs.keras"
    tiny_network().save(path)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_films(tmp_path / "films", "flu", "covid", "normal", "other", count=10)


def test_several_classes_of_a_folder_are_the_two_of_a_model(foreign: Path, root: Path) -> None:
    order = ExportOrder(
        *(foreign, Path("m.edge"), root, "xray"),
        positive="covid,flu",
        negative="normal",
        meaning=MEANING,
    )
    dataset = open_source(order, FilmReader()).dataset
    assert (dataset.negative, dataset.positive) == ("healthy", "ill")
    assert Counter(film.label for film in dataset.films) == Counter(healthy=10, ill=20)
    assert dataset.classes["flu"] == ("ill", 10)
    assert "left out, of neither class: other (10)" in dataset.warnings


def test_the_seed_of_calibration_films_deals_no_split(foreign: Path, tmp_path: Path) -> None:
    root = write_films(tmp_path, "healthy", "ill", count=12)
    expected = load_dataset(root, modality="xray", positive="ill", seed=4).films
    order = ExportOrder(
        *(foreign, Path("m.edge"), root, "xray"),
        split_seed=4,
        meaning=MEANING,
        rules=ProofRules(seed=9),
    )
    assert open_source(order, FilmReader()).dataset.films == expected


def test_a_positive_class_alone_is_checked_against_the_models(foreign: Path, root: Path) -> None:
    order = ExportOrder(
        *(foreign, Path("m.edge"), write_films(root / "two", "healthy", "ill"), "xray"),
        positive="healthy",
        meaning=MEANING,
    )
    with pytest.raises(UsageError, match="'healthy' is not the model's positive class, 'ill'"):
        open_source(order, FilmReader())
