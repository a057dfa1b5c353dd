"""An ensemble's logit is the mean of its members' logits, and it is exported like any network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import logit

from edge_export.graph.network import InputRange, load_model, network
from edge_kit.models.ensemble import mean_of_logits
from edge_runtime.errors import DataError
from tiny_network import tiny_network, with_film
from zoo import zoo_pixels

pytestmark = pytest.mark.usefixtures("tiny")


def nested() -> Any:
    """Return a model within a model, its features a map, without a bias at the end."""
    import keras
    from keras import layers

    image = keras.Input((64, 64, 1))
    inner = keras.Sequential(
        [image, layers.Conv2D(3, 9, 8), layers.GlobalMaxPooling2D(keepdims=True)]
    )
    answer = layers.Dense(1, "sigmoid", use_bias=False)(layers.Flatten()(inner(image) / 255))
    return keras.Model(image, answer)


def bare() -> Any:
    """Return a classifier whose logit is the mean of a map, without a dense layer."""
    import keras
    from keras import layers

    body = [layers.Rescaling(1 / 255), layers.Conv2D(1, 3), layers.GlobalAveragePooling2D()]
    return keras.Sequential([keras.Input((64, 64, 1)), *body, layers.Activation("sigmoid")])


@pytest.fixture(scope="module")
def members(tiny: None) -> list[Any]:
    """Return four classifiers that end in four ways, the first with a film branch."""
    import keras

    del tiny
    keras.utils.set_random_seed(0)
    return [with_film(tiny_network()), tiny_network(), nested(), bare()]


def answers(model: Any) -> list[Any]:
    found = model.predict_on_batch(zoo_pixels())
    return found if isinstance(found, list) else [found]


def test_its_logit_is_the_mean_of_those_of_its_members(members: list[Any]) -> None:
    expected = np.mean([logit(answers(one)[0]) for one in members], axis=0)
    found = answers(mean_of_logits(members))[0]
    assert expected.std() > 0.01
    np.testing.assert_allclose(logit(found), expected, atol=1e-5)


def test_its_film_branch_is_that_of_the_first_and_of_none_else(members: list[Any]) -> None:
    found = answers(mean_of_logits(members))
    assert (found[1] == answers(members[0])[1]).all()
    assert len(answers(mean_of_logits(members[1:]))) == 1


def test_it_is_saved_and_taken_by_the_exporter_like_any_network(
    members: list[Any], tmp_path: Path
) -> None:
    model = mean_of_logits(members)
    model.save(tmp_path / "e.keras")
    read = network(load_model(tmp_path / "e.keras"), InputRange())
    decision, film = read.logits.predict_on_batch(zoo_pixels())
    expected = answers(model)
    np.testing.assert_allclose(decision, logit(expected[0]), atol=1e-4)
    np.testing.assert_allclose(film, expected[1], rtol=1e-5)


def test_members_stay_as_they_were(members: list[Any]) -> None:
    before = [answers(one)[0] for one in members]
    mean_of_logits(members)
    assert all((answers(one)[0] == old).all() for one, old in zip(members, before, strict=True))


def test_what_ends_in_something_else_is_refused_by_name(members: list[Any]) -> None:
    import keras

    features = keras.layers.Flatten()(members[1].inputs[0])
    softmax = keras.layers.Dense(2, activation="softmax")(features)
    other = keras.Model(members[1].inputs, softmax, name="other")
    with pytest.raises(DataError, match="other: ends in 2 outputs, activation softmax; give"):
        mean_of_logits([members[1], other])
