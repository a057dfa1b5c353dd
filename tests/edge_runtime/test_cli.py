"""Every command line ends with a documented status, one line for each complaint, no traceback."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from command_lines import Captured, complaints
from edge_runtime import cli
from edge_runtime.bundle.pack import unpack
from edge_runtime.cli import run
from edge_runtime.console import Terminated
from edge_runtime.engines import EngineUnavailable
from tiny_bundle import ONNX, TFLITE

pytestmark = pytest.mark.usefixtures("own_signals", "no_bundle_of_this_user")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "no command given"),
        (["clasify", "film.png"], "no command is called 'clasify'; one of: classify, info, check,"),
        (["--bundle", "m.edge"], "no command is called '--bundle'"),
        (["classify"], "no film given"),
        (["classify", "film.png", ""], "no film given"),
        (["classify", "film.png", "--heatmap", "film.jpg"], "'film.jpg' is no name of a PNG"),
        (["classify", "film.png", "--heatmap", "{tiny}"], "is no name of a PNG"),
        (["classify", "--flag", "film.png"], "option --flag not recognized"),
        (["classify", "film.png", "--format"], "option --format requires a value"),
        (["classify", "film.png", "--format", "xml"], "'xml' is not known; one of: table, json"),
        (["info", "--engine", "litert"], "option --engine not recognized"),
        (["classify", "-x", "film.png"], "option -x not recognized"),
        (["info", "--", "--engine", "litert"], "more than one bundle"),
        (["bench", "--quick=yes"], "option --quick not recognized"),
        (["info", "{tiny}", "--format", "csv"], "'csv' is not known here; one of: table, json"),
        (["info", "a.edge", "b.edge"], "more than one bundle"),
        (["check", "a.edge", "--bundle", "b.edge"], "more than one bundle"),
        (["classify", "f.png", "--bundle", "{tiny}", "--engine", "tpu"], "no engine is called"),
        *(
            (["classify", "f.png", "--threads", bad], "is no number of threads; 1 to 1024")
            for bad in ("0", "-1", "1025", "two", "1.5", "", " 1", "\u0663", "9" * 5000)
        ),
        *(
            (["classify", "f.png", "--bundle", "{tiny}", "--band", bad], "--band: ")
            for bad in ("wide", "", "-0.1", "0.51", "nan", "inf", "1e999")
        ),
        (["classify", "f.png", "--resume", "r.csv", "--format", "json"], "writes no json"),
        (["classify", "f.png", "--heatmap", "o.png", "--resume", "r.csv"], "not go with --resume"),
        (
            ["classify", "f.png", "--heatmap", "o.png", "--isolated"],
            "reads the film in this",
        ),
        (["classify", "f.png", "g.png", "--heatmap", "o.png"], "--heatmap: is for one film"),
        (["classify", ".", "--heatmap", "o.png"], "--heatmap: is for one film"),
        (["classify", "--files-from", "-", "--heatmap", "o.png"], "--heatmap: is for one film"),
        (["classify", "--bundle", "{tiny}", "--files-from", "none.txt"], "No such file"),
        (["classify", "--bundle", "{tiny}", "--files-from", os.devnull], "names no film; give a"),
        (["classify", "--bundle", "{tiny}", "--files-from", "{tiny}"], "is no list of paths but"),
        (["classify", "--bundle", "{tiny}", "--files-from", "."], "Is a directory"),
        (["classify", "film.png", "-0"], "--null: is for --files-from; leave it out"),
        (["classify", "film.png", "--null"], "--null: is for --files-from; leave it out"),
        (["info", "-0"], "option -0 not recognized"),
        (["classify", "film.png", "---0"], "option ---0 not recognized"),
        (["classify", "film.png", "--null=1"], "option --null not recognized"),
        (
            ["classify", "film.png"],
            "none given and none found; name one, set EDGE_BUNDLE or add one: edge-run bundles",
        ),
        (["info"], "none given and none found; name one"),
    ],
)
def test_what_cannot_be_carried_out_leaves_with_2(
    arguments: list[str], said: str, tiny: Path, capsys: Captured
) -> None:
    assert run([argument.format(tiny=tiny) for argument in arguments]) == 2
    (complaint,) = complaints(capsys)
    assert said in complaint


@pytest.mark.parametrize("command", [["classify", "f.png", "--bundle"], ["info"], ["check"]])
def test_what_is_no_bundle_leaves_with_3(
    command: list[str], film: Path, tmp_path: Path, capsys: Captured
) -> None:
    unreadable = {
        tmp_path / "none.edge": "does not exist",
        film: "is not a bundle",
        tmp_path: "holds no manifest.json",
        Path(os.devnull): "is not a regular file",
    }
    for path, problem in unreadable.items():
        assert run([*command, str(path)]) == 3
        (complaint,) = complaints(capsys)
        assert complaint.startswith(f"edge-run: {path}: {problem}")
    assert run([*command, ""]) == 3


@pytest.mark.parametrize("command", [["classify", "{film}", "--bundle"], ["check"]])
def test_a_damaged_graph_leaves_with_4_before_any_answer(
    command: list[str], tiny: Path, film: Path, tmp_path: Path, capsys: Captured
) -> None:
    unpack(tiny, tmp_path / "folder")
    for graph in (TFLITE, ONNX):
        path = tmp_path / "folder" / graph
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    arguments = [argument.format(film=film) for argument in command]
    assert run([*arguments, str(tmp_path / "folder")]) == 4
    said, _ = capsys.readouterr()
    assert said == ""


def test_no_engine_leaves_with_6(
    tiny: Path, film: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unusable(name: str) -> None:
        raise EngineUnavailable(f"{name} is broken")

    monkeypatch.setattr("edge_runtime.engines.select.import_module", unusable)
    for arguments in (["classify", str(film), "--bundle", str(tiny)], ["check", str(tiny)]):
        assert run(arguments) == 6
        *passed_over, complaint = complaints(capsys)
        assert len(passed_over) == 4
        assert complaint.startswith(f"edge-run: {tiny}: no engine can run it")


def test_info_shows_the_bundle_to_people_and_to_machines(tiny: Path, capsys: Captured) -> None:
    assert run(["info", str(tiny)]) == 0
    assert "model3-xray 0.1.0" in capsys.readouterr().out
    assert run(["info", "--bundle", str(tiny), "--format", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["name"] == "model3-xray"
    assert len(shown["identity"]) == 64


def test_the_bundle_is_the_named_one_else_the_variable_else_the_chosen_one(
    tiny: Path, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = cli_data_folder(monkeypatch, tmp_path)
    (folder / "gone.edge").symlink_to(folder / "nowhere")
    (folder / "._old.edge").write_bytes(b"what macOS leaves beside it")
    shutil.copy(tiny, folder / "old.edge")
    shutil.copy(tiny, folder / "not-a-bundle.zip")
    assert run(["check"]) == 0  # the only one
    assert capsys.readouterr().out.startswith(f"{folder / 'old.edge'}: ")
    shutil.copy(tiny, folder / "new.edge")
    assert run(["check"]) == 2
    assert complaints(capsys) == [
        f"edge-run: --bundle: none given, and none of the 2 bundles in {folder} was chosen; "
        "choose one: edge-run bundles --use NAME"
    ]
    assert run(["bundles", "--use", "old"]) == 0
    shutil.copy(tiny, folder / "newest.edge")
    capsys.readouterr()
    assert run(["check"]) == 0
    assert capsys.readouterr().out.startswith(f"{folder / 'old.edge'}: ")
    monkeypatch.setenv("EDGE_BUNDLE", str(folder / "new.edge"))
    assert run(["check"]) == 0
    assert capsys.readouterr().out.startswith(f"{folder / 'new.edge'}: ")
    assert run(["check", str(tiny)]) == 0
    assert capsys.readouterr().out.startswith(f"{tiny}: ")
    monkeypatch.setenv("EDGE_BUNDLE", str(folder / "none.edge"))
    assert run(["check"]) == 3
    assert "none.edge: does not exist" in capsys.readouterr().err


def test_the_default_bundle_is_told_by_its_path(
    tiny: Path, film: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGE_BUNDLE", str(tiny))
    assert run(["classify", str(film)]) == 0
    assert complaints(capsys) == [f"bundle: {tiny}"]
    assert run(["classify", str(film), "--bundle", str(tiny)]) == 0
    assert complaints(capsys) == []


def cli_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    from edge_runtime.bundle.defaults import data_folder

    monkeypatch.setenv("HOME", str(tmp_path))
    found = data_folder()
    assert found is not None
    folder = Path(found)
    folder.mkdir(parents=True)
    return folder


def test_an_interruption_is_a_status_and_a_line(
    tiny: Path, film: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    for signal, status in ((KeyboardInterrupt, 130), (Terminated, 143)):

        def interrupted(*_: object, signal: type[BaseException] = signal) -> None:
            raise signal

        monkeypatch.setattr("edge_runtime.answer.classify.film_pixels", interrupted)
        for films in (1, 9):  # in this thread, or in one of its own
            assert run(["classify", *[str(film)] * films, "--bundle", str(tiny)]) == status
            assert len(complaints(capsys)) == 1


@pytest.mark.parametrize("said", [None, "the status of the first signal"])
def test_a_signal_before_or_after_the_command_leaves_no_traceback(
    said: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Left(BaseException): ...

    class Stream:
        def flush(self) -> None:
            raise KeyboardInterrupt

    def interrupted(_: list[str]) -> int:
        if said is None:
            raise KeyboardInterrupt
        return 143

    def leave(status: int) -> None:
        raise Left(status)

    monkeypatch.setattr(cli, "run", interrupted)
    monkeypatch.setattr("sys.stdout", Stream())
    monkeypatch.setattr(os, "_exit", leave)
    with pytest.raises(Left) as left:
        cli.main()
    assert left.value.args == (130 if said is None else 143,)
