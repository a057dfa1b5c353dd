"""A training says where its network finds no film of a class, or was better in an earlier epoch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge_export.films.film import Split
from edge_export.statistics.estimates import Metrics, evaluate
from edge_kit.models.recipe import Keep
from edge_kit.training.shortfalls import kept_line, of_kept_epoch, one_class
from edge_kit.training.stopping import kept_epoch

POSITIVE = np.arange(40) % 2 == 0
ZERO, ONE = np.zeros(40), np.ones(40)


def figures(score: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Metrics:
    return evaluate(POSITIVE, score, threshold=0.5)


FAIR = figures(np.where(np.arange(40) % 5 == 0, 1 - POSITIVE, POSITIVE).astype(float))


@pytest.mark.parametrize(
    ("val", "test", "told"),
    [
        (FAIR, FAIR, []),
        (figures(ZERO), FAIR, ["val: the network calls every film noncovid: sensitivity is 0"]),
        (FAIR, figures(ONE), ["test: the network calls every film covid: specificity is 0, n 20"]),
        (
            figures(1.0 - POSITIVE),
            FAIR,
            [
                "val: the network calls every covid film noncovid: sensitivity is 0, n 20",
                "val: the network calls every noncovid film covid: specificity is 0, n 20",
            ],
        ),
    ],
)
def test_a_class_that_is_never_found_is_said_by_split(
    val: Metrics, test: Metrics, told: list[str]
) -> None:
    lines = one_class({"val": val, "test": test}, "noncovid", "covid")
    assert len(lines) == len(told)
    assert all(line.startswith(start) for line, start in zip(lines, told, strict=True))


@pytest.mark.parametrize(("found", "told"), [(1, True), (3, True), (4, False), (20, False)])
def test_a_class_that_is_hardly_ever_found_is_counted(found: int, told: bool) -> None:
    positive = np.arange(80) % 2 == 0
    score = np.where(positive & (np.arange(80) >= 2 * found), 0.0, positive.astype(float))
    metrics = evaluate(positive, score, threshold=0.5)
    share = metrics.sensitivity
    line = f"val: the network calls {40 - found} of 40 covid films noncovid: sensitivity is {share}"
    assert one_class({"val": metrics, "test": FAIR}, "noncovid", "covid") == [line] * told
    other = evaluate(~positive, 1 - score, threshold=0.5)
    line = f"test: the network calls {40 - found} of 40 noncovid films covid: specificity is "
    lines = one_class({"val": FAIR, "test": other}, "noncovid", "covid")
    assert [said.startswith(line) for said in lines] == [True] * told


def history(*areas: float, losses: tuple[float, ...]) -> dict[str, list[float]]:
    named = {"loss": losses, "val_loss": losses, "val_auc": areas, "val_accuracy": areas}
    return {name: list(values) for name, values in named.items()}


def test_a_last_epoch_far_below_the_best_is_said_with_how_to_keep_the_best() -> None:
    value = FAIR.auc.value
    metrics: dict[Split, Metrics] = {"val": FAIR, "test": FAIR}
    near = history(value + 0.01, value, losses=(0.3, 0.5))
    assert of_kept_epoch(near, metrics, "last") == []
    far = history(0.6, 1.0, value, losses=(0.9, 0.3, 0.5))
    area, accuracy = of_kept_epoch(far, metrics, "last")
    assert area == (
        "the epoch that is kept, 3 of 3, is far below the best on the validation films: "
        f"AUC {FAIR.auc}, 1.000 after epoch 2; "
        "--keep best keeps the one with the lowest loss on these films, 2"
    )
    assert f"accuracy {FAIR.accuracy}, 1.000 after epoch 2" in accuracy
    lowest = history(0.6, 1.0, value, losses=(0.9, 0.5, 0.3))
    assert of_kept_epoch(lowest, metrics, "last")[0].endswith(
        "; it has the lowest loss on these films, so that --keep best keeps it too"
    )
    narrow = replace(FAIR, auc=replace(FAIR.auc, high=value), accuracy=FAIR.auc)
    assert of_kept_epoch(near, {"val": narrow, "test": FAIR}, "last") == []
    chosen, told, *_ = of_kept_epoch(far, metrics, "best")
    assert chosen.startswith("the validation films chose the epoch that is kept: ")
    assert told.endswith("; kept is the one with the lowest loss on these films, 2")


@pytest.mark.parametrize(
    ("keep", "losses", "epoch", "line"),
    [
        ("last", (0.5, 0.3), 2, "kept: epoch 2 of 2, the last"),
        ("last", (0.3, 0.3), 2, "kept: epoch 2 of 2, the last; --keep best keeps epoch 1, with"),
        ("best", (0.5, 0.3, 0.3), 2, "kept: epoch 2 of 3, with the lowest loss on the validation"),
    ],
)
def test_the_kept_epoch_is_the_last_or_the_first_of_the_lowest_validation_loss(
    keep: Keep, losses: tuple[float, ...], epoch: int, line: str
) -> None:
    assert kept_epoch(losses, keep) == epoch
    assert kept_line(history(*losses, losses=losses), keep).startswith(line)
