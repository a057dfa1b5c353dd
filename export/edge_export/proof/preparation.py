"""Are films prepared as the model's author did? By accuracies, by predictions, by other ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from edge_export.films.film import Film
from edge_export.films.pixels import FilmPixels, PixelReader
from edge_export.graph.artefact import Floats
from edge_export.graph.input_transform import CAFFE, TORCH, ChannelTransform, InputTransform
from edge_export.graph.network import InputRange, network
from edge_export.proof.faults import (
    Fault,
    accuracy_faults,
    expected_accuracy_faults,
    transform_faults,
)
from edge_export.proof.parity import REFERENCE
from edge_export.proof.predictions import (
    Predictions,
    PredictionsCheck,
    closest,
    compare_predictions,
    prediction_faults,
    stretch_of,
)
from edge_export.proof.reference import HeldOut, reference_outputs
from edge_export.statistics.estimates import Estimate, auc, proportion
from edge_runtime.bundle.records import Preprocess

if TYPE_CHECKING:
    import keras

_KNOWN: Mapping[str, InputTransform] = {
    "--input-range 0,255": InputRange(0, 255),
    "--input-range 0,1": InputRange(0, 1),
    "--preprocessing tf": InputRange(-1, 1),
    CAFFE.option: CAFFE,
    TORCH.option: TORCH,
}
"""Customary ways of Keras models; tried where the given one seems to be wrong."""


@dataclass(frozen=True, slots=True)
class Expectations:
    """What the author of a model says that it answers; None where nothing is said.

    The `accuracy` is on the test films, at a probability of one half, before any calibration;
    `predictions` are film by film.
    """

    accuracy: float | None = None
    predictions: Predictions | None = None


@dataclass(frozen=True, slots=True)
class Preparation:
    """How films are prepared, and what was expected of the answers.

    `ordered` is as a command line orders it, `words` what that means. `accuracy` is the measured
    one, beside the `expected_accuracy`.
    """

    ordered: str
    words: str
    expected_accuracy: float | None = None
    accuracy: Estimate | None = None
    predictions: PredictionsCheck | None = None

    def lines(self) -> list[str]:
        """Return what is known of the preparation, a sentence each."""
        lines = [f"films are {self.words}"]
        if self.expected_accuracy is not None:
            lines.append(
                f"the accuracy on the test films, of the model's own answers at one half, is "
                f"{self.accuracy}; its author reports {self.expected_accuracy:g}"
            )
        return lines + ([] if self.predictions is None else [str(self.predictions)])


@dataclass(frozen=True, slots=True)
class PreparedModel:
    """A `model` with all its `films`, and the way in which they are prepared for it."""

    model: keras.Model
    films: Sequence[Film]
    transform: InputTransform
    preprocess: Preprocess
    reader: PixelReader

    def probabilities(self, transform: InputTransform, pixels: FilmPixels) -> Floats:
        """Return the model's own probabilities `(n,)`, without any calibration."""
        return np.asarray(expit(self.logits(transform, pixels)))

    def logits(self, transform: InputTransform, pixels: FilmPixels) -> Floats:
        """Return the model's logits `(n,)` for pixels that `transform` turns into its input."""
        return reference_outputs(network(self.model, transform), pixels)[:, 0]

    def words(self) -> str:
        """Return in words how a film becomes what the model takes."""
        stretch = stretch_of(self.preprocess)
        levels = "grey levels left as they are"
        if stretch is not None:
            levels = "percentiles {:g} and {:g} stretched to 0 and 255".format(*stretch)
        return f"resized by {self.preprocess.resample}, {levels}; then {self.transform.words}"

    def others(self) -> dict[str, InputTransform]:
        """Return the customary ways but the one that is used, by their options."""
        channels = self.model.input_shape[-1]
        known = {
            option: transform
            for option, transform in _KNOWN.items()
            if not isinstance(transform, ChannelTransform) or len(transform.scale) == channels
        }
        if self.preprocess.channels < channels:
            known = {option: _of_grey(known[option], channels) for option in known}
        used = self.transform.words
        return {option: other for option, other in known.items() if other.words != used}


def _of_grey(transform: InputTransform, channels: int) -> InputTransform:
    """Return `transform` for a model that is shown one channel of grey in all of its own."""
    if isinstance(transform, ChannelTransform):
        return transform.of_grey()
    black, white = transform.images(np.array([0, 255], np.uint8).reshape(2, 1, 1, 1)).ravel()
    scale, offset = (float(white) - float(black)) / 255, float(black)
    return ChannelTransform(transform.option, "grey", (scale,) * channels, (offset,) * channels)


def examine_preparation(
    prepared: PreparedModel,
    held_out: HeldOut,
    logits: Floats,
    expected: Expectations,
    *,
    recorded: float | None,
    say: Callable[[str], None],
) -> tuple[list[Fault], Preparation | None]:
    """Return what speaks against the way in which films are prepared, and what was compared.

    `logits` `(n,)` are those of `held_out`. A run is compared with the accuracy that it `recorded`.
    Other models are compared with their author's predictions, which tell most; without them, with
    what they answer to films that are prepared in other customary ways.
    """
    accuracy, check = _accuracy(held_out, logits), None
    faults, others = list[Fault](), dict[str, Floats]()
    if recorded is not None:
        faults += accuracy_faults(REFERENCE, accuracy, recorded)
    if expected.predictions is not None:
        check, differences = _predictions(prepared, expected.predictions, say)
        faults += differences
    elif recorded is None:
        others = {
            option: prepared.logits(other, held_out.pixels)
            for option, other in prepared.others().items()
        }
        faults += _range_faults(prepared.transform.option, held_out, logits, others)
    if expected.accuracy is not None and not faults:  # one cure is enough
        by_other = {option: _accuracy(held_out, answers) for option, answers in others.items()}
        faults += expected_accuracy_faults(REFERENCE, accuracy, expected.accuracy, by_other)
    if expected == Expectations() and isinstance(prepared.transform, InputRange):
        return faults, None
    measured = None if expected.accuracy is None else accuracy
    ordered = prepared.transform.option
    return faults, Preparation(ordered, prepared.words(), expected.accuracy, measured, check)


def _accuracy(held_out: HeldOut, logits: Floats) -> Estimate:
    """Return the accuracy on the test films, at the model's own probability of one half."""
    test = np.array(held_out.splits) == "test"
    right = (logits[test] >= 0) == held_out.positive[test]
    return proportion(int(right.sum()), int(test.sum()))


def _range_faults(
    used: str, held_out: HeldOut, logits: Floats, others: Mapping[str, Floats]
) -> list[Fault]:
    # With either sign, because a wrong order of the classes is a fault of its own.
    areas = {
        option: max(
            (auc(held_out.positive, sign * answers) for sign in (1, -1)),
            key=lambda area: area.value,
        )
        for option, answers in {used: logits, **others}.items()
    }
    return transform_faults(REFERENCE, used, areas)


def _predictions(
    prepared: PreparedModel, expected: Predictions, say: Callable[[str], None]
) -> tuple[PredictionsCheck, list[Fault]]:
    """Compare with the author's predictions; where they differ, look for the way that agrees."""
    films = [film for film in prepared.films if film.sha256 in expected.probability]
    pixels = prepared.reader.read(films, prepared.preprocess)
    check = compare_predictions(films, prepared.probabilities(prepared.transform, pixels), expected)
    if check.agrees:
        return check, []
    ways = {prepared.transform.option: prepared.transform, **prepared.others()}
    say(f"{check}; trying {len(ways)} preprocessings with other ways to resize and to stretch")
    found = closest(
        check.chosen(films), prepared.preprocess, ways, prepared.probabilities, expected
    )
    return check, prediction_faults(REFERENCE, check, prepared.preprocess, found)
