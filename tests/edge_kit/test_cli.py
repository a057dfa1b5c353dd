"""Every command line of `edge-kit` ends with a documented status and, where it fails, one line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge_export.cautions import Cautions
from edge_export.graph.network import load_model
from edge_kit import cli
from edge_kit.cli import parser, run
from edge_kit.commands.train import _counter_examples
from edge_kit.console import say
from edge_kit.data.reader import FilmReader
from edge_runtime.bundle import verify_all
from edge_runtime.errors import UsageError
from films import write_films

OUT = ["--out", "m.edge"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["fly"], "invalid choice: 'fly'"),
        (["train"], "the following arguments are required: --data, --out"),
        (["train", "--data", "d"], "the following arguments are required: --out"),
        (["train", "--data", "d", "--out", "r", "--epochs", "0"], "'0' is not a whole number"),
        (["train", "--data", "d", "--out", "r", "--epochs", "ten"], "'ten' is not a whole number"),
        (["train", "--data", "d", "--out", "r", "--seed", "-1"], "--seed"),
        (["train", "--data", "d", "--out", "r", "--seed", "4294967296"], "from 0 to 4294967295"),
        (["train", "--data", "d", "--out", "r", "--model", "model4"], "'model4' is not known"),
        (["train", "--data", "d", "--out", "r", "--learning-rate", "0"], "'0' is not a number"),
        (["train", "--data", "d", "--out", "r", "--batch-size", "0"], "'0' is not a whole number"),
        (["train", "--data", "d", "--out", "r", "--side", "63"], "a whole number from 64 to 1024"),
        (["train", "--data", "d", "--out", "r", "--channels", "2"], "invalid choice: 2"),
        (["train", "--data", "d", "--out", "r", "--modality", "mri"], "invalid choice: 'mri'"),
        (["train", "--data", "d", "--out", "r", "--fast"], "unrecognized arguments: --fast"),
        (["export"], "the following arguments are required: RUN|MODEL.keras, --out"),
        (["export", "r", *OUT], "no recipe chosen; add --int8"),
        (["export", "r", "--int8", "--out", "m.zip"], "m.zip is not a .edge file"),
        (["export", "r", "--int8", "--out", ".edge"], ".edge is not a .edge file; name it NAME"),
        (["export", "r", "--int8", *OUT, "--max-flips", "2"], "'2' is not a number from 0 to 1"),
        (["export", "r", "--int8", *OUT, "--max-flips", "nan"], "'nan' is not a number"),
        (["export", "r", "--int8", *OUT, "--max-auc-difference", "x"], "'x' is not a number"),
        (["export", "r", "--int8", *OUT, "--calibration-films", "0"], "from 1 to 10000"),
        (["export", "r", "--int8", *OUT, "--calibration-films", "10001"], "from 1 to 10000"),
        (["export", "r", "--int8", *OUT, "--name", "A b"], "'A b' is not of a-z"),
        (["export", "r", "--int8", *OUT, "--bundle-version", "v1"], "'v1' is not a version"),
        (["export", "r", "--int8", *OUT, "--bundle-version", "1..0"], "'1..0' is not a version"),
        (["export", "r", "--int8", *OUT, "--sensitivity", "1"], "not a number between 0 and 1"),
        (["export", "r", "--int8", *OUT, "--youden", "--sensitivity", ".9"], "not allowed with"),
        (["export", "r", "--int8", *OUT, "--calibration", "isotonic"], "invalid choice"),
        (["demo", "--seed", "x"], "'x' is not a whole number"),
    ],
)
def test_a_command_line_that_cannot_be_carried_out_is_one_line_and_status_2(
    arguments: list[str],
    problem: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("edge-kit: ")
    assert problem in shown.err
    assert shown.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_options_are_the_study_s_and_the_issue_s_where_nothing_is_said() -> None:
    trained = parser().parse_args(["train", "--data", "d", "--out", "r"])
    assert (trained.model, trained.epochs, trained.channels) == ("model3", None, None)
    assert (trained.resume, trained.deterministic, trained.no_cache) == (False, None, False)
    assert (trained.positive, trained.seed, trained.modality) == ("covid", 0, None)
    exported = parser().parse_args(["export", "r", *OUT])
    assert (exported.calibration_films, exported.seed) == (300, 0)
    assert (exported.max_flips, exported.max_auc_difference, exported.margin) == (0.01, 0.005, 0.02)
    assert (exported.calibration_method, exported.allow_calibration) == ("min_max", [])
    assert (exported.recipe, exported.choose, exported.require_pass) == ([], False, False)


def test_films_of_another_modality_are_used_or_it_is_said_why_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_films(tmp_path, "xray/covid", "xray/normal", "ct/covid")
    options = parser().parse_args(["train", "--data", str(tmp_path), "--out", "r"])
    cautions = Cautions(say)
    assert _counter_examples(options, "xray", FilmReader(), cautions) == ()
    line = "films of other modalities are left out: they cannot be used"
    assert f"warning: {line}\nof other modalities: {tmp_path}: " in capsys.readouterr().err
    assert cautions.warnings == (line,)
    write_films(tmp_path, "ct/normal")
    assert len(_counter_examples(options, "xray", FilmReader(), cautions)) == 16
    assert "counter-examples: 16 films of another modality" in capsys.readouterr().err
    options = parser().parse_args(
        ["train", "--data", str(tmp_path), "--out", "r", "--no-counter-examples"]
    )
    assert _counter_examples(options, "xray", FilmReader(), cautions) == ()
    assert len(cautions.warnings) == 1


@pytest.mark.usefixtures("tiny")
def test_training_and_export_from_the_command_line(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = tmp_path / "run"
    train = ["train", "--data", str(data), "--out", str(made), "--model", "tiny"]
    # With fewer epochs it decides all films alike, which is no model to ship.
    train += ["--side", "64", "--epochs", "30"]
    assert run(train) == 0
    shown = capsys.readouterr()
    assert "class 'noncovid' is noncovid: 18 films" in shown.err
    assert "train: 12 films in 12 groups, 6 covid" in shown.err
    *figures, conclusion = shown.out.splitlines()[:9]
    assert all(line.startswith(("val ", "test ")) for line in figures)
    assert conclusion.startswith("Accuracy on these films")
    assert shown.out.startswith("val   accuracy")
    # What was killed behind the training, before its figures were shown, shows them.
    assert run([*train, "--resume"]) == 0
    again = capsys.readouterr()
    assert again.out == shown.out
    assert f"{made}: is finished; there is nothing to resume" in again.err
    assert run([*train, "--resume", "--seed", "5"]) == 2

    loose = ["--max-flips", "1", "--max-auc-difference", "1", "--margin", "0.9"]
    loose += ["--allow-calibration", "few_films", "--max-uncertain", "1"]
    bundle = tmp_path / "m.edge"
    assert run(["export", str(made), "--int8", "--out", str(bundle), *loose]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("m 0.1.0: PASS: ")
    assert f"wrote {bundle}, identity {verify_all(bundle).identity}" in shown.err
    made_files = ["m.claim.md", "m.edge", "m.report.html", "m.report.json", "run"]
    assert sorted(one.name for one in tmp_path.iterdir()) == made_files

    assert (
        run(["export", str(made), "--int8", "--out", str(bundle), *loose, "--format", "json"]) == 0
    )
    content = json.loads(capsys.readouterr().out)
    assert content == json.loads((tmp_path / "m.report.json").read_text("utf-8"))
    assert set(content["calibration"]["overrides"]) == {"few_films"}

    film = next(data.rglob("*.png"))
    debugged = ["debug", str(bundle), str(film), "--against"]
    assert run([*debugged, str(made)]) == 0
    shown = capsys.readouterr()
    assert "model.int8.onnx" in shown.out
    assert shown.err == ""
    other = load_model(made / "model.keras")
    other.set_weights([-weight for weight in other.get_weights()])
    other.save(tmp_path / "other.keras")
    assert run([*debugged, str(tmp_path / "other.keras"), "--input-range", "0,255"]) == 0
    assert "warning: model.int8.tflite is nothing like the float model" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "status", "problem"),
    [
        (["train", "--data", "missing", "--out", "r"], 9, "missing: is no folder"),
        (["train", "--data", "empty", "--out", "r"], 9, "empty: holds no films"),
        (["train", "--data", "empty", "--out", "full"], 10, "full: exists already"),
        (["train", "--data", "empty", "--out", "r", "--folds", "3", "--allow-leaks"], 2,
         "--allow-leaks: folds never separate films that belong together"),
        (["export", "missing", "--int8", *OUT], 9, "missing: no such file or folder"),
        (["export", "empty", "--int8", *OUT], 9, "empty: is no run: it has no config.json"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_one_line_with_its_own_status(
    arguments: list[str],
    status: int,
    problem: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "kept").touch()
    assert run(arguments) == status
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("edge-kit: ")
    assert problem in line


@pytest.mark.parametrize(
    ("error", "status"),
    [(KeyboardInterrupt, 130), (cli.TerminatedBySignal, 143), (BrokenPipeError, 0)],
)
def test_interruptions_leave_with_the_status_of_their_signal(
    error: type[BaseException],
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def interrupted(_: object) -> None:
        raise error

    monkeypatch.setattr(cli.COMMANDS["demo"], "run", interrupted)
    monkeypatch.setattr(os, "dup2", lambda *_: None)
    assert run(["demo"]) == status
    assert "Traceback" not in capfd.readouterr().err


def test_names_that_cannot_be_printed_stay_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    say("warning: a\nb\x1b[2J\udcff")
    assert capsys.readouterr().err == "warning: a\\nb\\x1b[2J\\udcff\n"


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


COMMAND = [sys.executable, "-c", "from edge_kit.cli import main; main()"]


def test_sigterm_leaves_143_and_nothing_behind(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    arguments = ["train", "--data", str(data), "--out", str(out), "--epochs", "10000"]
    process = subprocess.Popen(
        [*COMMAND, *arguments], env=environment(), stderr=subprocess.PIPE, text=True
    )
    for _ in range(3000):  # until it has a folder to tidy up, and holds it
        if list(tmp_path.glob(".run.partial/run")) or process.poll() is not None:
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 143
    assert said.splitlines()[-1] == "edge-kit: terminated"
    assert "Traceback" not in said
    assert not list(tmp_path.iterdir())


def test_a_closed_stderr_does_not_turn_notes_into_results(tmp_path: Path) -> None:
    line = 'exec "$@" 2>&-'
    process = subprocess.run(
        ["/bin/sh", "-c", line, "sh", *COMMAND, "train", "--data", str(tmp_path), "--out", "r"],
        env=environment(),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        check=False,
    )
    assert (process.returncode, process.stdout) == (9, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_behind_stdout_is_one_line_and_status_10(trained: Path) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [*COMMAND, "runs", str(trained)],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=environment(),
        )  # fmt: skip
    assert done.stderr == "edge-kit: stdout: No space left on device; free some space\n"
    assert done.returncode == 10


def test_a_usage_error_is_raised_where_argparse_would_exit() -> None:
    with pytest.raises(UsageError):
        parser().parse_args(["train"])


@pytest.mark.parametrize("words", [["train"], ["data", "scan"], ["help"], []])
def test_help_of_a_command_is_that_commands_help(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    named = [word for word in words if word != "help"]
    for line in (["help", *words], [*named, "--help"]):
        with pytest.raises(SystemExit) as left:
            run(line)
        assert left.value.code == 0
        said = capsys.readouterr()
        assert " ".join(["usage: edge-kit", *named]) in said.out
        assert said.err == ""
    assert run(["help", "trian"]) == 2
    assert "invalid choice: 'trian'" in capsys.readouterr().err
