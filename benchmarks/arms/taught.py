"""The graph that a training of an arm fits, around a network that stays as it is exported.

Import it late: it loads Keras and TensorFlow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras

from arms.lessons import (
    AlikeInItsSource,
    Lesson,
    OtherSources,
    Outputs,
    OutsideLungs,
    Reversed,
    truth,
    truth_and_teachers,
)
from arms.mixing import Cutout, FourierMix, MixStyle
from arms.rows import TrainingRows
from edge_kit.models.recipe import Augmentation
from edge_kit.training.augment import Augment, draws_of
from edge_kit.training.fit import Trainer

_PROJECTED = (96, 32)  # units of the two layers above the features that views are compared by


class Taught(Trainer):
    """A training's graph with the lessons whose losses are summed.

    A `Trainer` steps as that of the kit does: with Keras's own steps the same losses are rounded
    otherwise, and `clinic` is not the network to the bit that `edge-kit train` makes.
    """

    lessons: tuple[Lesson, ...] = (truth,)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Return the sum of the lessons' losses."""
        del x, sample_weight, training
        return sum(lesson(y_pred, y) for lesson in self.lessons)


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    """A network cut behind its first two ReLUs, and before its dropout.

    `rest` and `whole` give the features and the answer.
    """

    first: keras.Model
    second: keras.Model
    rest: keras.Model
    whole: keras.Model
    features: keras.Model
    logit: keras.Model


def _parts(network: keras.Model) -> _Parts:
    """Return the parts, which share the layers of `network`."""
    (start,) = network.inputs
    low, middle, *_ = (
        layer.output for layer in network.layers if isinstance(layer, keras.layers.ReLU)
    )
    features = network.layers[-2].input
    ends = {"features": features, "answer": network.outputs[0]}
    first, second = keras.Model(start, low), keras.Model(low, middle)
    rest, whole = keras.Model(middle, ends), keras.Model(start, ends)
    logit = keras.Model(start, _logit(network, features))
    return _Parts(first, second, rest, whole, keras.Model(start, features), logit)


def _logit(network: keras.Model, features: Any) -> Any:
    """Return the last layer's answer to `features` before its sigmoid."""
    head = network.layers[-1]
    return keras.ops.matmul(features, head.kernel) + head.bias


def training_graph(
    network: keras.Model,
    augmentation: Augmentation,
    methods: Sequence[str],
    rows: TrainingRows,
    teachers: Sequence[keras.Model] = (),
) -> Taught:
    """Return what is fitted: augmented films through `network`, and what `methods` add to it."""
    parts = _parts(network)
    height, width, channels = network.input_shape[1:]
    given = keras.Input((height, width, channels + ("lungs" in methods)), dtype="uint8")
    draws = keras.Input((draws_of(augmentation),))
    films = Augment(augmentation)([given[..., :channels], draws])
    for method, layer in (("cutout", Cutout), ("fourier", FourierMix)):
        films = layer()(films) if method in methods else films
    outputs: Outputs = parts.whole(films)
    if "mixstyle" in methods:
        low = MixStyle()(parts.first(films))
        outputs = parts.rest(MixStyle()(parts.second(low)))
    taught: dict[str, Any] = {"answer": outputs["answer"]}
    lessons: list[Lesson] = [truth_and_teachers if teachers else truth]
    if teachers:
        answers = [
            _frozen(teacher, f"teacher_{number}")(films, training=False)
            for number, teacher in enumerate(teachers)
        ]
        taught["taught"] = keras.layers.Average()(answers)
    if "adversary" in methods:
        taught["source"] = keras.layers.Dense(len(rows.sources))(Reversed()(outputs["features"]))
        lessons.append(OtherSources(rows.positive_sources))
    if "lungs" in methods:
        taught |= {"films": films, "masks": _moved(given[..., channels:], draws, augmentation)}
        lessons.append(OutsideLungs(parts.logit))
    graph = Taught([given, draws], taught, name="taught")
    graph.lessons = tuple(lessons)
    return graph


def views_graph(network: keras.Model, augmentation: Augmentation) -> Taught:
    """Return what is fitted without labels: two views of each film, to be found alike."""
    parts, numbers = _parts(network), draws_of(augmentation)
    given = keras.Input(network.input_shape[1:], dtype="uint8")
    draws = keras.Input((2 * numbers,))
    augment = Augment(augmentation)
    views = [augment([given, part]) for part in (draws[:, :numbers], draws[:, numbers:])]
    features = parts.features(keras.ops.concatenate(views, axis=0))
    inner, outer = _PROJECTED
    projected = keras.layers.Dense(outer)(keras.layers.Dense(inner, "relu")(features))
    graph = Taught([given, draws], {"views": projected}, name="views")
    graph.lessons = (AlikeInItsSource(),)
    return graph


def _frozen(teacher: keras.Model, name: str) -> keras.Model:
    copy = keras.Model(teacher.inputs, teacher.outputs[0], name=name)
    copy.trainable = False
    return copy


def _moved(masks: Any, draws: Any, augmentation: Augmentation) -> Any:
    """Return `masks` moved as their films are, whose levels and marks are another matter."""
    placing = replace(augmentation, contrast=0.0, noise=0.0, blur=0.0, border=0.0, text=0.0)
    layer = Augment(placing)
    layer.name = "augment_masks"
    return layer([masks, draws[:, : draws_of(placing)]])
