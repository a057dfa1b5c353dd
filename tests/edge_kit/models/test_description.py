"""The description of a network is that of the network as it is built."""

from __future__ import annotations

import pytest

from edge_kit.models.applications import application
from edge_kit.models.description import describe
from edge_kit.models.registry import MODELS
from edge_runtime.errors import DataError

pytestmark = pytest.mark.usefixtures("tiny")


def test_a_description_says_what_the_built_network_has() -> None:
    found, model = describe(MODELS["model3"], 64), MODELS["model3"].build(64, 64, 1)
    assert (found.name, found.input, found.recipe) == ("model3", (64, 64, 1), found.recipe)
    assert found.parameters == model.count_params() == sum(one.parameters for one in found.layers)
    assert [one.output for one in found.layers] == [one.output.shape[1:] for one in model.layers]
    assert [str(one) for one in found.layers[:3]] == ["Rescaling", "Conv2D 32", "MaxPooling2D"]
    assert (found.float_mb, found.int8_mb) == (0.79, 0.2)
    assert found.ours == MODELS["model3"].ours


def test_a_network_too_deep_for_its_films_is_one_line() -> None:
    with pytest.raises(DataError, match=r"model3: fails for \(20, 20, 1\) \(ValueError: Computed"):
        describe(MODELS["model3"], 20)


def test_a_real_application_of_keras_is_one_layer_between_two() -> None:
    found = describe(application("MobileNetV3Small"), 64)
    assert [str(one) for one in found.layers] == ["Conv2D 3", "MobileNetV3Small", "Dense 1"]
    assert found.parameters > 900_000
