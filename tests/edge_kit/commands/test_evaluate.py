"""`edge-kit evaluate` prints what its report holds, for a run as for a bundle."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from edge_kit.cli import run
from films import write_films
from tiny_bundle import write_tiny_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bundle(tmp_path_factory.mktemp("bundle") / "tiny.edge")


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_films(tmp_path_factory.mktemp("films"), "corona", "other", count=3)


def test_a_bundle_is_judged_and_the_report_is_what_was_printed(
    bundle: Path, films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report"
    given = ["evaluate", str(bundle), "--data", str(films), "--positive", "corona"]
    assert run([*given, "--out", str(out), "--format", "json", "--prevalence", "0.03"]) == 0
    shown = capsys.readouterr()
    assert "class 'corona' is corona: 3 films" in shown.err
    content = json.loads(shown.out)
    assert content == json.loads((out / "evaluation.json").read_text("utf-8"))
    assert [one["prevalence"] for one in content["figures"]["predictive"]] == [0.03]
    assert run(given) == 0
    assert capsys.readouterr().out.startswith("model3-xray 0.1.0, all films: 6, of which 6 judged")


def test_a_run_is_judged_on_its_test_films(
    trained: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report"
    assert run(["evaluate", str(trained), "--data", str(data), "--out", str(out)]) == 0
    told = capsys.readouterr().out
    assert told.startswith("tiny, test films: 12")
    content = json.loads((out / "evaluation.json").read_text("utf-8"))
    assert content["caveat"][0].startswith("Accuracy on these films is ")
    assert told.endswith("".join(f"{one}\n" for one in content["caveat"]))
    assert content["caveat"][0] in (out / "report.html").read_text("utf-8")


def test_a_film_that_cannot_be_read_is_named_on_the_terminal_alone(
    bundle: Path, films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, out = tmp_path / "films", tmp_path / "report"
    shutil.copytree(films, root)
    (root / "corona" / "smith_1950.png").write_bytes(b"torn")
    given = ["evaluate", str(bundle), "--data", str(root), "--positive", "corona"]
    assert run([*given, "--skip-unreadable", "--out", str(out), "--format", "json"]) == 0
    shown = capsys.readouterr()
    assert "smith_1950.png" in shown.err
    assert "1 film left out, that cannot be read" in json.loads(shown.out)["warnings"]
    for file in out.iterdir():
        assert "smith" not in file.read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "status", "problem"),
    [
        (["@bundle", "--data", "@films"], 9, "no class is named 'covid'"),
        (["@bundle", "--data", "@films", "--positive", "corona", "--modality", "ct"], 2,
         "--modality: model3-xray 0.1.0 is for xray"),
        (["@bundle", "--data", "@films", "--positive", "corona", "--split", "test"], 2,
         "--split: these films have no splits"),
        (["@bundle", "--data", "none"], 9, "none: is no folder"),
        (["@bundle", "--data", "@films", "--positive", "noncovid"], 2,
         "'noncovid' is the model's negative class"),
        (["none", "--data", "@films"], 9, "none: no such file or folder"),
        (["@bundle", "--data", "@films", "--out", "@films"], 10, "exists already"),
        (["@bundle", "--data", "@films", "--prevalence", "1"], 2, "between 0 and 1"),
        (["@bundle"], 2, "required: --data"),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_is_one_line_with_its_status(
    arguments: list[str],
    status: int,
    problem: str,
    bundle: Path,
    films: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    places = {"@bundle": str(bundle), "@films": str(films)}
    assert run(["evaluate", *(places.get(one, one) for one in arguments)]) == status
    shown = capsys.readouterr()
    assert problem in shown.err.splitlines()[-1]
    assert shown.out == ""
    assert not list(tmp_path.iterdir())
