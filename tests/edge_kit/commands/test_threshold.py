"""A site's fitted bundle is written whole and told apart from its origin, or not written."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_kit.cli import run
from edge_runtime.bundle import verify_all
from films import write_film
from tiny_bundle import edge_run, write_tiny_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bundle(tmp_path_factory.mktemp("bundle") / "tiny.edge")


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("films")
    for one in range(6):
        write_film(root / "covid" / f"{one}.png", one, gamma=0.6)
        write_film(root / "normal" / f"{one}.png", 100 + one)
    return root


def test_a_site_s_bundle_is_written_checked_and_told_apart(
    bundle: Path, films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new.edge"
    given = ["threshold", str(bundle), "--data", str(films), "--out", str(out)]
    assert run([*given, "--sensitivity", "0.8", "--calibration", "platt"]) == 0
    shown = capsys.readouterr()
    assert "threshold    0.5 -> " in shown.out
    assert "the highest with a sensitivity of at least 0.8 on 6 positive and 6 neg" in shown.out
    assert shown.out.count(": sensitivity ") == 4
    assert "warning: 6 films of covid are few" in shown.err
    with verify_all(out) as found:
        assert f"identity {found.identity}" in shown.err
        decision = found.manifest.decision
    assert decision.calibration.method == "platt"
    assert edge_run("check", out).returncode == 0
    rows = edge_run("classify", films, "--bundle", out, "--format", "csv").stdout.splitlines()
    assert len(rows) == 13
    assert str(decision.threshold) in rows[1]
    assert run([*given, "--youden"]) == 10  # nothing is written over
    assert verify_all(out).identity == found.identity


def test_a_band_for_a_coverage_is_written_with_its_report(
    bundle: Path, films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, report = tmp_path / "new.edge", tmp_path / "report"
    given = ["threshold", str(bundle), "--data", str(films), "--coverage", "0.8"]
    places = ["--out", str(out), "--report", str(report)]
    assert run([*given, "--max-uncertain", "1", *places]) == 0
    shown = capsys.readouterr()
    with verify_all(out) as opened:
        band = opened.manifest.decision.uncertain
        assert opened.manifest.site is not None
    assert f" -> {band.low:g} to {band.high:g}\n" in shown.out
    assert (
        "coverage of covid: 0.8 asked, 0.857 on average over calibrations on 6 films" in shown.out
    )
    assert "warning: the coverage of 0.8 holds for films of this hospital alone" in shown.err
    assert sorted(path.name for path in report.iterdir()) == ["coverage.html", "coverage.json"]
    assert edge_run("check", out).returncode == 0
    again = ["--out", str(tmp_path / "other.edge"), "--report", str(report)]
    assert run([*given, *again]) == 10  # nothing is written over
    assert not (tmp_path / "other.edge").exists()


@pytest.mark.parametrize(
    ("arguments", "status", "problem"),
    [
        ([], 2, "nothing to fit"),
        (["--coverage", "1"], 2, "'1' is not a number between 0 and 1"),
        (["--coverage", "0.9", "--youden"], 2, "not allowed with"),
        (["--coverage", "0.95"], 9, "a coverage of 0.95 needs 19 of each: ask for less"),
        (["--youden", "--report", "r"], 2, "there is one of a coverage alone; add --coverage X"),
        (["--sensitivity", "0.9", "--youden"], 2, "not allowed with"),
        (["--sensitivity", "90"], 2, "'90' is not a number from 0 to 1"),
        (["--youden", "--out", "m.zip"], 2, "m.zip is not a .edge file"),
        (["--youden", "--out", "@bundle"], 2, "is the bundle itself"),
        (["--youden", "--modality", "ct"], 2, "is for xray"),
        (["--youden", "--positive", "flu"], 9, "no class is named 'flu'"),
        (["--youden", "--out", "none/m.edge"], 10, "make the folder first"),
        (["--youden", "--out", "m.edge/"], 10, "m.edge/: is the name of a folder; give the name"),
    ],
)
def test_what_cannot_be_fitted_is_one_line_and_leaves_nothing(
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
    before = bundle.read_bytes()
    given = ["threshold", str(bundle), "--data", str(films), "--out", "m.edge", *arguments]
    assert run([str(bundle) if one == "@bundle" else one for one in given]) == status
    assert problem in capsys.readouterr().err.splitlines()[-1]
    assert not list(tmp_path.iterdir())
    assert bundle.read_bytes() == before


def _loop(out: Path) -> None:
    out.symlink_to(out.with_name("other.edge"))
    out.with_name("other.edge").symlink_to(out)


def _link_to_nowhere(out: Path) -> None:
    out.symlink_to("missing/m.edge")


def _pipe(out: Path) -> None:
    os.mkfifo(out)


@pytest.mark.skipif(os.name == "nt", reason="links and pipes of Unix")
@pytest.mark.parametrize("make", [_loop, _link_to_nowhere, _pipe, Path.mkdir])
def test_a_place_that_cannot_be_written_is_refused_before_a_film_is_judged(
    make: Callable[[Path], None], bundle: Path, films: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def judge(*_: object) -> None:
        raise AssertionError("films are judged")

    monkeypatch.setattr("edge_kit.evaluation.refit.refit", judge)
    monkeypatch.setattr("edge_kit.commands.threshold.films_to_judge", judge)
    out = tmp_path / "m.edge"
    make(out)
    names = sorted(path.name for path in tmp_path.iterdir())
    given = ["threshold", str(bundle), "--data", str(films), "--youden", "--out", str(out)]
    assert run(given) == 10
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == names
