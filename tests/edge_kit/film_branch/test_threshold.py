"""The threshold of the film branch refuses a hundredth of the films at most."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_export.films.pixels import Pixels
from edge_export.statistics.estimates import proportion
from edge_kit.film_branch.kinds import KINDS
from edge_kit.film_branch.threshold import (
    ENOUGH,
    MARGIN,
    WEAK,
    Refused,
    film_threshold,
    measure,
    weak,
)
from edge_runtime.film.preprocess import standard


@pytest.mark.parametrize(
    ("films", "refused"), [(1, 0), (46, 0), (99, 0), (100, 1), (174, 1), (200, 2), (1000, 10)]
)
def test_the_threshold_refuses_a_hundredth_of_the_films_at_most_and_no_other_by_a_margin(
    films: int, refused: int
) -> None:
    logits = np.random.default_rng(0).permutation(np.linspace(-900, -1, films))
    threshold = film_threshold(logits)
    for other in (threshold, threshold + MARGIN - 0.01):
        assert (logits < other).sum() == refused
    assert (logits < threshold + MARGIN + 0.01).sum() == refused + 1


def test_the_threshold_is_never_above_where_the_branch_is_undecided() -> None:
    assert film_threshold(np.full(50, 8.0)) == 0
    assert film_threshold(np.full(50, -1.0)) == -1 - MARGIN


def test_what_is_refused_is_counted_by_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    def white(branch: object, pixels: Pixels) -> NDArray[np.float64]:
        del branch
        logit: NDArray[np.float64] = pixels.mean((1, 2, 3)) - 128.0
        return logit

    monkeypatch.setattr("edge_kit.film_branch.threshold.film_logits", white)
    films = np.zeros((5, 64, 64, 1), np.uint8)
    films[:, :48] = 255  # three quarters white: inverted, three quarters black
    branch: Any = None
    given = {"preprocess": standard(64, 64), "seed": 0}
    found = measure(branch, 0.0, films, films[:0], **given)  # type: ignore[arg-type]
    assert found.negatives.keys() == KINDS.keys()
    assert (found.films.value, found.films.n) == (0, 5)
    assert found.negatives["inverted"].value == 1
    assert found.negatives["lying"].value == 0
    with_others = measure(branch, 0.0, films, 255 - films[:2], **given)  # type: ignore[arg-type]
    assert with_others.negatives["other_modality"] == proportion(2, 2)


def test_the_line_names_the_kind_that_gets_through_most() -> None:
    kinds = {"inverted": proportion(8, 10), "page": proportion(10, 10)}
    line = str(Refused(proportion(1, 50), kinds))
    assert line == (
        "2.0% of 50 films and 90.0% of 20 pictures that are none (worst: inverted, 80.0%)"
    )


@pytest.mark.parametrize(
    ("modality", "refused", "said"), [("other", 89, 1), ("other", 90, 0), ("xray", 10, 0)]
)
def test_a_check_that_lets_drawn_pictures_through_says_so(
    modality: str, refused: int, said: int
) -> None:
    assert ENOUGH == 0.9
    kinds = {"page": proportion(refused, 100)}
    lines = weak(Refused(proportion(0, 20), kinds), modality)
    assert len(lines) == said
    for line in lines:
        assert line.startswith(f"{WEAK} 0.890 (")
        assert "n 100" in line
        assert line.endswith("--no-film-gate leaves it out")
