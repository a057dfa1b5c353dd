"""Labelled films that are nowhere, and models that answer for them by a law."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from edge_export.films.film import Film, Split
from edge_kit.data.film_folders import film_folders
from edge_kit.evaluation.evaluated import EvaluatedModel, FilmOutcome
from edge_kit.evaluation.films import LabelledFilms
from edge_runtime.bundle.records import Calibration, Decision, Uncertain


def decided(low: float = 0.5, high: float = 0.5) -> Decision:
    """Return a decision at one half, with a band or without."""
    return Decision(
        calibration=Calibration(method="none", scale=1.0, offset=0.0),
        threshold=0.5,
        uncertain=Uncertain(low=low, high=high),
        chosen=None,
    )


def drawn(cases: int, controls: int, split: Split | None = None, begin: int = 0) -> LabelledFilms:
    """Return films that are nowhere, each of a patient of its own."""
    labels = ["covid"] * cases + ["noncovid"] * controls
    names = [f"{split}-{begin + number}" for number in range(len(labels))]
    films = tuple(
        Film(Path(name), label, split or "test", name, hashlib.sha256(name.encode()).hexdigest())
        for name, label in zip(names, labels, strict=True)
    )
    return LabelledFilms(
        folders=film_folders([Path()]),
        films=films,
        splits=(split,) * len(films),
        attributes=({},) * len(films),
        negative="noncovid",
        positive="covid",
        classes={},
        warnings=(),
        skipped=(),
    )


def both(first: LabelledFilms, second: LabelledFilms) -> LabelledFilms:
    return replace(
        first,
        films=first.films + second.films,
        splits=first.splits + second.splits,
        attributes=first.attributes + second.attributes,
    )


def answering(
    subject: EvaluatedModel, labelled: LabelledFilms, shift: float, seed: int = 0
) -> EvaluatedModel:
    """Return a model whose logits are logistic about plus `shift` for covid, and minus it else."""
    rng = np.random.default_rng(seed)
    logits = {
        film.path: float(rng.logistic(shift if film.label == "covid" else -shift))
        for film in labelled.films
    }
    return replace(
        subject,
        decision=decided(),
        classify=lambda paths: [FilmOutcome(logits[path]) for path in paths],
    )
