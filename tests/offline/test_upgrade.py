"""An installation is repeated and upgraded by one command, and one that fails changes nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fake_stick import (
    DATA,
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

MOMENTS = 18
"""One more than an upgrade moves things."""


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
