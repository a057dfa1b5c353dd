"""The film branch adds an output and leaves the classifier's answers as they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_export.films.phantom import phantom
from edge_export.films.pixels import Pixels
from edge_export.graph.head import FILM
from edge_export.graph.network import load_model
from edge_export.statistics.estimates import auc
from edge_kit.data.pixel_store import CachedPixels
from edge_kit.film_branch import branch as module
from edge_kit.film_branch.branch import film_branch, film_logits, fit_branch, join
from edge_kit.film_branch.kinds import KINDS
from edge_kit.film_branch.negatives import make_pictures
from edge_kit.models.studies import model3
from edge_kit.training.watch import predict
from edge_runtime.errors import DataError
from edge_runtime.film.intensity import normalise
from edge_runtime.film.preprocess import standard
from tiny_network import tiny_network

pytestmark = pytest.mark.usefixtures("tiny")
RECIPE = standard(64, 64)
NONE = np.empty((0, 64, 64, 1), np.uint8)


def films(first: int, count: int) -> Pixels:
    drawn = [phantom(seed, positive=False, size=(64, 64)) for seed in range(first, first + count)]
    return np.stack([np.asarray(normalise(one, "", RECIPE)) for one in drawn])[..., None]


def some_pixels(*shape: int) -> Pixels:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("shape", [(64, 64, 1), (64, 300, 1), (96, 80, 3), (224, 224, 3)])
def test_it_takes_grey_levels_of_any_size_and_gives_a_logit(shape: tuple[int, int, int]) -> None:
    branch = film_branch(*shape)
    logits = branch.predict_on_batch(some_pixels(2, *shape))
    assert logits.shape == (2, 1)
    assert np.isfinite(logits).all()
    assert branch.layers[-1].activation.__name__ == "linear"
    pooled = branch.get_layer("film_pool").output.shape[1:3]
    assert all(56 <= side < 112 for side in pooled)


def multiplications(model: object) -> int:
    """Return how many multiplications a film takes, convolutions and dense layers alone."""
    layers = [one for one in model.layers if one.weights]  # type: ignore[attr-defined]
    return sum(
        int(np.prod(one.kernel.shape)) * int(np.prod(one.output.shape[1:-1])) for one in layers
    )


def test_it_costs_a_hundredth_of_model_3() -> None:
    branch, classifier = film_branch(224, 224, 1), model3(224, 224, 1)
    assert multiplications(branch) < 0.01 * multiplications(classifier)
    assert branch.count_params() < 40_000


def test_joined_the_classifier_answers_as_before_and_the_film_logit_comes_second(
    tmp_path: Path,
) -> None:
    classifier, branch = tiny_network(), film_branch(64, 64, 1)
    pixels = some_pixels(3, 64, 64, 1)
    answer, film = predict(classifier, pixels), film_logits(branch, pixels)
    joined = join(classifier, branch)
    assert joined.name == classifier.name
    assert joined.layers[-1].name == FILM
    file = tmp_path / "model.keras"
    joined.save(file)
    for model in (joined, load_model(file)):
        first, second = model.predict_on_batch(pixels)
        assert (first[:, 0] == answer).all()
        assert (second[:, 0] == film).all()
        assert (predict(model, pixels) == answer).all()


@pytest.fixture(scope="module")
def fitted() -> list[np.ndarray]:
    """Return the weights of a branch that has seen two dozen phantoms."""
    weights: list[np.ndarray] = fit_branch(films(0, 24), NONE, RECIPE, 3).get_weights()
    return weights


def test_it_tells_films_of_others_from_what_is_made_of_them(fitted: list[np.ndarray]) -> None:
    branch = film_branch(64, 64, 1)
    branch.set_weights(fitted)
    unseen = films(100, 4 * len(KINDS))
    negatives = make_pictures(unseen, [*KINDS.values()] * 4, RECIPE, 0)
    logits = film_logits(branch, np.concatenate([unseen, negatives]))
    assert auc(np.arange(len(logits)) < len(unseen), logits).value > 0.8


def test_the_same_seed_gives_the_same_weights_whatever_was_drawn_before(
    fitted: list[np.ndarray],
) -> None:
    import keras

    keras.utils.set_random_seed(99)
    again = fit_branch(films(0, 24), NONE, RECIPE, 3).get_weights()
    assert all((one == other).all() for one, other in zip(again, fitted, strict=True))


def test_of_very_many_films_each_round_draws_others(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[int]] = []

    def noted(films: Pixels, others: Pixels, *_: object) -> tuple[Pixels, np.ndarray, str]:
        seen.append(films[:, 0, 0, 0].tolist())
        assert len(others) == 5
        return films, np.arange(len(films)) % 2.0, ""

    monkeypatch.setattr("edge_kit.film_branch.branch._MOST", 5)
    monkeypatch.setattr("edge_kit.film_branch.branch._round", noted)
    numbered = (
        np.zeros((9, 64, 64, 1), np.uint8) + np.arange(9, dtype=np.uint8)[:, None, None, None]
    )
    cached = CachedPixels(numbered, np.arange(9))
    fit_branch(cached, numbered[:6], RECIPE, 3)
    assert all(len(set(one)) == 5 for one in seen)
    assert len(set(map(tuple, seen))) > 1
    assert len(set().union(*seen)) > 5


def test_films_of_another_modality_are_learnt_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ROUNDS", 1)
    seen: list[tuple[int, int]] = []

    def note(pixels: Pixels, *_: object) -> Pixels:
        seen.append((len(pixels), int((pixels == 255).all((1, 2, 3)).sum())))
        return pixels

    monkeypatch.setattr(module, "make_pictures", note)
    white = np.full((7, 64, 64, 1), 255, np.uint8)
    fit_branch(films(0, 4), white, RECIPE, 0)
    assert seen == [(5 * 4 + 7, 7)]


def test_a_loss_that_is_not_finite_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LEARNING_RATE", float("inf"))
    with pytest.raises(
        DataError, match="check: the loss of its branch is not finite; train with another"
    ):
        fit_branch(films(0, 4), NONE, RECIPE, 0)


def test_each_round_is_shown_with_its_negatives_by_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ROUNDS", 2)
    said: list[str] = []
    fit_branch(films(0, 4), films(4, 6), RECIPE, 0, say=said.append)
    assert said[0] == (
        "film branch: learns 4 films, each in 2 poses a round, and to refuse 12 negatives made of "
        "them, and 6 films of another modality"
    )
    assert len(said) == 3
    for number, line in enumerate(said[1:], 1):
        assert line.startswith(f"film branch, round {number}/2: AUC ")
        counts = [int(part.split()[-1]) for part in line.partition("negatives ")[2].split(", ")]
        assert (len(counts), sum(counts)) == (len(KINDS), 12)
