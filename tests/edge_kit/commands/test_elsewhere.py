"""`--by` and `--elsewhere` on the command line: what is printed, and what is refused in a line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge_kit.cli import run
from edge_kit.evaluation.evaluation import SCHEMA
from shortcut_films import bright_centre, bright_corner, write_dataset
from tiny_bundle import write_tiny_bundle


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return films with splits, and films of two sources from elsewhere."""
    root = tmp_path_factory.mktemp("films")
    for name, draw, seed in (("own", bright_corner, 1), ("far", bright_centre, 2)):
        rows = ["path,label,split,source,finding,modality"]
        for number, film in enumerate(write_dataset(root / name, draw, 48, seed).films):
            split = film.split if name == "own" else ""
            finding = "COVID-19" if film.label == "covid" else ("", "normal", "SARS")[number % 3]
            source = "ab"[number % 4 < 2]
            rows.append(f"{film.path.name},{film.label},{split},{source},{finding},xray")
        (root / name / "manifest.csv").write_text("\n".join(rows) + "\n", "utf-8")
    return root / "own", root / "far"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bundle(tmp_path_factory.mktemp("bundle") / "tiny.edge")


def test_an_evaluation_begins_with_what_is_within_sources(
    films: tuple[Path, Path], bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, own = tmp_path / "out", films[0]
    arguments = ["evaluate", str(bundle), "--data", str(own), "--split", "all", "--out", str(out)]
    assert run([*arguments, "--by", "finding,source"]) == 0
    printed = capsys.readouterr().out
    parts = "AUC within sources", "\ncovid against no finding", "\ncovid against other", "\nauc  "
    places = [printed.index(part) for part in parts]
    assert places == sorted(places)
    assert places[0] == 0
    document = json.loads((out / "evaluation.json").read_text("utf-8"))
    assert (document["schema"], document["elsewhere"]) == (SCHEMA, None)
    said = document["yardstick"]["sentences"]
    assert printed.splitlines()[: len(said)] == said


def test_films_from_elsewhere_stand_before_all_other_figures(
    trained: Path,
    data: Path,
    films: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    arguments = ["evaluate", str(trained), "--data", str(data), "--elsewhere", str(films[1])]
    assert run([*arguments, "--out", str(out)]) == 0
    assert capsys.readouterr().out.startswith("Elsewhere: the network ")
    document = json.loads((out / "evaluation.json").read_text("utf-8"))
    assert document["elsewhere"]["folder"] == "far"
    assert document["elsewhere"]["difference"]["n"] == 48
    page = (out / "report.html").read_text("utf-8")
    assert page.index("Elsewhere: the network ") < page.index(">AUC<")


def test_an_audit_prints_the_baseline_and_what_it_reaches_elsewhere(
    trained: Path, data: Path, films: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    audit = ["audit", "--data", str(data), "--elsewhere", str(films[1])]
    assert run(audit) == 0
    printed = capsys.readouterr().out
    assert "a linear model on HOG features " in printed
    assert "Elsewhere: AUC of the linear baseline: within sources " in printed
    assert "AUC of the network" not in printed
    assert run([*audit, "--model", str(trained), "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["baseline"]["n"] == 12
    assert document["elsewhere"][0].startswith("Elsewhere: the network ")


def test_films_from_elsewhere_choose_nothing_of_a_training(
    tiny: None, data: Path, films: tuple[Path, Path], tmp_path: Path
) -> None:
    del tiny
    train = ["train", "--data", str(data), "--model", "tiny", "--side", "64", "--keep", "best"]
    train += ["--no-film-gate", "--epochs", "2"]
    assert run([*train, "--out", str(tmp_path / "alone")]) == 0
    assert run([*train, "--out", str(tmp_path / "beside"), "--elsewhere", str(films[1])]) == 0
    alone, beside = tmp_path / "alone", tmp_path / "beside"
    for name in ("model.keras", "splits.csv", "history.csv"):
        assert (alone / name).read_bytes() == (beside / name).read_bytes(), name
    configs = [json.loads((run / "config.json").read_text("utf-8")) for run in (alone, beside)]
    for key in configs[0].keys() - {"warnings", "caveat"}:
        assert configs[0][key] == configs[1][key], key
    assert configs[1]["caveat"][0].startswith("Elsewhere: the network ")


@pytest.mark.parametrize("command", ["audit", "evaluate"])
def test_a_baseline_is_fitted_on_the_films_of_the_training_or_not_at_all(
    command: str, trained: Path, films: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    own, far = films
    model = ["--model", str(trained)] if command == "audit" else [str(trained)]
    assert run([command, *model, "--data", str(own), "--elsewhere", str(far)]) == 2
    assert "was trained on, for the baseline, are not in --data" in capsys.readouterr().err


def test_films_of_the_training_are_none_from_elsewhere(
    trained: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    command = ["evaluate", str(trained), "--data", str(data), "--elsewhere", str(data)]
    assert run([*command, "--out", str(out)]) == 9
    assert "36 that are among those of the training's folder" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(
    ("column", "told"),
    [
        ("hospital", "states the hospital of no film"),
        ("age", "'age' is not of source, hospital and finding"),
    ],
)
def test_what_cannot_be_judged_by_is_one_line_and_nothing_is_written(
    column: str,
    told: str,
    films: tuple[Path, Path],
    bundle: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    command = ["evaluate", str(bundle), "--data", str(films[0]), "--out", str(out), "--by", column]
    assert run(command) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if told in line]
    assert len(lines) == 1
    assert not out.exists()
