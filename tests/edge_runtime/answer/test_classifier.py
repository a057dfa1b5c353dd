"""One classifier answers from any thread, for any kind of film, and says why when it cannot."""

from __future__ import annotations

import doctest
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import edge_runtime
from edge_runtime import (
    Answer,
    Classifier,
    IntegrityError,
    NoEngine,
    NotABundle,
    Refusal,
    UsageError,
)
from edge_runtime.answer import classifier
from edge_runtime.answer.classify import classify
from edge_runtime.bundle import open_bundle
from edge_runtime.engines import open_engine
from tiny_bundle import film_image, write_film, write_tiny_bundle

HERE = ["litert", "litert-python", "onnxruntime"]  # what the test environment installs


def said(answer: Answer) -> tuple[object, ...]:
    """Return what an answer says, without how long it took."""
    return answer.file, answer.status, answer.label, answer.logit, str(answer.error)


@pytest.fixture
def folder(tmp_path: Path) -> list[Path]:
    """Return the paths of many films, some of which cannot be judged."""
    films = [write_film(tmp_path / f"{seed}.png", seed) for seed in range(12)]
    (tmp_path / "text.png").write_text("no film")
    return [*films, tmp_path / "text.png", tmp_path / "missing.png"]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Return the engines that classifiers open, from now on."""
    engines: list[Any] = []

    def noted(*arguments: Any) -> Any:
        engines.append(open_engine(*arguments))
        return engines[-1]

    monkeypatch.setattr(classifier, "open_engine", noted)
    yield engines
    for engine in engines:
        engine.close()


def is_closed(engine: Any) -> bool:
    try:
        engine.logits(b"")
    except ValueError as error:
        return "closed" in str(error)
    return False


def test_a_path_its_bytes_and_its_picture_get_the_same_answer(tiny: Path, film: Path) -> None:
    with Classifier(tiny) as judge, Image.open(film) as picture:
        answers = [
            judge.classify(one) for one in (film, str(film), film.read_bytes(), picture.copy())
        ]
        expected = classify(film, open_bundle(tiny), open_engine(open_bundle(tiny)))
    assert {answer.logit for answer in answers} == {expected.logit}
    assert {answer.status for answer in answers} == {"ok"}
    assert [answer.file for answer in answers] == [str(film)] * 2 + ["image in memory"] * 2


def test_a_film_that_cannot_be_judged_is_an_answer_and_stops_nobody(tiny: Path, film: Path) -> None:
    with Classifier(tiny) as judge:
        for bad in (b"", b"no film", Image.new("L", (8, 8))):
            answer = judge.classify(bad)
            assert answer.status == "refused"
            assert isinstance(answer.error, Refusal)
        assert judge.classify(film.parent / "missing.png").status == "error"
        assert judge.classify(film).status == "ok"


def test_what_is_no_film_at_all_is_an_error_of_the_program(tiny: Path) -> None:
    with Classifier(tiny) as judge:
        for wrong in (None, 5, ["film.png"], bytearray(b"no film")):  # 5 would be a descriptor
            with pytest.raises(TypeError, match=f"and no {type(wrong).__name__}$"):
                judge.classify(wrong)  # type: ignore[arg-type]


def test_an_answer_shows_what_it_says(tiny: Path, film: Path) -> None:
    with Classifier(tiny) as judge:
        shown = repr(judge.classify(film))
    assert shown.startswith("Answer(")
    assert "label='covid'" in shown
    assert "status='ok'" in shown


@pytest.mark.parametrize("engine", HERE)
def test_many_threads_get_the_answers_that_one_thread_gets(
    engine: str, tiny: Path, folder: list[Path], opened: list[Any]
) -> None:
    with Classifier(tiny, engine=engine, engines=1) as judge:
        alone = [said(judge.classify(film)) for film in folder]
    opened.clear()
    films = folder * 20
    with Classifier(tiny, engine=engine, engines=3) as judge, ThreadPoolExecutor(8) as threads:
        together = [said(answer) for answer in threads.map(judge.classify, films)]
    assert together == alone * 20
    assert 1 <= len(opened) <= 3
    assert {status for _, status, *_ in together} == {"ok", "refused", "error"}


class Slow:
    """An engine in which two calls may not overlap, and that waits for others to come."""

    name = "litert"

    def __init__(self, gate: threading.Barrier) -> None:
        self._gate = gate
        self._busy = threading.Lock()
        self.closed = False

    def logits(self, pixels: bytes) -> tuple[float, ...]:
        assert self._busy.acquire(blocking=False), "two threads in one engine"
        try:
            self._gate.wait(20)
        finally:
            self._busy.release()
        return (float(len(pixels)),)

    def close(self) -> None:
        self.closed = True


def test_calls_that_overlap_have_an_engine_each(
    tiny: Path, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Barrier(3)  # passed by three calls at once, or by none
    engines: list[Slow] = []

    def slow(*_: object) -> Slow:
        engines.append(Slow(gate))
        return engines[-1]

    monkeypatch.setattr(classifier, "open_engine", slow)
    with Classifier(tiny, engines=3) as judge, ThreadPoolExecutor(9) as threads:
        answers = list(threads.map(judge.classify, [film] * 9))
    assert {answer.status for answer in answers} == {"ok"}
    assert [engine.closed for engine in engines] == [True] * 3


def test_where_there_is_no_room_for_another_engine_one_has_to_do(
    tiny: Path, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[str] = []

    def scarce(bundle: Any, name: str) -> Any:
        tries.append(name)
        if len(tries) > 1:
            raise MemoryError
        return open_engine(bundle, name)

    monkeypatch.setattr(classifier, "open_engine", scarce)
    with Classifier(tiny, engines=4) as judge, ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(judge.classify, [film] * 40))
    assert {answer.status for answer in answers} == {"ok"}
    assert tries in (["auto"], ["auto", "litert"])


def test_close_frees_every_engine_and_ends_the_answers(
    tiny: Path, film: Path, opened: list[Any]
) -> None:
    judge = Classifier(tiny)
    judge.classify(film)
    judge.close()
    judge.close()
    assert [is_closed(engine) for engine in opened] == [True]
    with pytest.raises(ValueError, match="closed"):
        judge.classify(film)


def test_close_lets_the_running_call_have_its_answer(
    tiny: Path, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Barrier(2)
    engine = Slow(gate)
    monkeypatch.setattr(classifier, "open_engine", lambda *_: engine)
    judge = Classifier(tiny, engines=1)
    with ThreadPoolExecutor(2) as threads:
        running = threads.submit(judge.classify, film)
        while gate.n_waiting < 1:
            pass
        waiting = threads.submit(judge.classify, film)
        judge.close()
        assert not engine.closed
        gate.wait(20)
        assert running.result(20).status == "ok"
        with pytest.raises(ValueError, match="closed"):
            waiting.result(20)
    assert engine.closed


def test_the_band_makes_a_close_call_uncertain(tiny: Path, film: Path) -> None:
    with Classifier(tiny) as plain, Classifier(tiny, band=0.5) as wide:
        assert plain.classify(film).label in ("covid", "noncovid")
        assert wide.classify(film).label == "uncertain"
        assert plain.classify(film).probability == wide.classify(film).probability


def test_a_gate_refuses_what_is_no_film(tmp_path: Path, film: Path) -> None:
    for threshold, status in ((-100.0, "ok"), (100.0, "refused")):
        with Classifier(write_tiny_bundle(tmp_path / f"{status}.edge", gate=threshold)) as judge:
            answer = judge.classify(film)
        assert answer.status == status
        assert answer.film_logit is not None
    assert isinstance(answer.error, Refusal)
    assert answer.error.reason == "not_a_film"


BAD: dict[str, tuple[dict[str, Any], type[Exception]]] = {
    "no such engine": ({"engine": "tpu"}, UsageError),
    "an engine that is not installed": ({"engine": "tflite-runtime"}, NoEngine),
    "no engines": ({"engines": 0}, UsageError),
    "a band that is no width": ({"band": float("nan")}, UsageError),
    "no bundle": ({"bundle": "missing.edge"}, NotABundle),
}


@pytest.mark.parametrize(("options", "error"), BAD.values(), ids=BAD)
def test_what_cannot_be_opened_raises_the_error_of_its_kind(
    options: dict[str, Any], error: type[Exception], tiny: Path
) -> None:
    with pytest.raises(error):
        Classifier(**{"bundle": tiny, **options})


def test_a_damaged_bundle_is_refused(tiny: Path, tmp_path: Path) -> None:
    data = bytearray(tiny.read_bytes())
    data[-1] ^= 1
    (tmp_path / "b.edge").write_bytes(data)
    with pytest.raises(IntegrityError):
        Classifier(tmp_path / "b.edge")


def test_without_a_bundle_the_default_one_is_opened(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGE_BUNDLE", str(tiny))
    with Classifier() as judge, open_bundle(tiny) as bundle:
        assert judge.manifest.identity == bundle.identity
        assert judge.engine == "litert"


def test_the_example_in_the_documentation_says_what_comes(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "covid.edge").write_bytes(tiny.read_bytes())
    stream = BytesIO()
    film_image().save(stream, "PNG")
    (tmp_path / "film.png").write_bytes(stream.getvalue())
    monkeypatch.chdir(tmp_path)
    runner = doctest.DocTestRunner()
    for example in doctest.DocTestFinder(recurse=False).find(Classifier, "Classifier"):
        runner.run(example, out=sys.stderr.write)
    assert runner.summarize().attempted == 3
    assert runner.summarize().failed == 0


def test_every_public_name_is_there_and_no_other() -> None:
    for name in edge_runtime.__all__:
        assert getattr(edge_runtime, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'classifiers'"):
        _ = edge_runtime.classifiers  # type: ignore[attr-defined]


def test_the_package_says_that_it_is_typed() -> None:
    assert (Path(edge_runtime.__file__).parent / "py.typed").is_file()
