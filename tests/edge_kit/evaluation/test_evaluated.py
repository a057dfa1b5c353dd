"""A run answers as its Keras model, a bundle as a clinic's classifier."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from edge_export.films.pixels import load_pixels
from edge_export.graph.network import load_model
from edge_kit.data.dataset import Dataset
from edge_kit.evaluation.evaluated import open_evaluated
from edge_kit.training.run import read_config
from edge_runtime import Classifier
from edge_runtime.bundle import open_bundle
from edge_runtime.errors import DataError, EdgeError, UsageError
from films import write_film
from tiny_bundle import write_tiny_bundle
from tiny_network import RECIPE


def test_a_run_answers_as_its_keras_model_does(trained: Path, dataset: Dataset) -> None:
    films = dataset.films[:6]
    subject = open_evaluated(trained)
    answer, film = load_model(trained / "model.keras").predict(
        load_pixels(films, RECIPE), verbose=0
    )
    passed = film[:, 0] >= read_config(trained).film_threshold
    replies = subject.classify([one.path for one in films])
    assert [reply.logit is not None for reply in replies] == passed.tolist()
    assert {reply.refusal for reply in replies if reply.logit is None} <= {"not_a_film"}
    found = [1 / (1 + np.exp(-one.logit)) for one in replies if one.logit is not None]
    assert found == pytest.approx(answer[passed, 0].tolist(), abs=1e-5)
    assert (subject.kind, subject.seed, subject.decision.threshold) == ("run", 3, 0.5)
    assert subject.known == {one.sha256: one.split for one in dataset.films}


def test_a_bundle_answers_as_a_clinic_s_classifier_does(bundle: Path, dataset: Dataset) -> None:
    paths = [film.path for film in dataset.films[:6]]
    subject = open_evaluated(bundle)
    with Classifier(bundle) as classifier:
        assert [one.logit for one in subject.classify(paths)] == [
            classifier.classify(path).logit for path in paths
        ]
    manifest = open_bundle(bundle).manifest
    assert subject.decision == manifest.decision
    assert subject.known == dict.fromkeys(manifest.quantization.films, "train")


@pytest.mark.parametrize("kind", ["run", "bundle"])
def test_pixels_are_answered_as_films_are_and_never_refused(
    kind: str, trained: Path, bundle: Path, dataset: Dataset
) -> None:
    subject, films = open_evaluated(trained if kind == "run" else bundle), dataset.films[:6]
    found = subject.predict(load_pixels(films, subject.preprocess))
    replies = subject.classify([film.path for film in films])
    answered = [number for number, one in enumerate(replies) if one.logit is not None]
    expected = [one.logit for one in replies if one.logit is not None]
    assert found.shape == (6,)
    assert found[answered].tolist() == pytest.approx(expected, abs=1e-5)
    assert np.isfinite(subject.predict(0 * load_pixels(films, subject.preprocess))).all()


@pytest.mark.parametrize("kind", ["run", "bundle"])
def test_a_film_that_is_refused_has_its_reason_and_the_others_an_answer(
    kind: str, trained: Path, tmp_path: Path
) -> None:
    films = [write_film(tmp_path / "film.png", 1), tmp_path / "black.png"]
    write_film(films[1], 2)
    from PIL import Image

    Image.new("L", (80, 80)).save(films[1])
    gated = write_tiny_bundle(tmp_path / "gated.edge")
    first, second = open_evaluated(trained if kind == "run" else gated).classify(films)
    assert second.logit is None
    assert second.refusal == "blank"
    assert first.logit is not None or first.refusal == "not_a_film"


def test_the_positive_class_may_have_another_name_but_not_the_negative_s(bundle: Path) -> None:
    subject = open_evaluated(bundle)
    assert subject.positive_among(None) == "covid"
    assert subject.positive_among("corona") == "corona"
    with pytest.raises(UsageError, match="--positive: 'NonCovid' is the model's negative class"):
        subject.positive_among("NonCovid")


def test_what_is_neither_is_one_line(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file or folder"):
        open_evaluated(tmp_path / "none")
    with pytest.raises(EdgeError):
        open_evaluated(Path(__file__))
    meddled = tmp_path / "run"
    shutil.copytree(trained, meddled)
    (meddled / "splits.csv").write_text("a,b\n", "utf-8")
    with pytest.raises(DataError, match="has no column 'sha256'"):
        open_evaluated(meddled)


def test_a_film_that_vanished_is_one_line(bundle: Path, trained: Path, tmp_path: Path) -> None:
    for path in (bundle, trained):
        with pytest.raises(EdgeError) as caught:
            open_evaluated(path).classify([tmp_path / "gone.png"])
        assert "gone.png" in str(caught.value)
