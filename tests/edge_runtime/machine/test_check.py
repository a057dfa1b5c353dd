"""`check` proves a bundle on this machine, or says what differs."""

from __future__ import annotations

import math
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from edge_runtime.bundle import Bundle, open_bundle
from edge_runtime.bundle.pack import unpack
from edge_runtime.cli import run
from edge_runtime.engines import ENGINES, EngineUnavailable, open_engine
from edge_runtime.errors import NoEngine, ParityFailed
from edge_runtime.film.preprocess import STAGES
from edge_runtime.machine.check import replay_golden
from edge_runtime.machine.receipt import opened
from tiny_bundle import GOLDEN, ONNX, TFLITE, write_tiny_bundle
from tiny_graphs import onnx_graph, tflite_graph

pytestmark = pytest.mark.usefixtures("own_signals")


class FakeEngine:
    name = "litert"

    def __init__(self, *logits: float) -> None:
        self._logits = logits

    def logits(self, pixels: bytes) -> tuple[float, ...]:
        if not self._logits:
            raise EngineUnavailable(f"failed on {len(pixels)} bytes")
        return self._logits

    def close(self) -> None:
        pass


def changed(path: Path, **golden: Any) -> Path:
    """Return a bundle whose golden film is expected to give something else."""
    return write_tiny_bundle(path, golden=golden)


@pytest.mark.parametrize(
    ("name", "graph"), [("litert", TFLITE), ("litert-python", TFLITE), ("onnxruntime", ONNX)]
)
def test_the_golden_films_replay_on_every_engine(name: str, graph: str, bundle: Bundle) -> None:
    replay = replay_golden(bundle, open_engine(bundle, name))
    assert (replay.engine, replay.graph, replay.films) == (name, graph, 1)
    assert 0 <= replay.largest <= replay.tolerance == 1e-3


@pytest.mark.parametrize("difference", [0.9e-3, -0.9e-3])
def test_a_logit_within_the_tolerance_passes(difference: float, bundle: Bundle) -> None:
    expected = bundle.manifest.golden.films[0].logits[TFLITE][0]
    replay = replay_golden(bundle, FakeEngine(expected + difference))
    assert replay.largest == pytest.approx(0.9e-3)


@pytest.mark.parametrize("difference", [1.1e-3, -1.1e-3, math.nan, math.inf, -math.inf])
def test_a_logit_outside_the_tolerance_or_no_number_fails(
    difference: float, bundle: Bundle
) -> None:
    expected = bundle.manifest.golden.films[0].logits[TFLITE][0]
    with pytest.raises(ParityFailed, match=GOLDEN):
        replay_golden(bundle, FakeEngine(expected + difference))


@pytest.mark.parametrize("logits", [(0.0, 0.0), (0.0, 0.0, 0.0)])
def test_another_number_of_logits_fails(logits: tuple[float, ...], bundle: Bundle) -> None:
    with pytest.raises(ParityFailed, match=f"gives {len(logits)} logits where 1"):
        replay_golden(bundle, FakeEngine(*logits))


def test_an_engine_that_fails_is_no_engine(bundle: Bundle) -> None:
    with pytest.raises(NoEngine, match="failed on 4096 bytes; try another --engine"):
        replay_golden(bundle, FakeEngine())


@pytest.mark.skipif(sys.platform == "win32", reason="a name with a line's end")
@pytest.mark.parametrize("command", ["check", "doctor"])
def test_a_line_that_a_path_forges_is_none(
    command: str, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "m.edge\nlitert forged"
    path.write_bytes(tiny.read_bytes())
    run([command, str(path)] if command == "check" else [command, "--bundle", str(path)])
    written = capsys.readouterr().out
    assert r"m.edge\nlitert forged" in written
    assert not any(line.startswith("litert forged") for line in written.splitlines())


def test_check_says_what_it_proved(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", str(tiny)]) == 0
    said, complaints = capsys.readouterr()
    with open_bundle(tiny) as bundle:
        assert bundle.identity in said
    assert "1 golden films, largest difference" in said
    assert complaints == ""


@pytest.mark.parametrize(
    ("golden", "problem"),
    [
        ({"logits": {TFLITE: [99.0], ONNX: [99.0]}}, "where 99.0000 is expected"),
        ({"file": "card.md"}, "no picture of a known format"),
    ],
)
def test_another_answer_leaves_with_7(
    golden: dict[str, Any], problem: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", str(changed(tmp_path / "m.edge", **golden))]) == 7
    complaint = capsys.readouterr().err
    assert problem in complaint
    assert complaint.count("\n") == 1


@pytest.mark.parametrize("stage", STAGES)
def test_the_first_stage_whose_pixels_differ_is_named(
    stage: str, bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    golden = bundle.manifest.golden.films[0].stages.to_json()
    later = STAGES[STAGES.index(stage) :]
    path = changed(tmp_path / "m.edge", stages={**golden, **dict.fromkeys(later, "0" * 64)})
    assert run(["check", str(path)]) == 7
    assert f"other pixels than its maker's once {stage};" in capsys.readouterr().err


def test_a_graph_of_integers_is_passed_over(tmp_path: Path) -> None:
    graphs = {"full.tflite": b"for a microcontroller", TFLITE: tflite_graph()}
    path = write_tiny_bundle(tmp_path / "m.edge", graphs=graphs, integers={"full.tflite"})
    with open_bundle(path) as bundle:
        assert replay_golden(bundle, open_engine(bundle)).graph == TFLITE


def test_a_graph_that_answers_no_number_leaves_with_7(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    graphs = {TFLITE: tflite_graph(scale=math.nan), ONNX: onnx_graph(scale=math.nan)}
    path = write_tiny_bundle(tmp_path / "m.edge", graphs=graphs, tolerance=99)
    assert run(["check", str(path)]) == 7
    assert "answers nan" in capsys.readouterr().err


def test_a_changed_byte_anywhere_leaves_with_3_or_4(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "m.edge"
    shutil.copy(tiny, path)
    data = path.read_bytes()
    directory = data.index(b"PK\1\2")
    headers = [*range(64), *range(directory, directory + 64), *range(len(data) - 22, len(data))]
    for at in (*headers, *range(64, len(data), 97)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :])
        assert run(["check", str(path)]) in (3, 4), at
        said, complaint = capsys.readouterr()
        assert (said, complaint.count("\n")) == ("", 1)
        assert complaint.startswith(f"edge-run: {path}")


@pytest.mark.parametrize("keep", [0, 1, 21, 64, 1000, -1, -22])
def test_a_torn_bundle_leaves_with_3_or_4(
    keep: int, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "m.edge"
    path.write_bytes(tiny.read_bytes()[:keep])
    assert run(["check", str(path)]) == (3 if keep in (0, 1, 21) else 4)
    assert capsys.readouterr().out == ""


def receipt_of(path: Path) -> dict[str, Any]:
    return opened(path.read_bytes(), str(path))


def test_all_engines_that_are_installed_are_asked_and_the_others_named(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "receipt.json"
    assert run(["check", str(tiny), "--engine", "all", "--receipt", str(path)]) == 0
    said = capsys.readouterr().out
    results = {one["engine"]: one["result"] for one in receipt_of(path)["engines"]}
    assert results.keys() == ENGINES.keys()
    for engine in ("litert", "litert-python", "onnxruntime"):
        assert results[engine] == "passed"
        assert f"{engine} " in said
    assert results["tflite-runtime"] in ("not installed", "passed")


def test_a_failure_leaves_its_status_and_a_receipt_that_says_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = changed(tmp_path / "m.edge", logits={TFLITE: [99.0], ONNX: [99.0]})
    path = tmp_path / "receipt.json"
    assert run(["check", str(wrong), "--engine", "all", "--receipt", str(path)]) == 7
    found = receipt_of(path)
    assert (found["result"], found["status"]) == ("failed", 7)
    assert "99.0000 is expected" in found["problem"]
    answered = [one for one in found["engines"] if one["result"] != "not installed"]
    assert [one["result"] for one in answered] == ["failed"] * 3  # each had its turn
    assert capsys.readouterr().out.count("FAILED") == 3


def test_a_changed_byte_leaves_4_and_a_receipt_without_engines(tiny: Path, tmp_path: Path) -> None:
    wrong, path = tmp_path / "m.edge", tmp_path / "receipt.json"
    data = tiny.read_bytes()
    at = data.index(b"# A card")
    wrong.write_bytes(data[:at] + b"?" + data[at + 1 :])
    assert run(["check", str(wrong), "--receipt", str(path)]) == 4
    found = receipt_of(path)
    assert (found["result"], found["status"], found["engines"]) == ("failed", 4, [])
    assert not found["every_byte_as_written"]


def test_what_is_no_bundle_leaves_3_and_a_receipt_without_one(film: Path, tmp_path: Path) -> None:
    path = tmp_path / "receipt.json"
    assert run(["check", str(film), "--receipt", str(path)]) == 3
    assert receipt_of(path)["bundle"] is None


def test_a_receipt_that_cannot_be_written_leaves_10_and_of_a_failure_that_failures_status(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = str(tmp_path / "none" / "receipt.json")
    assert run(["check", str(tiny), "--receipt", nowhere]) == 10
    wrong = changed(tmp_path / "m.edge", logits={TFLITE: [99.0], ONNX: [99.0]})
    assert run(["check", str(wrong), "--receipt", nowhere]) == 7
    assert capsys.readouterr().err.count("make the folder first") == 2


def test_an_unknown_engine_leaves_2_and_no_receipt(tiny: Path, tmp_path: Path) -> None:
    path = tmp_path / "receipt.json"
    assert run(["check", str(tiny), "--engine", "tpu", "--receipt", str(path)]) == 2
    assert not path.exists()


def test_a_receipt_is_never_written_over_the_bundle_or_into_it(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, folder = tmp_path / "m.edge", tmp_path / "folder"
    shutil.copy(tiny, file)
    unpack(tiny, folder)
    monkeypatch.chdir(folder)
    for bundle, out in (
        (file, file),
        (file, "../m.edge"),
        (folder, "receipt.json"),
        (folder, folder / "golden" / "receipt.json"),
    ):
        assert run(["check", str(bundle), "--receipt", str(out)]) == 2
        assert "--receipt: is the bundle, or lies in it" in capsys.readouterr().err
    monkeypatch.setenv("EDGE_BUNDLE", str(file))
    assert run(["check", "--receipt", str(file)]) == 2
    assert run(["check"]) == run(["check", str(folder)]) == 0


def test_a_receipt_replaces_the_one_that_stood_there_whole(tiny: Path, tmp_path: Path) -> None:
    path = tmp_path / "receipt.json"
    path.write_bytes(b"x" * 100_000)
    assert run(["check", str(tiny), "--receipt", str(path)]) == 0
    assert receipt_of(path)["result"] == "passed"
    assert [one.name for one in tmp_path.iterdir()] == ["receipt.json"]
