"""`doctor` says what is lacking and the cure, and survives what it examines."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge_runtime.cli import run
from edge_runtime.cures import installing
from edge_runtime.engines import ENGINES
from edge_runtime.isolation import child
from edge_runtime.machine import computer, doctor
from edge_runtime.machine.doctor import status
from edge_runtime.machine.finding import MISSING, OK, PROBLEM, Finding, table

pytestmark = pytest.mark.usefixtures("own_signals")
Captured = pytest.CaptureFixture[str]
Monkey = pytest.MonkeyPatch
FINE = {"status": 0, "problem": "", "name": "m", "version": "1", "engine": "litert",
        "decodes": {"JPEG": True}, "many_films": ["litert", None]}  # fmt: skip


@pytest.fixture(autouse=True)
def no_bundle_of_this_user(tmp_path: Path, monkeypatch: Monkey) -> None:
    monkeypatch.delenv("EDGE_BUNDLE", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "data"))


@pytest.fixture
def probed(monkeypatch: Monkey) -> Callable[..., None]:
    """Return a function that lets every probe end as told."""

    def ends(returncode: int = 0, error: Exception | None = None, **answer: object) -> None:
        def module(*command: str, seconds: float) -> subprocess.CompletedProcess[bytes]:
            del seconds
            if error:
                raise error
            said = json.dumps({**FINE, **answer}).encode()
            return subprocess.CompletedProcess(command, returncode, said, b"Traceback\nOh: no\n")

        monkeypatch.setattr(child, "module", module)

    ends()
    return ends


def found(name: str) -> Finding:
    (finding,) = (one for one in doctor.examine() if one.name == name)
    return finding


def test_a_machine_with_engine_and_bundle_leaves_with_0(
    tiny: Path, capsys: Captured, monkeypatch: Monkey
) -> None:
    monkeypatch.setenv("EDGE_BUNDLE", str(tiny))
    assert run(["doctor"]) == 0
    said, complaints = capsys.readouterr()
    assert complaints == ""
    assert "engine litert          ok" in said
    assert f"{tiny}: model3-xray 0.1.0, whole, runs on litert" in said


@pytest.mark.usefixtures("probed")
def test_without_a_bundle_it_leaves_with_3_and_says_where_one_is_looked_for(
    capsys: Captured,
) -> None:
    assert run(["doctor", "--format", "json"]) == 3
    document = json.loads(capsys.readouterr().out)
    (bundle,) = (one for one in document["findings"] if one["name"] == "bundle")
    assert (document["status"], bundle["state"]) == (3, MISSING)
    assert bundle["cure"].endswith("add one: edge-run bundles --add FILE.edge")


@pytest.mark.usefixtures("probed")
def test_without_engines_it_leaves_with_6_and_the_command_that_installs_one(
    capsys: Captured, monkeypatch: Monkey
) -> None:
    monkeypatch.setattr(computer, "installed", lambda _: None)
    assert run(["doctor"]) == 6
    said = capsys.readouterr().out
    for extra in ("litert", "tflite", "onnx", "dicom"):
        assert f"-> {installing(extra)}\n" in said
    assert "without a network add to pip install: --no-index --find-links" in said


def test_a_bundle_that_was_changed_is_a_problem_with_its_own_status(
    probed: Callable[..., None], monkeypatch: Monkey
) -> None:
    monkeypatch.setenv("EDGE_BUNDLE", "m.edge")
    probed(problem="")
    findings = doctor.examine()
    assert status(findings) == 0
    changed = Finding("bundle", PROBLEM, "was changed", facts={"status": 4})
    assert status([*(one for one in findings if one.name != "bundle"), changed]) == 4


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        ({"returncode": -4}, "crashed (SIGILL)"),
        ({"returncode": 1}, "left with status 1: Oh: no"),
        ({"error": subprocess.TimeoutExpired("python", 60)}, "no answer within 60 s"),
        ({"error": OSError("no more processes")}, "could not be tried (no more processes)"),
        ({"status": 6, "problem": "no engine can run it"}, "no engine can run it"),
    ],
)
def test_whatever_an_engine_dies_of_is_a_line(
    ending: dict[str, Any], words: str, probed: Callable[..., None], monkeypatch: Monkey
) -> None:
    monkeypatch.setattr(computer, "installed", lambda _: "1.0")
    probed(**ending)
    findings = doctor.examine()
    engines = [one for one in findings if one.name.startswith("engine ")]
    assert len(engines) == len(ENGINES)
    assert all(one.state == PROBLEM and words in one.text and one.cure for one in engines)
    assert status(findings) == 6


@pytest.mark.usefixtures("probed")
@pytest.mark.parametrize(
    ("name", "where", "value", "words"),
    [
        (
            "clock",
            "computer.clock",
            ("1970-01-01T00:00:00Z", False),
            "1970-01-01T00:00:00Z is implausible",
        ),
        ("memory", "memory", (1 << 30, 1 << 20), "1 MiB available"),
        ("memory", "memory_limit", 1 << 26, "64 MiB allowed to this process"),
    ],
)
def test_what_is_wrong_is_a_problem_with_a_cure(
    name: str, where: str, value: object, words: str, monkeypatch: Monkey
) -> None:
    monkeypatch.setattr(f"edge_runtime.machine.doctor.{where}", lambda: value)
    finding = found(name)
    assert finding.state == PROBLEM
    assert words in finding.text
    assert finding.cure


@pytest.mark.usefixtures("probed")
def test_a_processor_without_sse_4_2_is_a_problem(monkeypatch: Monkey) -> None:
    monkeypatch.setattr(doctor, "is_x86", lambda: True)
    monkeypatch.setattr(computer, "features", lambda: ["avx"])
    assert "no SSE 4.2" in found("processor").text
    monkeypatch.setattr(computer, "features", lambda: ["sse4_2"])
    assert found("processor").state == OK


@pytest.mark.usefixtures("probed")
def test_a_decoder_that_is_missing_is_named(
    probed: Callable[..., None], monkeypatch: Monkey
) -> None:
    monkeypatch.setattr(computer, "installed", lambda _: "3.0")
    probed(decodes={"JPEG": True, "RLE": False})
    finding = found("DICOM")
    assert (finding.state, "and no RLE" in finding.text) == (PROBLEM, True)


@pytest.mark.usefixtures("probed")
def test_a_user_without_a_home_is_told_how_to_name_a_bundle(monkeypatch: Monkey) -> None:
    monkeypatch.setattr(doctor, "data_folder", lambda: None)
    assert "EDGE_BUNDLE" in found("data folder").cure


def test_a_table_has_each_cure_below_what_it_cures() -> None:
    findings = [Finding("one", OK, "fine"), Finding("another", MISSING, "gone", "get it")]
    assert table(findings).splitlines() == [
        "one      ok       fine",
        "another  missing  gone",
        "                  -> get it",
    ]


@pytest.mark.usefixtures("probed")
def test_the_bundle_may_be_named(
    tiny: Path, film: Path, capsys: Captured, monkeypatch: Monkey
) -> None:
    monkeypatch.undo()  # a real probe
    for arguments in ([str(tiny)], ["--bundle", str(tiny)]):
        assert run(["doctor", *arguments]) == 0
        assert capsys.readouterr().out.endswith("\nthis machine can classify\n")
    assert run(["doctor", str(film)]) == 3
    said = capsys.readouterr().out
    assert f"{film}: is not a bundle" in said
    assert said.endswith("\nthis machine cannot classify yet: see bundle\n")


def test_the_changed_file_of_a_bundle_is_named(tiny: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "m.edge"
    wrong.write_bytes(tiny.read_bytes().replace(b"# A card", b"# a card"))
    (finding,) = (one for one in doctor.examine(str(wrong)) if one.name == "bundle")
    assert finding.text == f"{wrong}: card.md: is not the file that was written"


@pytest.mark.usefixtures("probed")
@pytest.mark.parametrize(
    ("present", "cures"),
    [("ai-edge-litert", []), ("onnxruntime", ["litert", "litert-python", "tflite-runtime"])],
)
def test_after_an_engine_that_runs_none_is_to_be_installed(
    present: str, cures: list[str], monkeypatch: Monkey
) -> None:
    monkeypatch.setattr(computer, "installed", lambda name: "1.0" if name == present else None)
    engines = [one for one in doctor.examine() if one.name.startswith("engine ")]
    assert [one.name.removeprefix("engine ") for one in engines if one.cure] == cures


@pytest.mark.usefixtures("probed")
def test_a_pillow_without_one_decoder_keeps_no_film_of_another_format_back(
    monkeypatch: Monkey,
) -> None:
    monkeypatch.setattr("PIL.features.check", lambda feature: feature != "webp")
    findings = doctor.examine("m.edge")
    assert found("Pillow").state == PROBLEM
    assert status(findings) == 0


@pytest.mark.usefixtures("probed")
def test_a_folder_this_user_may_not_look_into_is_a_line(
    tmp_path: Path, monkeypatch: Monkey
) -> None:
    def hidden(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "stat", hidden)  # as it ends below a folder of mode 0
    monkeypatch.setattr("os.path.isdir", lambda _: False)
    monkeypatch.setattr(doctor, "data_folder", lambda: tmp_path / "theirs")
    monkeypatch.setattr(doctor, "_bytecode", lambda: Finding("compiled", OK, ""))
    monkeypatch.setattr(doctor, "_proc", lambda: iter(()))
    assert "hidden from this user" in found("data folder").text
    assert found("disk").state == OK


@pytest.mark.parametrize("arguments", [["a.edge", "b.edge"], ["--format", "csv"]])
def test_what_it_does_not_take_leaves_with_2(arguments: list[str]) -> None:
    assert run(["doctor", *arguments]) == 2
