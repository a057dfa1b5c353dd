"""A graph is measured through the engine that a clinic runs, and in logits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edge_export.films.pixels import Pixels
from edge_export.graph import artefact
from edge_export.graph.artefact import (
    Artefact,
    Measured,
    integer_outputs,
    measure,
    require_openable,
)
from edge_export.quantize.quantizer import Quantizer
from edge_export.quantize.recipe import FULL, Setting
from edge_runtime.engines import EngineUnavailable, onnx_runtime
from edge_runtime.errors import NoEngine, NotABundle, ParityFailed


def test_both_formats_are_measured_through_the_engines_of_a_clinic(
    artefacts: dict[str, Artefact], pixels: Pixels
) -> None:
    found = {file: measure(one, pixels[:5]) for file, one in artefacts.items()}
    assert [one.logits.shape for one in found.values()] == [(5,)] * 4
    assert all(one.milliseconds > 0 for one in found.values())
    assert found["model.int8.onnx"].engine == "onnxruntime"
    assert found["model.int8.tflite"].engine in ("litert", "litert-python")
    again: Measured = measure(artefacts["model.int8.tflite"], pixels[:5])
    assert (again.logits == found["model.int8.tflite"].logits).all()


@pytest.mark.parametrize("answer", [np.nan, np.inf, -np.inf])
def test_an_answer_that_is_not_finite_is_an_error(
    answer: float, pixels: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Engine:
        name = "broken"

        def logits(self, film: bytes) -> tuple[float, ...]:
            return (answer if film == pixels[2].tobytes() else 1.0,)

    monkeypatch.setattr(artefact, "first_engine", lambda *_: Engine())
    with pytest.raises(ParityFailed, match=r"g\.tflite: not_finite: 1 of 4 answers"):
        measure(Artefact("g.tflite", "tflite", "float32", b""), pixels[:4])


@pytest.mark.parametrize("form", ["tflite", "onnx"])
def test_bytes_that_are_no_graph_are_given_to_no_engine(form: str, pixels: Pixels) -> None:
    with pytest.raises(NotABundle, match=rf"g\.{form}: its {form} graph cannot be trusted"):
        measure(Artefact(f"g.{form}", form, "float32", b"no graph"), pixels[:1])


def test_a_graph_of_integers_is_measured_in_logits(
    artefacts: dict[str, Artefact], quantizer: Quantizer, pixels: Pixels
) -> None:
    full = quantizer.artefacts(FULL, Setting())[0][0]
    meanings = integer_outputs(full)
    logits = measure(full, pixels[:8]).outputs
    steps = logits / [one.scale for one in meanings]
    assert steps == pytest.approx(np.round(steps), abs=1e-6)
    expected = measure(artefacts["model.f32.tflite"], pixels[:8]).outputs
    assert (np.abs(logits - expected).max(axis=0) < 0.2 * np.ptp(expected, axis=0)).all()
    assert integer_outputs(artefacts["model.int8.tflite"]) == ()


def test_both_formats_of_an_ordinary_graph_open_everywhere(artefacts: dict[str, Artefact]) -> None:
    for one in artefacts.values():
        require_openable(one, (1, 64, 64, 1))


@pytest.mark.parametrize(
    ("fails", "where"),
    [((True,), " on x86 processors without VNNI"), ((False,), ""), ((False, True), "")],
    ids=["with the option", "without it", "both"],
)
def test_a_graph_that_opens_on_some_processors_alone_is_refused_on_all(
    fails: tuple[bool, ...],
    where: str,
    artefacts: dict[str, Artefact],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def opened(*given: Any, exact: bool) -> Any:
        if exact in fails:
            raise EngineUnavailable("does not take the graph (node 7)\nand a page more")
        return real(*given, exact=exact)

    real = onnx_runtime.load
    monkeypatch.setattr(artefact, "load", opened)
    with pytest.raises(NoEngine) as caught:
        require_openable(artefacts["model.int8.onnx"], (1, 64, 64, 1))
    assert str(caught.value) == (
        f"model.int8.onnx: ONNX Runtime cannot run it{where} "
        "(does not take the graph (node 7)); choose another recipe, or replace the layer"
    )
    require_openable(artefacts["model.int8.tflite"], (1, 64, 64, 1))
