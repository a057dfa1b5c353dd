"""Homes of odd names, no home, data folders that are links: installed, removed, or told."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from fake_stick import (
    DATA,
    PIP,
    everything,
    finish,
    install,
    installed,
    posix,
    run_in,
    write_stick,
)
from fake_wheels import write_wheel
from tiny_bundle import write_tiny_bundle

# As pip writes scripts where the path of Python has blanks or is too long.
QUOTING_PIP = PIP.replace(
    'f"#!{sys.executable}\\n',
    "f\"#!/bin/sh\\n'''exec' \\\"{sys.executable}\\\" \\\"$0\\\" \\\"$@\\\"\\n' '''\\n",
)
# Its script does not start.
BREAKING_PIP = PIP + 'script.write_text("#!/nonexistent/python\\n")\n'


# Its script starts nowhere but where it was made.
MOVING_PIP = PIP.replace(
    "from edge_runtime.said import main\\nmain()", "import sys; sys.exit('.new' not in sys.argv[0])"
)


def with_pip(stick: Path, source: str) -> Path:
    """Let the pip of a stick be another one."""
    (stick / "pip-1.0-py3-none-any.whl").unlink()
    write_wheel(stick, "pip", files={"pip/__main__.py": source})
    finish(stick)
    return stick


HOMES = ["Jörg's Home", "a $HOME b", "$(id)", 'a "b"', "a\\b c", "`id` x", "l" * 150]


@posix
@pytest.mark.parametrize("name", HOMES)
def test_a_home_of_any_name_has_an_edge_run_that_runs_and_is_removed(
    name: str, house: Path, tmp_path: Path
) -> None:
    home = tmp_path / name
    home.mkdir()
    stick = with_pip(house, QUOTING_PIP)
    done = run_in(home, sys.executable, stick / "install.py")
    assert done.returncode == 0, done.stderr
    assert installed(home, "doctor").returncode == 0
    (home / "link").symlink_to(home / "edge-run/bin/edge-run")
    assert run_in(home, home / "link", "doctor").returncode == 0
    said = done.stderr.splitlines()[-1].removeprefix("to remove it: ")
    assert shlex.split(said) == ["sh", f"{home}/edge-run/uninstall.sh"]
    assert run_in(home, "sh", "-c", said).returncode == 0
    assert {path.name for path in home.iterdir()} == {"link", "log"}


@posix
@pytest.mark.parametrize("first", [True, False])
def test_what_does_not_start_is_neither_put_in_place_nor_called_installed(
    first: bool, house: Path, tmp_path: Path
) -> None:
    if not first:
        assert install(house).returncode == 0
    before = everything(tmp_path)
    newer = with_pip(write_stick(tmp_path / "newer", "2.0"), BREAKING_PIP)
    there = everything(newer)
    done = install(newer)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("install: ")
    assert "edge-run: does not start (" in line
    after = everything(tmp_path)
    left = {path: data for path, data in after.items() if not path.startswith(("newer", "log"))}
    assert left == {path: data for path, data in before.items() if path != "log"}
    assert everything(newer) == there


@posix
def test_what_does_not_start_at_its_place_gives_way_to_what_was_there(
    house: Path, tmp_path: Path
) -> None:
    install(house)
    before = everything(tmp_path / "edge-run")
    newer = with_pip(write_stick(tmp_path / "newer", "2.0"), MOVING_PIP)
    done = install(newer)
    assert done.returncode == 1
    assert "does not start, see above" in done.stderr
    assert everything(tmp_path / "edge-run") == before
    assert installed(tmp_path, "bundles").returncode == 0


@posix
def test_a_data_folder_behind_a_link_is_used_and_the_link_stays(
    house: Path, tmp_path: Path
) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / ".local/share").mkdir(parents=True)
    (tmp_path / DATA).symlink_to(tmp_path / "disk")
    for _ in range(2):
        assert install(house).returncode == 0
    assert (tmp_path / "disk" / "m.edge").exists()
    done = run_in(tmp_path, "sh", tmp_path / "edge-run/uninstall.sh")
    assert (done.returncode, done.stderr.splitlines()) == (0, [
        f"removed: m.edge in {tmp_path / DATA}",
        f"kept: {tmp_path / DATA}, a link that edge-run did not make, and the folder it leads to",
        f"removed: {tmp_path}/edge-run",
    ])  # fmt: skip
    assert not any((tmp_path / "disk").iterdir())
    assert (tmp_path / DATA).is_symlink()
    done = run_in(tmp_path, sys.executable, house / "uninstall.py")
    assert (done.returncode, done.stderr) == (
        0, f"uninstall: nothing is installed in {tmp_path}/edge-run\n"
    )  # fmt: skip


@posix
@pytest.mark.parametrize("kind", ["a link to a disk that is not there", "a circle", "a file"])
def test_a_data_folder_that_is_none_is_told_before_anything_is_put_in_place(
    kind: str, house: Path, tmp_path: Path
) -> None:
    data = tmp_path / DATA
    data.parent.mkdir(parents=True)
    if kind == "a file":
        data.touch()
    else:
        data.symlink_to(data if kind == "a circle" else "/media/gone/edge-kit")
    done = install(house)
    assert (done.returncode, done.stderr) == (10, (
        f"install: {data}: is no folder, or a link that leads to none; "
        "mount the disk that it leads to, or move it away\n"
    ))  # fmt: skip
    assert not (tmp_path / "edge-run").exists()


@posix
def test_bundles_on_a_disk_that_is_gone_keep_nobody_from_uninstalling(
    house: Path, tmp_path: Path
) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / ".local/share").mkdir(parents=True)
    (tmp_path / DATA).symlink_to(tmp_path / "disk")
    install(house)
    (tmp_path / "disk").rename(tmp_path / "pulled out")
    done = run_in(tmp_path, "sh", tmp_path / "edge-run/uninstall.sh")
    assert (done.returncode, done.stderr.splitlines()) == (0, [
        f"kept: the bundles behind {tmp_path / DATA}, a link that leads to no folder now",
        f"removed: {tmp_path}/edge-run",
    ])  # fmt: skip


HOMELESS = """\
import os, pwd, runpy, sys
os.environ.pop("HOME")
def nobody(_):
    raise KeyError
pwd.getpwuid = nobody
sys.path.insert(0, os.path.dirname(sys.argv[1]))
sys.argv.pop(0)
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@posix
@pytest.mark.parametrize("script", ["install.py", "uninstall.py"])
def test_who_has_no_home_is_told_to_name_a_folder_and_may(
    script: str, house: Path, tmp_path: Path
) -> None:
    def homeless(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        return run_in(tmp_path, sys.executable, "-c", HOMELESS, house / script, *arguments)

    done = homeless(script)
    name = script.removesuffix(".py")
    assert (done.returncode, done.stderr) == (
        2, f"{name}: this user has no home folder; name a folder\n"
    )  # fmt: skip
    done = homeless("install.py", tmp_path / "box")
    assert done.returncode == 0, done.stderr
    assert f"installed: {tmp_path}/box/bin/edge-run" in done.stderr
    options = ["--uninstall"] if script == "install.py" else []
    assert homeless(script, *options, tmp_path / "box").returncode == 0
    assert not (tmp_path / "box").exists()


@posix
def test_a_damaged_record_keeps_nobody_from_installing(house: Path, tmp_path: Path) -> None:
    (tmp_path / DATA).mkdir(parents=True)
    (tmp_path / DATA / "bundles.json").write_text("{")
    done = install(house)
    assert done.returncode == 0
    assert "in use: m.edge (chosen)" in done.stderr


@posix
def test_installing_again_keeps_the_bundle_that_a_site_made_of_the_stick_s(
    house: Path, tmp_path: Path
) -> None:
    install(house)
    site = write_tiny_bundle(tmp_path / "m.edge", tolerance=0.5)
    assert installed(tmp_path, "bundles", "--add", "--replace", site).returncode == 0
    before = everything(tmp_path / DATA)
    done = install(house)
    assert done.returncode == 0
    line = done.stderr.splitlines()[0]
    assert line.endswith("; in use: m.edge (chosen)")
    command = line.partition("to use it: ")[2].partition(";")[0]
    after = everything(tmp_path / DATA)
    assert {name: after[name] for name in before if name != "bundles.json"} == {
        name: data for name, data in before.items() if name != "bundles.json"
    }
    # The command that the line names can be run as it stands.
    env = {**os.environ, "HOME": str(tmp_path), "LOG": str(tmp_path / "log")}
    env.pop("XDG_DATA_HOME", None)
    assert subprocess.run(["/bin/sh", "-c", command], env=env, check=False).returncode == 0
    assert "in use: m-" in installed(tmp_path, "bundles").stdout
