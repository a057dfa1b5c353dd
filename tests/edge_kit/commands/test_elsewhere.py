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


def test_an_evaluation_begins_with_films_from_elsewhere_and_then_what_is_within_sources(
    films: tuple[Path, Path], bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own, far = films
    out = tmp_path / "out"
    arguments = ["evaluate", bundle, "--data", own, "--split", "all", "--elsewhere", far]
    assert run([*map(str, arguments), "--out", str(out), "--by", "finding,source"]) == 0
    printed = capsys.readouterr().out
    places = [
        printed.index(text)
        for text in (
            "Elsewhere: the network ", "\nAUC within sources", "\ncovid against no finding",
            "\ncovid against other findings", "\nauc  ",
        )
    ]  # fmt: skip
    assert places == sorted(places)
    document = json.loads((out / "evaluation.json").read_text("utf-8"))
    assert document["schema"] == SCHEMA
    assert document["elsewhere"]["folder"] == "far"
    assert (
        list(document["yardstick"]["sentences"])
        == printed.splitlines()[: len(document["yardstick"]["sentences"])]
    )
    page = (out / "report.html").read_text("utf-8")
    assert page.index("Elsewhere: the network ") < page.index(">AUC of all films<")


def test_an_audit_prints_the_baseline_and_what_it_reaches_elsewhere(
    films: tuple[Path, Path], bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own, far = films
    audit = ["audit", "--data", str(own), "--elsewhere", str(far)]
    assert run(audit) == 0
    printed = capsys.readouterr().out
    assert "a linear model on HOG features " in printed
    assert "Elsewhere: AUC of the linear baseline: within sources " in printed
    assert "AUC of the network" not in printed
    assert run([*audit, "--model", str(bundle), "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["baseline"]["n"] == 16
    assert document["elsewhere"][0].startswith("Elsewhere: the network ")


@pytest.mark.parametrize(
    ("options", "status", "told"),
    [
        (["--by", "hospital"], 2, "manifest.csv states the hospital of no film"),
        (["--by", "age"], 2, "'age' is not of source, hospital and finding"),
        (["--elsewhere", "OWN"], 9, "48 that are among those of the training's folder"),
    ],
)
def test_what_cannot_be_judged_by_is_one_line_and_nothing_is_written(
    options: list[str],
    status: int,
    told: str,
    films: tuple[Path, Path],
    bundle: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    given = [str(films[0]) if one == "OWN" else one for one in options]
    command = ["evaluate", str(bundle), "--data", str(films[0]), "--out", str(out), *given]
    assert run(command) == status
    lines = [line for line in capsys.readouterr().err.splitlines() if told in line]
    assert len(lines) == 1
    assert not out.exists()
