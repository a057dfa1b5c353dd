"""The box takes what was written, whole, or nothing; no way leads to a network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fake_wheels import SOURCE, write_wheel
from offline.wheelhouse import Choice, furnish
from offline.wheels import Target
from tiny_bundle import write_tiny_bundle

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
    if sys.argv[1] == "bundles":
        from edge_runtime.cli import main
        main()
    failing = os.environ.get("FAILING", "check")
    sys.exit(int(os.environ.get("STATUS", "0")) if sys.argv[1] == failing else 0)
"""
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
posix = pytest.mark.skipif(os.name == "nt", reason="its stand-in for edge-run is a Unix script")
DATA = ".local/share/edge-kit"
MOMENTS = 18
"""One more than an upgrade moves things."""


def write_stick(folder: Path, version: str = "1.0", extras: tuple[str, ...] = ("litert",)) -> Path:
    """Write a wheelhouse of fake wheels with one bundle, and the runtime as it is now."""
    folder.mkdir()
    write_wheel(folder, "pip", files={"pip/__main__.py": PIP})
    files = {
        path.relative_to(SOURCE.parent).as_posix(): path.read_text(encoding="utf-8")
        for path in SOURCE.rglob("*.py")
    }
    files["edge_runtime/said.py"] = SAID
    write_wheel(folder, "edge-runtime", version, files=files)
    write_tiny_bundle(folder / "m.edge")
    finish(folder, extras)
    return folder


def finish(folder: Path, extras: tuple[str, ...] = ("litert",), python: str = HERE) -> None:
    """Write installer and digests of a stick, after it was changed."""
    (folder / "SHA256SUMS").unlink(missing_ok=True)
    furnish(folder, Choice(Target("x86_64", python), extras, False, ()))


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """Return a wheelhouse of fake wheels with one bundle."""
    return write_stick(tmp_path / "the stick")


def run_in(home: Path, *line: object, **changes: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "HOME": str(home), "LOG": str(home / "log"), **changes}
    for name in ("XDG_DATA_HOME", "EDGE_BUNDLE", "PYTHONPATH"):
        env.pop(name, None)
    return subprocess.run(
        list(map(str, line)), env=env, capture_output=True, text=True, check=False
    )


def install(house: Path, *arguments: object, **changes: str) -> subprocess.CompletedProcess[str]:
    return run_in(house.parent, sys.executable, house / "install.py", *arguments, **changes)


def installed(home: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run what was installed, by the Python and the script that were installed."""
    return run_in(home, home / "edge-run/bin/edge-run", *arguments)


def everything(folder: Path) -> dict[str, bytes | None]:
    """Return what lies below a folder: files with their bytes, and links, by their paths."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        if path.is_file() and not path.is_symlink()
        else None
        for path in folder.rglob("*")
    }


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
        f"edge-run check {house}/m.edge",
        f"edge-run bundles --add --replace {house}/m.edge",
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


@posix
def test_installing_again_changes_neither_what_is_there_nor_what_is_used(house: Path) -> None:
    home = house.parent
    assert install(house).returncode == 0
    before = everything(home / DATA)
    done = install(house)
    assert done.returncode == 0
    assert ", was there; in use: m.edge (chosen)" in done.stderr
    assert f"installed again: {home}/edge-run/bin/edge-run, 1.0 (litert)\n" in done.stderr
    assert everything(home / DATA) == before
    assert sorted(path.name for path in (home / "edge-run").iterdir()) == [
        "bin", "edge-run.json", "include", "lib", *(["lib64"] * (home / "edge-run/lib64").exists()),
        "pyvenv.cfg", "uninstall.py", "uninstall.sh",
    ]  # fmt: skip


@posix
def test_an_upgrade_says_what_was_and_what_is_and_keeps_the_choice(
    house: Path, tmp_path: Path
) -> None:
    install(house)
    newer = write_stick(tmp_path / "newer", "1.10", ("dicom", "litert"))
    write_tiny_bundle(newer / "another.edge", tolerance=0.5)
    write_tiny_bundle(newer / "m.edge", tolerance=0.25)
    finish(newer, ("dicom", "litert"))
    done = install(newer)
    assert done.returncode == 0, done.stderr
    line = done.stderr.splitlines()[0]
    assert line.startswith("edge-run: added another.edge: model3-xray 0.1.0, identity ")
    assert "; replaced m.edge: model3-xray 0.1.0, identity " in line
    assert "; before that model3-xray 0.1.0, identity " in line
    assert line.endswith("; in use: m.edge (chosen)")
    command = tmp_path / "edge-run/bin/edge-run"
    assert f"upgraded: {command}, 1.0 (litert) -> 1.10 (dicom, litert)\n" in done.stderr
    assert installed(tmp_path, "bundles").returncode == 0
    done = install(house)
    assert f"replaced: {command}, 1.10 (dicom, litert) -> 1.0 (litert)\n" in done.stderr
    assert "install: without dicom from now on, which this folder does not hold\n" in done.stderr


@posix
@pytest.mark.parametrize("what", ["pip", "a bundle's check"])
def test_an_upgrade_that_fails_leaves_the_old_one_as_it_was(
    what: str, house: Path, tmp_path: Path
) -> None:
    install(house)
    newer = write_stick(tmp_path / "newer", "2.0")
    changes = {"STATUS": "7"}
    if what == "pip":
        (newer / "pip-1.0-py3-none-any.whl").unlink()
        write_wheel(newer, "pip", files={"pip/__main__.py": "raise SystemExit(1)"})
        finish(newer)
        changes = {}
    before = {place: everything(tmp_path / place) for place in ("edge-run", DATA)}
    done = install(newer, **changes)
    assert done.returncode == (1 if what == "pip" else 7)
    if what != "pip":
        assert done.stderr.endswith(
            "did not pass its check on this machine; what was installed before is as it was\n"
        )
    assert {place: everything(tmp_path / place) for place in before} == before
    assert installed(tmp_path, "doctor").returncode == 0


@posix
def test_a_new_installation_that_fails_leaves_nothing(house: Path, tmp_path: Path) -> None:
    (house / "pip-1.0-py3-none-any.whl").unlink()
    write_wheel(house, "pip", files={"pip/__main__.py": "raise SystemExit(1)"})
    finish(house)
    assert install(house, tmp_path / "a/b/box").returncode == 1
    assert [path.name for path in tmp_path.iterdir()] == ["the stick"]


# The power fails before the move of that number.
@posix
@pytest.mark.parametrize(
    ("earlier", "call"), [*((False, call) for call in (1, 2, 5, 9)),
                          *((True, call) for call in range(1, MOMENTS + 1))]
)  # fmt: skip
def test_an_upgrade_that_is_ended_at_any_moment_is_repeated(
    earlier: bool, call: int, house: Path, tmp_path: Path
) -> None:
    if earlier:
        install(house)
        (tmp_path / "edge-run" / "results.csv").write_text("of the user")
    newer = write_stick(tmp_path / "newer", "2.0")
    text = (newer / "install.py").read_text().replace(
        "if __name__", f"""
import pathlib
CALLS, RENAME = [], pathlib.Path.rename
def rename(path, to):
    CALLS.append(path)
    if len(CALLS) == {call}:
        os._exit(99)
    return RENAME(path, to)
pathlib.Path.rename = rename
if __name__""")  # fmt: skip
    (tmp_path / "ended.py").write_text(text)
    (tmp_path / "ended.py").rename(newer / "ended.py")
    ended = run_in(tmp_path, sys.executable, newer / "ended.py")
    assert ended.returncode in (0, 99), ended.stderr
    if call == MOMENTS:
        assert ended.returncode == 0, "there are more moments than are tried"
    done = install(newer)
    assert done.returncode == 0, done.stderr
    assert "-> 2.0" in done.stderr or "2.0 (litert)" in done.stderr
    assert installed(tmp_path, "bundles").returncode == 0
    assert not [path for path in (tmp_path / "edge-run").iterdir() if path.name[0] == "."]
    assert (tmp_path / "edge-run" / "results.csv").exists() == earlier
    assert run_in(tmp_path, "sh", tmp_path / "edge-run/uninstall.sh").returncode == 0
    left = {path.name for path in tmp_path.iterdir()} - {"the stick", "newer", "log"}
    assert left == ({"edge-run"} if earlier else set())


@posix
def test_what_is_in_the_way_of_an_upgrade_is_named_and_the_old_one_stays(
    house: Path, tmp_path: Path
) -> None:
    install(house)
    newer = write_stick(tmp_path / "newer", "2.0")
    mark = tmp_path / "edge-run/edge-run.json"
    mark.write_text(mark.read_text().replace('"uninstall.sh"', '"other.sh"'))
    before = everything(tmp_path / "edge-run")
    done = install(newer)
    assert done.returncode == 10
    assert done.stderr.endswith("uninstall.sh: is in the way, and not ours; move it\n")
    assert everything(tmp_path / "edge-run") == before


@posix
def test_an_environment_of_the_time_before_the_mark_is_upgraded_and_removed(
    house: Path, tmp_path: Path
) -> None:
    for remove in (False, True):
        install(house)
        for name in ("edge-run.json", "uninstall.py", "uninstall.sh"):
            (tmp_path / "edge-run" / name).unlink()
        if remove:
            assert install(house, "--uninstall").returncode == 0
        else:
            assert f"{tmp_path}/edge-run/bin/edge-run, 1.0 -> 1.0 (litert)" in install(house).stderr
    assert not (tmp_path / "edge-run").exists()


@posix
@pytest.mark.parametrize("way", ["uninstall.sh", "the stick", "the stick's uninstall.sh"])
def test_uninstalling_leaves_nothing_and_a_second_time_says_so(
    way: str, house: Path, tmp_path: Path
) -> None:
    install(house)
    bundle = write_tiny_bundle(tmp_path / "added.edge", tolerance=0.5)
    assert installed(tmp_path, "bundles", "--add", bundle).returncode == 0
    bundle.unlink()
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
