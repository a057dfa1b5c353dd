"""`edge-kit data scan` counts every film, names what it cannot read, and leaves both its files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from copied_films import write_copied_films
from edge_kit.cli import run
from films import write_films


def test_a_scan_prints_counts_and_leaves_report_and_groups(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_copied_films(tmp_path / "data")
    out = tmp_path / "scan"
    assert run(["data", "scan", str(root), "--out", str(out), "--format", "json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["duplicates"] == 4
    assert printed.err == f"wrote {out}/report.html and {out}/groups.csv\n"
    assert (out / "groups.csv").read_text(encoding="utf-8").count("\n") == 11
    assert (out / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize(("options", "status"), [([], 5), (["--skip-unreadable"], 0)])
def test_an_unreadable_film_is_told_and_the_others_are_scanned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], status: int
) -> None:
    root = write_films(tmp_path / "data", "covid", "normal", count=2)
    (root / "covid/bad.png").write_bytes(b"torn")
    out = tmp_path / "scan"
    assert run(["data", "scan", str(root), "--out", str(out), *options]) == status
    printed = capsys.readouterr()
    assert "covid/bad.png" in printed.err
    assert "films                          4\nunreadable                     1\n" in printed.out
    assert (out / "groups.csv").is_file()


@pytest.mark.parametrize(
    ("arguments", "status", "problem"),
    [
        (["data"], 2, "required: ACTION; see edge-kit data --help"),
        (["data", "scan", "d"], 2, "required: --out; see edge-kit data scan --help"),
        (["data", "scan", "gone", "--out", "new"], 9, "gone: is no folder"),
        (["data", "scan", "gone", "--out", "."], 10, ".: exists already; name a new folder"),
    ],
)
def test_a_scan_that_cannot_be_carried_out_is_one_line(
    arguments: list[str],
    status: int,
    problem: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(arguments) == status
    printed = capsys.readouterr()
    assert problem in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""
