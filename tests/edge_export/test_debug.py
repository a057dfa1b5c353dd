"""The layer that changed a film's answer is named, and a sound bundle is blamed for nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edge_export.debug import debug, render
from edge_export.films.film import Film
from edge_export.films.pixels import Pixels
from edge_export.graph.artefact import Artefact, Measured, measure
from edge_export.graph.float_graphs import FloatGraphs, float_graphs
from edge_export.graph.network import InputRange, Network
from edge_export.quantize.ranges import Range, measure_ranges
from edge_export.quantize.recipe import FLOAT32
from edge_runtime.bundle.pack import write_bundle
from edge_runtime.errors import DataError, EdgeError, FilmError, NotABundle, UsageError
from sabotage import int8, scaled, written_by
from sample_bundle import sample_fields
from tiny_network import RECIPE, tiny_network, with_film

if TYPE_CHECKING:
    import keras

BYTES = InputRange()


@pytest.fixture(scope="module")
def graphs(candidate: Network, pixels: Pixels) -> FloatGraphs:
    return float_graphs(candidate, pixels)


@pytest.fixture(scope="module")
def ranges(graphs: FloatGraphs, pixels: Pixels) -> dict[str, Range]:
    return measure_ranges(graphs.tflite, pixels)


@pytest.fixture(scope="module")
def floats(graphs: FloatGraphs) -> Artefact:
    return Artefact("model.f32.tflite", "tflite", FLOAT32.name, graphs.tflite)


@pytest.fixture(scope="module")
def sound(graphs: FloatGraphs, ranges: dict[str, Range]) -> list[Artefact]:
    return [int8(graphs, ranges, "tflite"), int8(graphs, ranges, "onnx")]


@pytest.fixture(scope="module")
def culprit(graphs: FloatGraphs) -> str:
    return written_by(graphs, "CONV_2D")[1]


@pytest.fixture(scope="module")
def ruined(graphs: FloatGraphs, ranges: dict[str, Range], culprit: str) -> list[Artefact]:
    broken = scaled(ranges, culprit, 0.1)
    return [int8(graphs, broken, "tflite"), int8(graphs, broken, "onnx")]


@pytest.fixture(scope="module")
def against(joined: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run, as far as this command looks into it."""
    folder = tmp_path_factory.mktemp("run")
    joined.save(folder / "model.keras")
    return folder


def bundle(path: Path, artefacts: Sequence[Artefact], film: Film, **changes: object) -> Path:
    """Write a bundle of `artefacts` whose golden film is `film`, with `changes` to its manifest."""
    fields = {**sample_fields(), **changes}
    (golden,) = fields["golden"]["films"]
    golden["logits"] = {one.file: [0.0] for one in artefacts}
    fields["preprocess"] = RECIPE
    fields["graphs"] = [
        {"file": one.file, "format": one.format, "recipe": one.recipe, "outputs": []}
        for one in artefacts
    ]
    members = {one.file: one.graph for one in artefacts}
    write_bundle(path, fields, {**members, golden["file"]: film.path.read_bytes()})
    return path


@pytest.fixture(scope="module")
def flipped(films: list[Film], pixels: Pixels, floats: Artefact, ruined: list[Artefact]) -> Film:
    """A film whose decision the ruined range turns round."""
    reference, found = (measure(one, pixels).logits for one in (floats, ruined[0]))
    turned = np.flatnonzero((reference >= 0) != (found >= 0))
    return films[int(turned[np.argmax(np.abs(reference - found)[turned])])]


def test_the_layer_that_flipped_a_film_is_named_in_both_formats(
    tmp_path: Path, floats: Artefact, ruined: list[Artefact], flipped: Film, culprit: str
) -> None:
    diagnosis = debug(bundle(tmp_path / "a.edge", [floats, *ruined], flipped), flipped.path)
    assert [one.file for one in diagnosis.graphs] == ["model.int8.tflite", "model.int8.onnx"]
    for graph in diagnosis.graphs:
        assert graph.answer.label != diagnosis.reference.label
        assert graph.flipped_at == culprit
        errors = {step.tensor: abs(step.error or 0) for step in graph.layers}
        assert max(errors, key=lambda name: errors[name]) == culprit
    change = f"{diagnosis.reference.label} became {diagnosis.graphs[0].answer.label}"
    assert render(diagnosis).count(f"/Relu: {change}\n") == 2
    assert diagnosis.warnings == ()


def test_a_sound_bundle_is_not_blamed(
    tmp_path: Path, floats: Artefact, sound: list[Artefact], films: list[Film], pixels: Pixels
) -> None:
    diagnosis = debug(bundle(tmp_path / "a.edge", [floats, *sound], films[0]), films[5].path)
    assert diagnosis.film == films[5].sha256
    for graph, artefact in zip(diagnosis.graphs, sound, strict=True):
        assert (graph.flipped_at, graph.answer.label) == (None, diagnosis.reference.label)
        assert graph.answer.logit == measure(artefact, pixels[5:6]).logits[0]
        assert graph.margin == pytest.approx(abs(graph.answer.logit))
        assert f"not flipped: margin {graph.margin:.4f}, the logit moved" in render(diagnosis)
    assert diagnosis.warnings == ()


def test_a_flip_that_only_the_engine_makes_is_laid_to_the_output(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    floats: Artefact,
    sound: list[Artefact],
    films: list[Film],
) -> None:
    def contrary(artefact: Artefact, pixels: Pixels) -> Measured:
        measured = measure(artefact, pixels)
        return measured if artefact == floats else replace(measured, outputs=-measured.outputs)

    monkeypatch.setattr("edge_export.debug.measure", contrary)
    path = bundle(tmp_path / "a.edge", [floats, sound[0]], films[0])
    diagnosis = debug(path, films[0].path)
    (graph,) = diagnosis.graphs
    assert graph.flipped_at == graph.layers[-1].tensor
    assert "flipped at logit: " in render(diagnosis)


def test_the_margin_is_the_way_to_the_threshold_of_the_bundle(
    tmp_path: Path, floats: Artefact, sound: list[Artefact], films: list[Film]
) -> None:
    decision = {
        "calibration": {"method": "temperature", "scale": 2.0, "offset": 0.0},
        "threshold": 0.75,
        "uncertain": {"low": 0.7, "high": 0.8},
    }
    path = bundle(tmp_path / "a.edge", [floats, sound[0]], films[0], decision=decision)
    (graph,) = debug(path, films[0].path).graphs
    # A probability of 3 to 1 at a logit that counts twice.
    assert graph.margin == pytest.approx(abs(graph.answer.logit - np.log(3) / 2))
    assert graph.answer.label == ("covid" if graph.answer.probability >= 0.75 else "noncovid")


def test_the_float_graph_of_the_bundle_says_the_same_as_the_model(
    tmp_path: Path, floats: Artefact, sound: list[Artefact], against: Path, films: list[Film]
) -> None:
    path = bundle(tmp_path / "a.edge", [floats, *sound], films[0])
    own, given = debug(path, films[0].path), debug(path, films[0].path, against)
    assert own.reference.logit == pytest.approx(given.reference.logit, abs=1e-5)
    assert [one.file for one in own.graphs] == [one.file for one in sound]
    for one, other in zip(own.graphs, given.graphs, strict=True):
        for mine, theirs in zip(one.layers, other.layers, strict=True):
            assert (mine.sqnr_db, mine.logit) == pytest.approx(
                (theirs.sqnr_db, theirs.logit), abs=1e-3
            )


@pytest.mark.parametrize("channels", [1, 3], ids=["grey", "RGB, folded to grey"])
def test_another_model_of_the_same_shape_is_suspected(
    tmp_path: Path, sound: list[Artefact], films: list[Film], channels: int
) -> None:
    path = bundle(tmp_path / "a.edge", sound[:1], films[0])
    other = tmp_path / "other.keras"
    with_film(tiny_network(channels=channels)).save(other)
    (warning,) = debug(path, films[0].path, other, BYTES).warnings
    assert warning.startswith("model.int8.tflite is nothing like the float model")
    assert "was it made of another one?" in warning


def test_what_is_said_is_the_same_every_time_and_names_no_path(
    tmp_path: Path, floats: Artefact, sound: list[Artefact], films: list[Film], folder: Path
) -> None:
    path = bundle(tmp_path / "a.edge", [floats, *sound], films[0])
    diagnosis = debug(path, films[0].path)
    assert debug(path, films[0].path) == diagnosis
    for form in ("table", "json"):
        text = render(diagnosis, form)
        assert films[0].sha256 in text
        assert all(name not in text for name in (str(folder), films[0].path.stem, str(tmp_path)))
    document = json.loads(render(diagnosis, "json"))
    assert document["bundle"] == diagnosis.bundle
    assert len(document["graphs"][0]["layers"]) == len(diagnosis.graphs[0].layers)
    assert document["graphs"][0]["flipped_at"] is None


REFUSED: dict[str, tuple[tuple[Any, ...], type[EdgeError], str]] = {
    "no float graph": (("a.edge", "film.png"), UsageError, "no float TFLite .*--against"),
    "no such bundle": (("b.edge", "film.png"), NotABundle, "b.edge: does not exist"),
    "no such film": (("a.edge", "x.png", "other.keras", BYTES), FilmError, "x.png"),
    "no such model": (("a.edge", "film.png", "."), DataError, "model.keras: no such file"),
    "unknown input range": (
        ("a.edge", "film.png", "other.keras"),
        UsageError,
        "add --input-range LOW,HIGH",
    ),
    "of another size": (
        ("a.edge", "film.png", "other.keras", BYTES),
        DataError,
        r"takes \(80, 80, 1\), the graphs of the bundle \(64, 64, 1\)",
    ),
}


@pytest.mark.parametrize(("arguments", "error", "line"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_diagnosed_is_said_in_one_line(
    tmp_path: Path,
    sound: list[Artefact],
    films: list[Film],
    arguments: tuple[Any, ...],
    error: type[EdgeError],
    line: str,
) -> None:
    bundle(tmp_path / "a.edge", sound[:1], films[0])
    tiny_network(80, 80).save(tmp_path / "other.keras")
    (tmp_path / "film.png").write_bytes(films[0].path.read_bytes())
    paths: list[Any] = [tmp_path / one if isinstance(one, str) else one for one in arguments]
    with pytest.raises(error, match=line) as raised:
        debug(*paths)
    assert "\n" not in str(raised.value)


def test_a_bundle_of_float_graphs_alone_has_nothing_to_diagnose(
    tmp_path: Path, floats: Artefact, films: list[Film]
) -> None:
    path = bundle(tmp_path / "a.edge", [floats], films[0])
    with pytest.raises(UsageError, match="holds no quantized graph"):
        debug(path, films[0].path)
