from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge_export.pixels import load_pixels
from edge_kit.audit.subject import open_subject
from edge_kit.data.dataset import Dataset
from edge_runtime import Classifier
from edge_runtime.errors import DataError, NotABundle

BUNDLE = Path(__file__).parents[3] / "models" / "model3-xray-0.1.0.edge"


def test_a_run_answers_as_its_model_does(trained: Path, dataset: Dataset) -> None:
    from edge_export.graph.network import load_model

    films = dataset.films[:3]
    with open_subject(trained) as subject:
        pixels = load_pixels(films, subject.recipe)
        found = subject.predict(pixels)
    answers = load_model(trained / "model.keras").predict(pixels, verbose=0)[0][:, 0]
    np.testing.assert_allclose(found, answers, rtol=1e-6)
    assert (subject.positive, subject.seed, subject.modality) == ("covid", 3, "xray")


def test_the_films_of_a_run_are_dealt_as_it_dealt_them(trained: Path, dataset: Dataset) -> None:
    films = tuple(replace(film, split="train") for film in dataset.films)
    with open_subject(trained / "model.keras") as subject:
        assert subject.dealt(films) == dataset.films
        foreign = tuple(replace(film, sha256="f" * 64) for film in films[:2])
        assert subject.dealt(foreign) == foreign
        with pytest.raises(DataError, match="not in the split table"):
            subject.dealt((*films, *foreign))


def test_a_bundle_answers_as_in_the_clinic(dataset: Dataset) -> None:
    film = dataset.films[0]
    with open_subject(BUNDLE) as subject, Classifier(BUNDLE) as classifier:
        pixels = load_pixels([film], subject.recipe)
        assert subject.predict(pixels).shape == (1,)
        answer = classifier.classify(film.path)
        if answer.logit is not None:
            assert subject.predict(pixels)[0] == answer.logit
        assert subject.dealt((film,)) == (film,)


def test_what_is_neither_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotABundle), open_subject(tmp_path):
        pass
