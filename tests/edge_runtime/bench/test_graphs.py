"""Each graph is measured alone, beside the float graph of its bundle in the same engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_runtime.bench import graphs
from edge_runtime.bench.graphs import graph_times
from edge_runtime.bundle import open_bundle
from edge_runtime.errors import NoEngine
from tiny_bundle import ONNX, TFLITE, write_tiny_bundle
from tiny_graphs import onnx_graph, tflite_graph

INT8 = "model.int8.tflite"
ALL = {INT8: tflite_graph(), TFLITE: tflite_graph(), ONNX: onnx_graph()}


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """Return a bundle of three graphs; the two that are called f32 are float32."""
    return write_tiny_bundle(
        tmp_path / "three.edge", graphs=ALL, recipes={TFLITE: graphs.FLOAT, ONNX: graphs.FLOAT}
    )


def test_int8_has_a_ratio_to_the_float_graph_of_its_engine(three: Path) -> None:
    with open_bundle(three) as bundle:
        times, absent = graph_times(bundle, "auto", 5)
    assert times.keys() == ALL.keys()
    assert not absent
    assert {file for file, row in times.items() if "ratio" in row} == {INT8}
    assert times[INT8]["ratio"]["n"] == 5
    assert all(0 < row["p50_ms"] <= row["p95_ms"] for row in times.values())
    assert times[INT8]["engine"] == times[TFLITE]["engine"] != times[ONNX]["engine"]


def test_an_engine_gets_the_graphs_of_its_format(three: Path) -> None:
    with open_bundle(three) as bundle:
        times, absent = graph_times(bundle, "onnxruntime", 1)
    assert times.keys() == {ONNX}
    assert not absent


def test_integer_graphs_are_left_out(tmp_path: Path) -> None:
    path = write_tiny_bundle(tmp_path / "a.edge", graphs=ALL, integers=(INT8,))
    with open_bundle(path) as bundle:
        times, _ = graph_times(bundle, "auto", 1)
    assert times.keys() == {TFLITE, ONNX}


def test_a_graph_that_no_engine_runs_has_the_reason(
    three: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> None:
        raise NoEngine("bundle", "no engine can run it", "install one")

    monkeypatch.setattr(graphs, "first_engine", none)
    with open_bundle(three) as bundle:
        assert graph_times(bundle, "auto", 1) == ({}, dict.fromkeys(ALL, "no engine can run it"))
