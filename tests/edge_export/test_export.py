"""One model and its films give one bundle, byte for byte; what fails leaves a report alone."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from edge_export.description import intended_use
from edge_export.export import export, in_words
from edge_export.films.film import Film
from edge_export.proof.faults import Fault
from edge_export.proof.findings import Findings
from edge_export.report.document import TOOLS
from edge_export.report.files import report_path
from edge_runtime.bundle import archive, open_bundle, verify_all
from edge_runtime.engines import EngineUnavailable, open_engine
from edge_runtime.errors import CannotWrite, DataError, NoEngine, ParityFailed, ParityUndecided
from edge_runtime.film.preprocess import standard
from edge_runtime.machine.check import replay_golden
from tiny_network import LOOSE, RECIPE, constant, tiny_plan, with_film, write_tiny_films

if TYPE_CHECKING:
    import keras


def silent(line: str) -> None:
    del line


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bundles") / "one.edge"


@pytest.fixture(scope="module", autouse=True)
def exported(model: keras.Model, films: list[Film], bundle: Path) -> Findings:
    return export(model, films, tiny_plan(), bundle, silent)


def test_every_byte_of_the_bundle_verifies_and_its_golden_films_replay(bundle: Path) -> None:
    with verify_all(bundle) as opened:
        for engine in ("litert-python", "onnxruntime"):
            replay = replay_golden(opened, open_engine(opened, engine))
            assert (replay.films, replay.engine) == (4, engine)
            assert replay.largest < replay.tolerance / 10


def test_the_manifest_says_how_films_become_answers(bundle: Path, exported: Findings) -> None:
    manifest = open_bundle(bundle).manifest
    assert manifest.preprocess == RECIPE
    assert manifest.decision == exported.proof.decision
    assert [graph.file for graph in manifest.graphs] == ["model.int8.tflite", "model.int8.onnx"]
    assert set(manifest.tools) == set(TOOLS)


def test_calibration_films_are_sorted_digests_of_training_rows_only(
    bundle: Path, films: list[Film]
) -> None:
    digests = open_bundle(bundle).manifest.quantization.films
    assert list(digests) == sorted(set(digests))
    assert len(digests) == 12
    assert set(digests) <= {film.sha256 for film in films if film.split == "train"}


def test_the_same_model_and_films_give_the_same_bytes_wherever_and_whatever_they_are_called(
    bundle: Path, model: keras.Model, tmp_path: Path
) -> None:
    other = tmp_path / "another name.edge"
    model.save(tmp_path / "x.keras")
    write_tiny_films(tmp_path / "moved", name="renamed")
    script = "import sys; from pathlib import Path; from tiny_network import export_tiny; " + (
        "export_tiny(*map(Path, sys.argv[1:]))"
    )
    subprocess.run(
        [sys.executable, "-c", script, tmp_path / "x.keras", tmp_path / "moved", other],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": "7"},
        cwd=tmp_path,
        check=True,
    )
    assert other.read_bytes() == bundle.read_bytes()


def test_no_byte_of_the_bundle_knows_a_path_a_name_or_a_time(
    bundle: Path, films: list[Film], folder: Path
) -> None:
    content = bundle.read_bytes().lower()
    words = {film.path.stem for film in films} | {film.group for film in films}
    words |= {folder.name, str(folder), "erika", bundle.stem + ".edge", str(bundle.parent)}
    words |= {str(Path.home()), tempfile.gettempdir(), str(Path(__file__).parents[2])}
    for word in words:
        assert word.lower().encode() not in content, word


def test_parity_and_card_travel_with_the_bundle_and_name_no_time(
    bundle: Path, exported: Findings
) -> None:
    opened = open_bundle(bundle)
    parity = json.loads(bytes(opened.read("parity.json")))
    report = json.loads(report_path(bundle, ".report.json").read_text("utf-8"))
    assert parity["artefacts"]["keras"] == report["artefacts"]["keras"]
    assert parity["matrix"] == report["matrix"]
    assert not {"written", "latency", "command", "bundle", "films"} & set(parity)
    card = bytes(opened.read("card.md")).decode()
    assert "not a medical device" in card
    assert "on the test films" in " ".join(card.split())
    assert "session.x64quantprecision" in card
    metrics = exported.proof.comparisons["model.int8.tflite"]["test"].metrics
    assert f"- AUC {metrics.auc}\n" in card
    assert max(map(len, (line for line in card.splitlines() if "|" not in line))) <= 120


def answers(bundle: Path, *paths: Path) -> list[dict[str, str]]:
    options = ["--bundle", str(bundle), "--format", "csv"]
    process = subprocess.run(
        [sys.executable, "-m", "edge_runtime", "classify", *map(str, paths), *options],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return list(csv.DictReader(io.StringIO(process.stdout)))


@pytest.mark.parametrize("split", ["val", "test"])
def test_accuracy_of_the_runtimes_csv_is_exactly_the_exporters(
    split: str, bundle: Path, folder: Path, exported: Findings
) -> None:
    rows = answers(bundle, folder / split)
    right = [
        (float(row["probability"]) >= float(row["threshold"]))
        == (Path(row["file"]).parent.name == "covid")
        for row in rows
    ]
    expected = exported.proof.comparisons["model.int8.tflite"][split]
    assert (sum(right) / len(right), len(rows)) == (expected.metrics.accuracy.value, expected.n)


@pytest.fixture
def older(tmp_path: Path) -> Iterator[Path]:
    out = tmp_path / "m.edge"
    out.write_bytes(b"an older bundle")
    yield out
    assert out.read_bytes() == b"an older bundle"


REPORT = ["m.claim.md", "m.report.html", "m.report.json"]


def test_what_fails_leaves_a_report_and_no_bundle(
    model: keras.Model, films: list[Film], older: Path
) -> None:
    with pytest.raises(ParityFailed, match=r"answers 0\.25 whatever the film") as caught:
        export(constant(model), films, tiny_plan(), older, silent)
    assert caught.value.exit_status == 7
    assert "(and 2 more); no new bundle, an older one is there, see" in str(caught.value)
    report = json.loads(report_path(older, ".report.json").read_text("utf-8"))
    assert report["verdict"]["answer"] == "fail"
    assert sorted(one.name for one in older.parent.iterdir()) == [REPORT[0], "m.edge", *REPORT[1:]]
    with pytest.raises(ParityFailed, match=r"; no bundle, see new\.report\.html"):
        export(constant(model), films, tiny_plan(), older.with_name("new.edge"), silent)


def test_too_few_films_are_stamped_or_refused_where_a_pass_is_required(
    model: keras.Model, films: list[Film], older: Path, tmp_path: Path
) -> None:
    plan = tiny_plan(replace(LOOSE, margin=0.02))
    with pytest.raises(ParityUndecided, match=r"needed to tell|no number of") as caught:
        export(model, films, replace(plan, require_pass=True), older, silent)
    assert caught.value.exit_status == 8
    other = tmp_path / "written.edge"
    said: list[str] = []
    export(model, films, plan, other, said.append)
    assert open_bundle(other).manifest.verdict == "undecided"
    assert said[-1].endswith(", verdict undecided")


def test_what_was_found_is_shown_once_even_where_it_fails(
    model: keras.Model, films: list[Film], older: Path
) -> None:
    shown: list[str] = []

    def show(findings: Findings, document: dict[str, Any]) -> None:
        shown.append(f"{findings.answer} {document['verdict']['answer']}")

    with pytest.raises(ParityFailed):
        export(constant(model), films, tiny_plan(), older, silent, show)
    assert shown == ["fail fail"]


def test_a_full_disk_leaves_the_older_bundle_and_nothing_half_written(
    model: keras.Model, films: list[Film], older: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object) -> Iterator[bytes]:
        yield b"the beginning"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(archive, "encode", full)
    with pytest.raises(CannotWrite, match=r"m\.edge: the disk is full; free \d+ bytes"):
        export(model, films, tiny_plan(), older, silent)
    assert sorted(one.name for one in older.parent.iterdir()) == [REPORT[0], "m.edge", *REPORT[1:]]


def test_a_graph_that_opens_on_some_processors_alone_leaves_the_older_bundle(
    model: keras.Model, films: list[Film], older: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(*_: Any, exact: bool) -> SimpleNamespace:
        if exact:
            raise EngineUnavailable("does not take the graph")
        return SimpleNamespace(close=lambda: None)

    monkeypatch.setattr("edge_export.graph.artefact.load", opened)
    with pytest.raises(NoEngine, match=r"onnx: ONNX Runtime cannot run it on x86 processors") as it:
        export(model, films, tiny_plan(), older, silent)
    assert it.value.exit_status == 6
    assert list(older.parent.iterdir()) == [older]


@pytest.mark.parametrize(
    ("out", "problem"),
    [("missing/m.edge", "is no folder to write to"), ("folder.edge", "is a folder")],
)
def test_a_place_that_cannot_be_written_to_is_refused_before_any_work(
    out: str, problem: str, model: keras.Model, films: list[Film], tmp_path: Path
) -> None:
    (tmp_path / "folder.edge").mkdir()
    said: list[str] = []
    with pytest.raises(CannotWrite, match=problem):
        export(model, films, tiny_plan(), tmp_path / out, said.append)
    assert said == []


def test_a_model_of_another_size_than_its_preparation_is_refused(
    model: keras.Model, films: list[Film], tmp_path: Path
) -> None:
    plan = tiny_plan()
    wrong = replace(plan, description=replace(plan.description, preprocess=standard(64, 96)))
    with pytest.raises(DataError, match=r"takes \(64, 64, 1\), not the \(64, 96, 1\)"):
        export(model, films, wrong, tmp_path / "m.edge", silent)


def test_too_few_held_out_films_are_refused_before_any_work(
    model: keras.Model, films: list[Film], tmp_path: Path
) -> None:
    few = [film for film in films if (film.split, film.label) != ("val", "covid")]
    with pytest.raises(DataError, match="0 val films of class covid"):
        export(model, few, tiny_plan(), tmp_path / "m.edge", silent)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("threshold", [None, 0.0])
def test_a_film_output_and_its_threshold_belong_together(
    threshold: float | None, model: keras.Model, films: list[Film], tmp_path: Path
) -> None:
    given = with_film(model) if threshold is None else model
    plan = tiny_plan(film_threshold=threshold)
    with pytest.raises(DataError, match="which belong together"):
        export(given, films, plan, tmp_path / "m.edge", silent)
    assert not list(tmp_path.iterdir())


def test_what_is_found_of_pictures_is_said_of_pictures(findings: Findings) -> None:
    faults = (Fault("one_side", "all 44 films fall on one side"),)
    found = replace(
        findings,
        warnings=["one half separates the validation films"],
        proof=replace(findings.proof, faults=faults),
    )
    description = tiny_plan(film_threshold=0.0).description
    assert in_words(found, description).warnings == found.warnings
    told = in_words(found, replace(description, intended_use=intended_use("other")))
    assert told.warnings == ["one half separates the validation pictures"]
    assert told.proof.faults[0].line == "all 44 pictures fall on one side"
