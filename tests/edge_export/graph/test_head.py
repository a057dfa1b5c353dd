"""A head that is not one answer is named for what it is, with a cure that it does not have yet."""

from __future__ import annotations

import keras
import pytest
from keras import layers

from edge_export.graph.head import find_head
from edge_runtime.errors import DataError


def headed(head: layers.Layer) -> keras.Model:
    image = keras.Input((16, 16, 1))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(layers.Rescaling(1 / 255)(image)))
    return keras.Model(image, head(x))


@pytest.mark.parametrize(
    ("head", "problem", "cure"),
    [
        (layers.Dense(2, activation="sigmoid"), "gives 2 answers of their own where", "keep one"),
        (layers.Dense(2), "gives 2 logits without a softmax", "if they are of two classes, save"),
        (layers.Dense(3), "gives 3 logits where one class is told", "train its last layer again"),
        (layers.Dense(1, activation="softmax"), "gives 1 whatever the image shows", "train it"),
        (
            keras.Sequential([layers.Dense(1, activation="sigmoid"), layers.Activation("sigmoid")]),
            "applies sigmoid and sigmoid one after the other",
            "train it with one of them",
        ),
        (layers.Dense(1, activation="tanh"), "ends in layer", "end it in a dense layer with a"),
    ],
)
def test_a_head_of_another_form_is_named_with_what_helps(
    head: layers.Layer, problem: str, cure: str
) -> None:
    with pytest.raises(DataError) as caught:
        find_head(headed(head))
    assert caught.value.problem.startswith(problem)
    assert caught.value.cure.startswith(cure)


def test_an_answer_for_each_place_of_a_map_is_named() -> None:
    image = keras.Input((16, 16, 1))
    answer = layers.Dense(1, activation="sigmoid")(layers.Conv2D(4, 3)(image))
    with pytest.raises(DataError, match=r"an answer for each place of a map.*; pool the map"):
        find_head(keras.Model(image, answer))


def test_two_logits_are_accepted_with_the_softmax_that_their_refusal_asks_for() -> None:
    head = find_head(keras.Sequential([headed(layers.Dense(2)), layers.Softmax()]))
    assert (head.activation, head.classes) == ("softmax", 2)
