"""The author's own predictions, film by film, beside those of the model as it is exported."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edge_export.films.film import Film
from edge_export.films.pixels import Decoder, Pixels
from edge_export.graph.artefact import Floats
from edge_export.graph.input_transform import InputTransform
from edge_export.proof.faults import Fault
from edge_runtime.bundle.records import FILTERS, UNSTRETCHED, Preprocess

TOLERANCE = 0.02
"""By how much a probability may differ from the author's: other decoders round a grey level."""
_ONE_HALF = 0.5
_TRIED_ON = 12  # films; one is enough to tell most ways apart, and each costs a decoding
_STRETCHES = ((1.0, 99.0), (0.0, 100.0), None)


@dataclass(frozen=True, slots=True)
class Predictions:
    """The author's probabilities of the positive class by film, named by SHA-256.

    `missing` predictions are of films that are not there. Each may differ by `tolerance`.
    """

    probability: Mapping[str, float]
    missing: int = 0
    tolerance: float = TOLERANCE


@dataclass(frozen=True, slots=True)
class PredictionsCheck:
    """How far `n` probabilities of the model are from its author's, before any calibration.

    `beyond` of them differ by more than `tolerance`, most of all that of the film `worst`, a
    SHA-256; `flips` fall on the other side of one half. `missing` predictions were of other films.
    `exchanged` tells that they agree with those of the other class.
    """

    n: int
    missing: int
    tolerance: float
    largest_difference: float
    mean_difference: float
    beyond: int
    flips: int
    worst: str
    exchanged: bool

    @property
    def agrees(self) -> bool:
        """Whether no probability differs by more than the tolerance."""
        return self.beyond == 0

    def __str__(self) -> str:
        rows = "" if not self.missing else f"; {self.missing} more are of films that are not here"
        return (
            f"the author's predictions for {self.n} films differ by up to "
            f"{self.largest_difference:.4f} (film {self.worst[:12]}), {self.beyond} by more than "
            f"{self.tolerance:g}, {self.flips} on the other side of one half{rows}"
        )

    def chosen(self, films: Sequence[Film]) -> list[Film]:
        """Return the film that differs most and some others, on which to try other ways."""
        step = max(1, len(films) // (_TRIED_ON - 1))
        worst = next(film for film in films if film.sha256 == self.worst)
        return [worst, *(film for film in films[::step] if film is not worst)][:_TRIED_ON]


@dataclass(frozen=True, slots=True)
class Way:
    """A way to prepare films: its option, filter and stretched percentiles, and what it differs by.

    `stretch` is None where grey levels stay what they are. `exchanged` tells that it differs by so
    much from the author's probabilities of the other class.
    """

    option: str
    resample: str
    stretch: tuple[float, float] | None
    largest_difference: float
    exchanged: bool = False

    def order(self, used: Preprocess) -> str:
        """Return how a command line orders it: by its option, or by a file that states more."""
        more = []
        if self.resample != used.resample:
            more.append(f'resample = "{self.resample}"')
        if self.stretch != stretch_of(used):
            stretch = "false" if self.stretch is None else "[{:g}, {:g}]".format(*self.stretch)
            more.append(f"stretch = {stretch}")
        option, _, value = self.option.partition(" ")
        if not more or value.endswith(".toml"):
            return " and ".join([self.option, *more])
        short = f"input_range = [{value}]" if option == "--input-range" else f'preset = "{value}"'
        return f"--preprocessing FILE.toml with {', '.join([short, *more])}"


def compare_predictions(
    films: Sequence[Film], probability: Floats, expected: Predictions
) -> PredictionsCheck:
    """Return how the model's probabilities `(n,)` of `films` differ from those `expected`.

    Raises:
        ValueError: there are no films.
    """
    author = _of(films, expected)
    difference = np.abs(probability - author)
    turned = np.abs(probability - (1 - author))
    return PredictionsCheck(
        n=len(films),
        missing=expected.missing,
        tolerance=expected.tolerance,
        largest_difference=float(difference.max()),
        mean_difference=float(difference.mean()),
        beyond=int((difference > expected.tolerance).sum()),
        flips=int(((probability >= _ONE_HALF) != (author >= _ONE_HALF)).sum()),
        worst=films[int(difference.argmax())].sha256,
        exchanged=bool(turned.max() <= expected.tolerance < difference.max()),
    )


def closest(
    films: Sequence[Film],
    used: Preprocess,
    transforms: Mapping[str, InputTransform],
    answer: Callable[[InputTransform, Pixels], Floats],
    expected: Predictions,
) -> Way:
    """Return the way to prepare `films` whose predictions are closest to those `expected`.

    Every filter and stretch is tried with each of `transforms`, named by option; `answer` gives the
    model's probabilities. Of equally close ones the first is taken: what differs least from `used`.
    That the author's probabilities are of the other class is assumed only where no way agrees.
    """
    author, read = _of(films, expected), Decoder().pixels
    variants = {
        (resample, stretch): read(films, _prepared(used, resample, stretch))
        for resample in dict.fromkeys((used.resample, *FILTERS))
        for stretch in dict.fromkeys((stretch_of(used), *_STRETCHES))
    }
    stacked = np.concatenate(list(variants.values()))
    ways: dict[bool, list[Way]] = {False: [], True: []}
    for option, transform in transforms.items():
        answers = answer(transform, stacked).reshape(len(variants), len(films))
        for exchanged, told in ((False, author), (True, 1 - author)):
            apart = np.abs(answers - told).max(axis=1)
            ways[exchanged] += [
                Way(option, resample, stretch, float(largest), exchanged)
                for (resample, stretch), largest in zip(variants, apart, strict=True)
            ]
    best, other = (
        min(of, key=lambda way: round(way.largest_difference, 4)) for of in ways.values()
    )
    if best.largest_difference <= expected.tolerance:
        return best
    return min(best, other, key=lambda way: round(way.largest_difference, 4))


def stretch_of(preprocess: Preprocess) -> tuple[float, float] | None:
    """Return the percentiles that are stretched; None where grey levels stay what they are."""
    if preprocess.stretch == UNSTRETCHED:
        return None
    return preprocess.low_percentile, preprocess.high_percentile


def _prepared(used: Preprocess, resample: str, stretch: tuple[float, float] | None) -> Preprocess:
    fields = used.to_json() | {"resample": resample}
    if stretch is None:
        return Preprocess(**fields | {"stretch": UNSTRETCHED})
    if used.stretch == UNSTRETCHED:
        fields.pop("stretch")
    low, high = stretch
    return Preprocess(**fields | {"low_percentile": low, "high_percentile": high})


def _of(films: Sequence[Film], expected: Predictions) -> Floats:
    return np.array([expected.probability[film.sha256] for film in films])


def prediction_faults(
    subject: str, check: PredictionsCheck, used: Preprocess, found: Way
) -> list[Fault]:
    """Return `preprocessing` where predictions differ, with the way that is closest, if any is."""
    if check.agrees:
        return []
    cure = "no known way agrees: state what its author did in a --preprocessing FILE.toml"
    if check.exchanged:
        cure = "these are probabilities of the other class: give those of the positive one"
    elif found.largest_difference <= check.tolerance:
        turned = "probabilities of the positive class, for these are of the other, and "
        given = turned * found.exchanged + found.order(used)
        cure = f"give {given}: it differs by up to {found.largest_difference:.4f}"
    elif found.largest_difference < check.largest_difference / 2:
        nearest = f"{found.order(used)}, by up to {found.largest_difference:.4f}"
        cure += f"; the closest differs still: {nearest}"
        if found.exchanged:
            cure += ", if these are probabilities of the other class"
    return [Fault("preprocessing", f"{subject}: preprocessing: {check}; {cure}")]
