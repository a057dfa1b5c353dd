"""What is built in two folders, at two times, is the same bytes; and pip is held to its digests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

from fake_wheels import write_wheel
from offline import wheelhouse
from offline.wheelhouse import PINNED, Choice, build, pinned
from offline.wheels import Target
from tiny_bundle import write_tiny_bundle

ROOT = Path(__file__).parents[2]
PROJECTS = {
    "edge-kit": ("edge_kit", "export", "pyproject.toml", "LICENSE", "NOTICE", "README.md",
                 "CHANGELOG.md"),
    "edge-runtime": tuple(f"runtime/{name}" for name in
                          ("edge_runtime", "pyproject.toml", "LICENSE", "NOTICE", "README.md")),
}  # fmt: skip
YEARS = (1_000_000_000, 1_700_000_000)
"""Two times, in seconds since 1970, that the sources are of."""


def copied(project: str, folder: Path, time: int) -> Path:
    """Return a copy of the sources of a project, all of whose files are of `time`."""
    folder.mkdir()
    for name in PROJECTS[project]:
        source, target = ROOT / name, folder / Path(name).name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, target)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else (0o600 if time == YEARS[0] else 0o644))
        os.utime(path, (time, time))
    return folder


def built(sources: Path, zone: str) -> dict[str, bytes]:
    """Return wheel and sdist of the project in `sources`, by name, built in a time `zone`."""
    environment = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    line = [sys.executable, "-m", "hatchling", "build", "-d", "dist"]
    subprocess.run(line, cwd=sources, check=True, capture_output=True,
                   env={**environment, "TZ": zone})  # fmt: skip
    return {path.name: path.read_bytes() for path in (sources / "dist").iterdir()}


@pytest.mark.parametrize("project", PROJECTS)
def test_two_builds_of_a_distribution_are_the_same_bytes(project: str, tmp_path: Path) -> None:
    first = built(copied(project, tmp_path / "here", YEARS[0]), "UTC")
    second = built(copied(project, tmp_path / "there and back", YEARS[1]), "Asia/Tokyo")
    assert sorted(path.rpartition(".")[2] for path in first) == ["gz", "whl"]
    assert first == second
    (wheel,) = (tmp_path / "here" / "dist").glob("*.whl")
    with ZipFile(wheel) as file:  # a time that is neither that of the files nor of today
        assert {info.date_time for info in file.infolist()} == {(2020, 2, 2, 0, 0, 0)}


def test_a_changed_source_gives_other_bytes(tmp_path: Path) -> None:
    first = built(copied("edge-runtime", tmp_path / "here", YEARS[0]), "UTC")
    there = copied("edge-runtime", tmp_path / "there", YEARS[0])
    with (there / "edge_runtime" / "text.py").open("a", encoding="utf-8") as source:
        source.write("# another\n")
    assert first != built(there, "UTC")


def stick(out: Path, monkeypatch: pytest.MonkeyPatch, bundle: Path) -> Path:
    """Return a wheelhouse whose wheels but our own are drawn."""

    def download(missing: Sequence[Requirement], target: Target, folder: Path) -> None:
        del target
        for requirement in missing:
            name = f"{requirement.name.replace('-', '_')}-20.0-py3-none-any.whl"
            shutil.copyfile(shelf / name, folder / name)

    shelf = bundle.parent / "shelf"
    monkeypatch.setattr(wheelhouse, "download", download)
    choice = Choice(Target("x86_64", "3.11"), ("litert",), True, (bundle,))
    return build(choice, out)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Return a bundle beside a shelf of wheels."""
    (tmp_path / "shelf").mkdir()
    for name in ("pip", "pillow", "ai-edge-litert"):
        write_wheel(tmp_path / "shelf", name, "20.0")
    return write_tiny_bundle(tmp_path / "m.edge")


def test_two_wheelhouses_are_the_same_bytes(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [stick(tmp_path / name, monkeypatch, bundle) for name in ("one", "another")]
    first, second = (
        {path.name: path.read_bytes() for path in sorted(folder.iterdir())} for folder in folders
    )
    assert first == second
    assert {PINNED, "SHA256SUMS", "m.edge"} <= first.keys()
    listed = first["SHA256SUMS"].decode()
    assert all(f"  {name}\n" in listed for name in first if name != "SHA256SUMS")


def pip(folder: Path) -> subprocess.CompletedProcess[str]:
    """Return what pip says to the pinned wheels of a folder, without a network."""
    line = [sys.executable, "-m", "pip", "install", "--isolated", "--no-index", "--no-deps",
            "--require-hashes", "--ignore-installed", "--dry-run", "--find-links", str(folder),
            "--requirement", str(folder / PINNED)]  # fmt: skip
    return subprocess.run(line, capture_output=True, text=True, check=False)


def test_pip_takes_the_wheels_that_are_pinned_and_no_others(tmp_path: Path) -> None:
    folder = tmp_path / "stick"
    folder.mkdir()
    for name in ("edge-runtime", "pillow"):
        write_wheel(folder, name, files={f"{name.replace('-', '_')}.py": ""})
    choice = Choice(Target("x86_64", "3.11"), ("litert",), True, ())
    (folder / PINNED).write_text(pinned(folder, choice), encoding="ascii")
    lines = (folder / PINNED).read_text("ascii").splitlines()
    assert lines[0] == (
        "# python -m pip install --no-index --find-links . --no-deps --require-hashes "
        "--requirement requirements.txt"
    )
    assert [line.partition(" --hash=sha256:")[0] for line in lines[1:]] == [
        "edge-runtime[litert]==1.0",
        "pillow==1.0",
    ]
    done = pip(folder)
    assert done.returncode == 0, done.stderr
    assert "Would install edge-runtime-1.0 pillow-1.0" in done.stdout
    write_wheel(folder, "pillow", files={"pillow.py": "import os  # somebody else's"})
    done = pip(folder)
    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stderr
