"""Every film gets an answer, and what cannot be judged gets no number."""

from __future__ import annotations

import math
import weakref
from pathlib import Path

import pytest
from PIL import Image

from edge_runtime.answer.classify import classify
from edge_runtime.answer.decide import sigmoid
from edge_runtime.bundle import Bundle
from edge_runtime.bundle.records import Calibration, Decision, Uncertain
from edge_runtime.engines import EngineUnavailable
from edge_runtime.errors import FilmError, Refusal


class FakeEngine:
    """Answers what the test wants."""

    name = "litert"

    def __init__(self, *logits: float) -> None:
        self._logits = logits

    def logits(self, pixels: bytes) -> tuple[float, ...]:
        assert len(pixels) == 64 * 64
        if not self._logits:
            raise EngineUnavailable("LiteRtRunCompiledModel returned status 3")
        return self._logits

    def close(self) -> None: ...


def test_a_judged_film_has_every_number_and_no_error(film: Path, bundle: Bundle) -> None:
    answer = classify(str(film), bundle, FakeEngine(2.0))
    assert (answer.status, answer.label, answer.error) == ("ok", "covid", None)
    assert (answer.logit, answer.probability) == (2.0, sigmoid(2.0))
    assert answer.milliseconds > 0


@pytest.mark.parametrize("logit", [math.nan, math.inf, -math.inf])
def test_a_logit_that_is_no_number_is_never_an_answer(
    film: Path, bundle: Bundle, logit: float
) -> None:
    answer = classify(str(film), bundle, FakeEngine(logit))
    assert answer.status == "error"
    assert (answer.label, answer.probability, answer.logit) == (None, None, None)
    assert type(answer.error) is FilmError
    assert "edge-run check" in answer.error.cure


def test_an_engine_that_fails_is_an_answer_without_numbers(film: Path, bundle: Bundle) -> None:
    answer = classify(str(film), bundle, FakeEngine())
    assert (answer.status, answer.logit) == ("error", None)
    assert "--engine" in str(answer.error)


def test_a_graph_without_the_logits_that_the_bundle_promises_is_never_an_answer(
    film: Path, bundle: Bundle
) -> None:
    answer = classify(str(film), bundle, FakeEngine(2.0, 3.0))
    assert (answer.status, answer.label) == ("error", None)
    assert "gives 2 logits where 1 are expected" in str(answer.error)


def test_refused_and_unread_films_differ_in_status(tmp_path: Path, bundle: Bundle) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not a film")
    refused = classify(str(text), bundle, FakeEngine(2.0))
    assert (refused.status, refused.logit) == ("refused", None)
    assert isinstance(refused.error, Refusal)
    missing = classify(str(tmp_path / "none.png"), bundle, FakeEngine(2.0))
    assert (missing.status, missing.logit) == ("error", None)


def test_what_is_said_of_an_image_in_memory_names_it(film: Path, bundle: Bundle) -> None:
    answers = [
        classify(film.read_bytes(), bundle, FakeEngine(2.0), file="examination 7"),
        classify(film.read_bytes(), bundle, FakeEngine(2.0)),
        classify(film, bundle, FakeEngine(2.0)),
    ]
    assert [answer.file for answer in answers] == ["examination 7", "image in memory", str(film)]
    assert {answer.logit for answer in answers} == {2.0}


def test_another_decision_takes_the_place_of_the_bundles(film: Path, bundle: Bundle) -> None:
    wide = Decision(
        calibration=Calibration(method="none", scale=1.0, offset=0.0),
        threshold=0.5,
        uncertain=Uncertain(low=0.0, high=1.0),
        chosen=None,
    )
    assert classify(str(film), bundle, FakeEngine(2.0)).label == "covid"
    assert classify(str(film), bundle, FakeEngine(2.0), decision=wide).label == "uncertain"


def test_an_answer_does_not_keep_the_picture_it_is_about(
    film: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = []

    def fail(*_: object) -> bytes:
        picture = Image.new("L", (8, 8))
        pictures.append(weakref.ref(picture))
        try:
            raise MemoryError
        except MemoryError as error:
            raise Refusal("too_large", "film", "does not fit in memory") from error

    monkeypatch.setattr("edge_runtime.answer.classify.film_pixels", fail)
    answer = classify(str(film), bundle, FakeEngine(2.0))
    assert isinstance(answer.error, Refusal)
    assert isinstance(answer.error.__cause__, MemoryError)
    assert pictures[0]() is None
