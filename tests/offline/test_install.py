"""The box takes what was written, whole, or nothing; no way leads to a network."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fake_wheels import SOURCE, write_wheel
from offline.wheelhouse import Choice, furnish
from offline.wheels import Target

HERE = "{}.{}".format(*sys.version_info)
# What pip and edge-run do is theirs to test; here they write down what they are asked.
PIP = """\
import os, sys, zipfile, sysconfig
from pathlib import Path
with open(os.environ["LOG"], "a") as log:
    print("pip", *sys.argv[1:], file=log)
for wheel in sys.argv[1:]:
    if wheel.endswith(".whl"):
        zipfile.ZipFile(wheel).extractall(sysconfig.get_path("purelib"))
script = Path(sysconfig.get_path("scripts"), "edge-run")
script.write_text(f"#!{sys.executable}\\nfrom edge_runtime.said import main\\nmain()\\n")
script.chmod(0o755)
"""
SAID = """\
import os, sys
def main():
    with open(os.environ["LOG"], "a") as log:
        print("edge-run", *sys.argv[1:], file=log)
    sys.exit(int(os.environ.get("STATUS", "0")))
"""
posix = pytest.mark.skipif(os.name == "nt", reason="its stand-in for edge-run is a Unix script")


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """Return a wheelhouse of fake wheels with one bundle."""
    folder = tmp_path / "the stick"
    folder.mkdir()
    write_wheel(folder, "pip", files={"pip/__main__.py": PIP})
    modules = {name: (SOURCE / name).read_text() for name in ("__init__.py", "errors.py")}
    modules |= {
        "bundle/defaults.py": (SOURCE / "bundle" / "defaults.py").read_text(),
        "said.py": SAID,
    }
    files = {f"edge_runtime/{name}": text for name, text in modules.items()}
    write_wheel(folder, "edge-runtime", files=files)
    (folder / "m.edge").write_bytes(b"a bundle")
    furnish(folder, Choice(Target("x86_64", HERE), ("litert",), False, ()))
    return folder


def install(house: Path, *arguments: object, **changes: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "HOME": str(house.parent), "LOG": str(house.parent / "log"), **changes}
    env.pop("XDG_DATA_HOME", None)
    return subprocess.run(
        [sys.executable, house / "install.py", *map(str, arguments)],
        env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip


@posix
def test_wheels_bundle_and_proof_by_one_command(house: Path) -> None:
    home = house.parent
    done = install(house, home / "box")
    assert (done.returncode, done.stderr) == (0, f"installed: {home}/box/bin/edge-run\n")
    bundle = home / ".local/share/edge-kit/m.edge"
    assert bundle.read_bytes() == b"a bundle"
    pip, *said = (home / "log").read_text().splitlines()
    assert said == ["edge-run doctor", f"edge-run check {bundle}"]
    assert pip.startswith("pip install --isolated --no-index --no-deps ")
    assert pip.endswith("edge_runtime-1.0-py3-none-any.whl")
    # Once more, over what is there: an upgrade.
    assert install(house, home / "box").returncode == 0


@posix
def test_a_bundle_that_fails_on_this_machine_is_said(house: Path) -> None:
    done = install(house, STATUS="7")
    assert done.returncode == 7
    assert done.stderr.endswith("m.edge: did not pass its check on this machine\n")


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a changed wheel": (lambda d: _flip(d / "edge_runtime-1.0-py3-none-any.whl"), "is not the"),
    "a changed bundle": (lambda d: _flip(d / "m.edge"), "m.edge: is not the file that was"),
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
    (house / "SHA256SUMS").unlink()
    furnish(house, Choice(Target("x86_64", "3.99"), ("litert",), False, ()))
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


@pytest.mark.parametrize("arguments", [["a", "b"], ["--help"]])
def test_a_wrong_command_line_is_answered_by_the_right_one(
    arguments: list[str], house: Path
) -> None:
    done = install(house, *arguments)
    assert (done.returncode, done.stderr) == (2, "install: python install.py [FOLDER]\n")


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
    assert (done.returncode, done.stderr) == (2, "install: python install.py [FOLDER]\n")
