"""Uninstalling leaves nothing of ours, and all that is not ours."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from fake_stick import (
    DATA,
    everything,
    install,
    installed,
    posix,
    run_in,
)
from tiny_bundle import write_tiny_bundle

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@posix
@pytest.mark.parametrize("way", ["uninstall.sh", "the stick", "the stick's uninstall.sh"])
def test_uninstalling_leaves_nothing_and_a_second_time_says_so(
    way: str, house: Path, tmp_path: Path
) -> None:
    install(house)
    bundle = write_tiny_bundle(tmp_path / "added.edge", tolerance=0.5)
    assert installed(tmp_path, "bundles", "--add", bundle).returncode == 0
    bundle.unlink()
    (tmp_path / DATA / "engines.json").write_text("{}")  # of a run of many films
    tools = tmp_path / "the stick"
    line = {
        "uninstall.sh": ["sh", tmp_path / "edge-run/uninstall.sh"],
        "the stick": [sys.executable, tools / "install.py", "--uninstall"],
        "the stick's uninstall.sh": ["sh", tools / "uninstall.sh"],
    }[way]
    done = run_in(tmp_path, *line)
    assert (done.returncode, done.stderr.splitlines()) == (0, [
        f"removed: added.edge, m.edge in {tmp_path / DATA}", f"removed: {tmp_path}/edge-run"
    ])  # fmt: skip
    (tmp_path / "log").unlink()
    assert [path.name for path in tmp_path.iterdir()] == ["the stick"]
    if way != "uninstall.sh":
        done = run_in(tmp_path, *line)
        assert (done.returncode, done.stderr) == (
            0, f"uninstall: nothing is installed in {tmp_path}/edge-run\n"
        )  # fmt: skip


@posix
def test_what_somebody_else_put_there_stays_and_is_named(house: Path, tmp_path: Path) -> None:
    install(house)
    (tmp_path / "edge-run" / "results.csv").touch()
    (tmp_path / DATA / "own.edge").write_bytes((house / "m.edge").read_bytes())
    (tmp_path / DATA / "m.edge").write_bytes(b"another by now")
    (tmp_path / DATA / f".{'0' * 16}.part").touch()  # of an edge-run that was killed
    done = run_in(tmp_path, "sh", tmp_path / "edge-run/uninstall.sh")
    assert (done.returncode, done.stderr.splitlines()) == (0, [
        f"kept: m.edge, own.edge in {tmp_path / DATA}: "
        "edge-run did not put it there, or not like that",
        f"removed: {tmp_path}/edge-run, but not results.csv: not ours",
    ])  # fmt: skip
    assert sorted(everything(tmp_path / ".local")) == [
        "share", "share/edge-kit", "share/edge-kit/m.edge", "share/edge-kit/own.edge"
    ]  # fmt: skip
    assert sorted(everything(tmp_path / "edge-run")) == ["results.csv"]


@posix
def test_bundles_stay_as_long_as_another_environment_uses_them(house: Path, tmp_path: Path) -> None:
    install(house)
    install(house, tmp_path / "second")
    done = run_in(tmp_path, "sh", tmp_path / "edge-run/uninstall.sh")
    assert done.stderr.splitlines() == [
        f"kept: the bundles in {tmp_path / DATA}, which {tmp_path}/second uses",
        f"removed: {tmp_path}/edge-run",
    ]
    assert run_in(tmp_path, tmp_path / "second/bin/edge-run", "bundles").returncode == 0
    assert run_in(tmp_path, "sh", tmp_path / "second/uninstall.sh").returncode == 0
    assert not (tmp_path / ".local").exists()


@posix
@pytest.mark.parametrize("name", ["letters", "a venv", "a file", "home"])
def test_what_was_not_installed_by_it_is_never_removed(
    name: str, house: Path, tmp_path: Path
) -> None:
    place = tmp_path / name
    if name == "letters":
        place.mkdir()
        (place / "letter.txt").touch()
    elif name == "a venv":
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    elif name == "a file":
        place.touch()
    else:
        place = tmp_path
    before = everything(tmp_path)
    for line in (["install.py", "--uninstall"], ["uninstall.py"]):
        done = run_in(tmp_path, sys.executable, house / line[0], *line[1:], place)
        assert done.returncode == 10
        assert done.stderr.endswith(f"{place}: was not made by install.py; nothing was removed\n")
    assert install(house, place).returncode == 10
    assert everything(tmp_path) == before


@posix
def test_a_mark_that_leads_elsewhere_removes_nothing_there(house: Path, tmp_path: Path) -> None:
    install(house)
    (tmp_path / "letter.txt").touch()
    mark = tmp_path / "edge-run/edge-run.json"
    mark.write_text(mark.read_text().replace('"include"', '"../letter.txt", "..", "."'))
    record = tmp_path / DATA / "bundles.json"
    record.write_text(json.dumps({"chosen": None, "added": {"../../../letter.txt": EMPTY}}))
    assert run_in(tmp_path, "sh", tmp_path / "edge-run/uninstall.sh").returncode == 0
    assert (tmp_path / "letter.txt").exists()
    assert (tmp_path / "edge-run/include").exists()
