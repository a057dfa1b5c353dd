"""No graph that is accepted ends a process, and one that would is refused by every command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

if os.name == "nt":
    pytest.skip("forks", allow_module_level=True)

from edge_runtime.bundle import open_bundle
from edge_runtime.engines import require_sound_graphs
from edge_runtime.errors import NotABundle
from fuzz.graph_bundles import Repacked
from tiny_bundle import ONNX, TFLITE, edge_run, environment, write_film, write_tiny_bundle
from tiny_graphs import onnx_graph, tflite_graph

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "models" / "model3-xray-0.2.2.edge"
FUZZ = ROOT / "tests" / "fuzz" / "graphs.py"
PLACE, BEFORE, AFTER = 2_528_048, 49, 32
"""An input of an operator of the shipped graph, and a change of it that no engine survives."""


def mutant() -> dict[str, bytes]:
    """Return the shipped TFLite graph with that change, by its file."""
    with open_bundle(SHIPPED) as bundle:
        data = bytearray(bundle.read("model.int8.tflite"))
    assert data[PLACE] == BEFORE
    data[PLACE] = AFTER
    return {"model.int8.tflite": bytes(data)}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the shipped bundle with that mutant, all digests right."""
    path = tmp_path_factory.mktemp("hostile") / "m.edge"
    Repacked(SHIPPED).write(path, mutant())
    open_bundle(path).verify()
    return path


@pytest.mark.parametrize("name", ["classify", "check", "check --engine all"])
def test_a_graph_that_would_end_the_process_is_one_line(
    name: str, hostile: Path, tmp_path: Path
) -> None:
    first, *more = name.split()
    film = [write_film(tmp_path / "film.png")] if first == "classify" else []
    bundle = ["--bundle", hostile] if first == "classify" else [hostile]
    found = edge_run(first, *bundle, *more, *film)
    lines = [line for line in found.stderr.splitlines() if not line.startswith("research use")]
    assert found.returncode == 3
    assert len(lines) == 1
    assert "its tflite graph cannot be trusted (operator 29 DEQUANTIZE: " in lines[0]


def test_doctor_does_not_say_that_films_can_be_classified(hostile: Path) -> None:
    found = edge_run("doctor", hostile)
    assert found.returncode == 3
    assert "its tflite graph cannot be trusted" in found.stdout
    assert "this machine cannot classify yet" in found.stdout


def test_a_graph_that_no_engine_here_would_run_is_refused_too(tmp_path: Path) -> None:
    graphs = {TFLITE: tflite_graph(), ONNX: onnx_graph()[:-9]}
    with (
        open_bundle(write_tiny_bundle(tmp_path / "m.edge", graphs=graphs)) as bundle,
        pytest.raises(NotABundle, match="its onnx graph cannot be trusted"),
    ):
        require_sound_graphs(bundle)


def test_that_mutant_ends_an_engine_that_gets_it(tmp_path: Path) -> None:
    (tmp_path / "right.tflite").write_bytes(tflite_graph())
    (path,) = (tmp_path / name for name in mutant())
    path.write_bytes(mutant()[path.name])
    script = (
        "import sys\nfrom pathlib import Path\nfrom fuzz.graphs import Seed, ran\n"
        "data = Path(sys.argv[1]).read_bytes()\n"
        "print(ran('litert', Seed('', 'tflite', data, [], (1, 224, 224, 1)), data))"
    )
    places = [environment()["PYTHONPATH"], str(ROOT / "tests"), str(ROOT / "tests" / "support")]
    found = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True,
        env=environment(PYTHONPATH=os.pathsep.join(places)),
    )  # fmt: skip
    # It reads memory that is not its own: what comes of that is not the same each time.
    assert found.stdout.startswith(("signal ", "foreign"))


def test_no_mutant_that_is_accepted_ends_an_engine(tmp_path: Path) -> None:
    (tmp_path / "tiny.tflite").write_bytes(tflite_graph(outputs=2))
    (tmp_path / "tiny.onnx").write_bytes(onnx_graph(outputs=2))
    graphs = [str(path) for path in tmp_path.glob("tiny.*")]
    found = subprocess.run(
        [sys.executable, str(FUZZ), *graphs, "--count", "300", "--kept", str(tmp_path / "kept")],
        capture_output=True, text=True, check=False, env=environment(),
    )  # fmt: skip
    assert found.returncode == 0, found.stdout
    for words in ("onnx: accepted", "onnx: refused", "tflite: accepted", "tflite: refused"):
        assert words in found.stdout
