"""The box takes what was written, whole, or nothing; no way leads to a network."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fake_stick import (
    DATA,
    HERE,
    finish,
    install,
    installed,
    posix,
)
from fake_wheels import write_wheel


@posix
def test_wheels_bundle_and_proof_by_one_command(house: Path) -> None:
    home = house.parent
    done = install(house, home / "box")
    bundle = home / DATA / "m.edge"
    added, said, removing = done.stderr.splitlines()
    assert done.returncode == 0
    assert added.startswith("edge-run: added m.edge: model3-xray 0.1.0, identity ")
    assert added.endswith("; in use: m.edge (chosen)")
    assert said == f"installed: {home}/box/bin/edge-run, 1.0 (litert)"
    assert removing == f"to remove it: sh {home}/box/uninstall.sh"
    assert bundle.read_bytes() == (house / "m.edge").read_bytes()
    pip, *said_to = (home / "log").read_text().splitlines()
    assert said_to == [
        "edge-run --version",
        f"edge-run check {house}/m.edge",
        "edge-run --version",
        f"edge-run bundles --add --keep {house}/m.edge",
        "edge-run doctor",
    ]
    assert pip.startswith("pip install --isolated --no-index --no-deps ")
    assert pip.endswith("edge_runtime-1.0-py3-none-any.whl")
    assert not list(house.rglob("__pycache__"))


@posix
def test_a_bundle_that_fails_on_this_machine_is_said(house: Path) -> None:
    done = install(house, STATUS="7")
    assert done.returncode == 7
    assert done.stderr.endswith("m.edge: did not pass its check on this machine\n")
    assert installed(house.parent, "doctor").returncode == 0


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a changed wheel": (lambda d: _flip(d / "edge_runtime-1.0-py3-none-any.whl"), "is not the"),
    "a changed bundle": (lambda d: _flip(d / "m.edge"), "m.edge: is not the file that was"),
    "a changed remover": (lambda d: _flip(d / "uninstall.sh"), "uninstall.sh: is not the file"),
    "a changed script": (lambda d: _flip(d / "install.sh"), "install.sh: is not the file"),
    "a missing wheel": (lambda d: (d / "pip-1.0-py3-none-any.whl").unlink(), "cannot be read"),
    "a stray wheel": (lambda d: write_wheel(d, "stray"), "stray-1.0-py3-none-any.whl: is not in"),
    "no digests": (lambda d: (d / "SHA256SUMS").unlink(), "SHA256SUMS: cannot be read"),
    "digests cut short": (lambda d: os.truncate(d / "SHA256SUMS", 70), "copy the folder again"),
    "foreign digests": (lambda d: (d / "SHA256SUMS").write_bytes(b"\xff"), "cannot be read"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_nothing_is_installed_from_a_damaged_folder(name: str, house: Path) -> None:
    spoil, line = DAMAGE[name]
    spoil(house)
    done = install(house, house.parent / "box")
    assert done.returncode == 4
    assert line in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (house.parent / "box").exists()
    assert not (house.parent / "log").exists()


def test_another_python_is_named_before_anything_is_made(house: Path) -> None:
    finish(house, python="3.99")
    done = install(house)
    assert done.returncode == 2
    assert done.stderr == (
        f"install: Python 3.99 is needed, this is {HERE}; add FOR_PYTHON={HERE}\n"
    )


def test_a_folder_with_something_else_in_it_is_left_alone(house: Path) -> None:
    (house.parent / "box").mkdir()
    (house.parent / "box" / "letter.txt").touch()
    done = install(house, house.parent / "box")
    assert done.returncode == 10
    assert "box: holds something else; name a new folder" in done.stderr
    assert [path.name for path in (house.parent / "box").iterdir()] == ["letter.txt"]


USAGE = "install: python install.py [FOLDER] | python install.py --uninstall [FOLDER]\n"


@pytest.mark.parametrize(
    "arguments", [["a", "b"], ["--help"], ["--uninstall", "a", "b"], ["--uninstall", "--uninstall"]]
)
def test_a_wrong_command_line_is_answered_by_the_right_one(
    arguments: list[str], house: Path
) -> None:
    done = install(house, *arguments)
    assert (done.returncode, done.stderr) == (2, USAGE)


def test_what_macos_leaves_beside_each_file_of_a_stick_is_nothing(house: Path) -> None:
    for path in list(house.iterdir()):
        (house / f"._{path.name}").write_bytes(b"\0\5\x16\7")
    done = install(house)
    assert done.returncode == 0, done.stderr
    assert not list((house.parent / DATA).glob("._*"))


def test_every_file_has_its_digest_and_scripts_the_line_ends_of_their_system(house: Path) -> None:
    listed = [line.split("  ")[1] for line in (house / "SHA256SUMS").read_text().splitlines()]
    assert listed == sorted(path.name for path in house.iterdir() if path.name != "SHA256SUMS")
    assert b"\r" not in (house / "install.sh").read_bytes()
    assert f"python{HERE} ".encode() in (house / "install.sh").read_bytes()
    batch = (house / "install.bat").read_bytes()
    assert f"py -{HERE} ".encode() in batch
    assert batch.count(b"\n") == batch.count(b"\r\n") > 0


@posix
def test_the_shell_script_is_the_installer(house: Path) -> None:
    # Its system's own python has to be the one that the wheels are for.
    tools = house.parent / "tools"
    tools.mkdir()
    (tools / f"python{HERE}").symlink_to(sys.executable)
    env = {**os.environ, "PATH": f"{tools}:/usr/bin:/bin"}
    line = ["sh", str(house / "install.sh"), "a", "b"]
    done = subprocess.run(line, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, USAGE)
