"""`clinic` is light enough for a clinic's processor, whatever it was trained on."""

from __future__ import annotations

import numpy as np
import pytest

from edge_kit.film_branch.branch import film_branch, join
from edge_kit.models.registry import architecture

MOST_MULTIPLICATIONS = 25_000_000
MOST_WEIGHTS = 180_000  # of one byte each, beside some 20 kB that describe a graph


def multiplications(model: object) -> int:
    """Return those of an input's way through convolutions and dense layers."""
    total = 0
    for layer in model.layers:  # type: ignore[attr-defined]
        kind = type(layer).__name__
        if kind == "Conv2D":
            total += int(np.prod(layer.output.shape[1:3])) * int(np.prod(layer.kernel.shape))
        elif kind == "Dense":
            total += int(np.prod(layer.kernel.shape))
    return total


def test_its_graph_with_the_film_gate_is_as_light_as_promised() -> None:
    clinic = architecture("clinic")
    side = clinic.films.side
    body = clinic.build(side, side, clinic.channels)
    whole = join(body, film_branch(side, side, clinic.channels, local=True))
    assert 10_000_000 < multiplications(whole) <= MOST_MULTIPLICATIONS
    assert whole.count_params() <= MOST_WEIGHTS


def test_no_weight_belongs_to_a_place_so_any_size_has_the_same_weights() -> None:
    build = architecture("clinic").build
    assert build(96, 96, 1).count_params() == build(224, 160, 1).count_params()


def test_it_says_what_its_films_are_like_and_how_it_is_trained() -> None:
    clinic = architecture("clinic")
    assert clinic.films.to_json() == {
        "trim": 0.1,
        "crop": 0.9,
        "local_radius": 24,
        "local_gain": 38,
        "local_floor": 4,
    }
    assert clinic.recipe.cosine
    assert not clinic.recipe.weight_decay
    assert clinic.recipe.augmentation is not None
    assert clinic.recipe.augmentation.of_place
    assert clinic.recipe.augmentation.of_levels


@pytest.mark.parametrize("name", ["baseline", "model1", "model2", "model3", "xray_cnn"])
def test_films_of_the_studies_are_prepared_as_before(name: str) -> None:
    assert architecture(name).films.side == 224
    assert architecture(name).films.to_json() == {}
