from __future__ import annotations

import pytest

from edge_kit.models.registry import MODELS
from edge_kit.models.studies import model3

pytestmark = pytest.mark.usefixtures("tiny")

# The study's network, layer by layer: name, output shape without the batch, parameters.
LAYERS = [
    ("Rescaling", (224, 224, 1), 0),
    ("Conv2D", (222, 222, 32), 3 * 3 * 1 * 32 + 32),
    ("MaxPooling2D", (111, 111, 32), 0),
    ("Conv2D", (109, 109, 32), 3 * 3 * 32 * 32 + 32),
    ("MaxPooling2D", (54, 54, 32), 0),
    ("Conv2D", (52, 52, 64), 3 * 3 * 32 * 64 + 64),
    ("MaxPooling2D", (26, 26, 64), 0),
    ("Conv2D", (24, 24, 64), 3 * 3 * 64 * 64 + 64),
    ("MaxPooling2D", (12, 12, 64), 0),
    ("Flatten", (9216,), 0),
    ("Dense", (256,), 9216 * 256 + 256),
    ("Dense", (256,), 256 * 256 + 256),
    ("Dense", (1,), 256 + 1),
]


def test_model_3_is_the_study_s_layer_by_layer() -> None:
    model = model3(224, 224, 1)
    found = [(type(one).__name__, one.output.shape[1:], one.count_params()) for one in model.layers]
    assert found == LAYERS
    assert model.count_params() == 2_490_593


def test_every_layer_but_the_last_is_rectified() -> None:
    layers = [one for one in model3(224, 224, 1).layers if hasattr(one, "activation")]
    assert [one.activation.__name__ for one in layers] == ["relu"] * 6 + ["sigmoid"]


@pytest.mark.parametrize("channels", [1, 3])
def test_it_takes_grey_levels_of_any_size_and_gives_a_probability(channels: int) -> None:
    import numpy as np

    model = MODELS["model3"].build(96, 80, channels)
    films = np.random.default_rng(0).integers(0, 256, (2, 96, 80, channels), dtype=np.uint8)
    answer = model.predict_on_batch(films)
    assert answer.shape == (2, 1)
    assert ((answer > 0) & (answer < 1)).all()
