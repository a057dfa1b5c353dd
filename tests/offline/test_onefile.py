"""One file and Pillow and an engine are all that a classification needs."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path
from tempfile import gettempdir

import pytest

from edge_runtime.errors import DataError
from fake_wheels import write_runtime
from offline.onefile import SHEBANG, write
from tiny_bundle import edge_run, write_film, write_tiny_bundle


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the program, a bundle, a film, and a Python path of two packages."""
    folder = tmp_path_factory.mktemp("box")
    write(write_runtime(folder, "9.8.7"), folder / "edge-run.pyz")
    write_tiny_bundle(folder / "m.edge")
    write_film(folder / "film.png")
    (folder / "path").mkdir()
    for package in ("PIL", "ai_edge_litert"):
        found = find_spec(package)
        assert found is not None
        assert found.origin is not None
        place = Path(found.origin).parent
        for part in (place, place.with_name("pillow.libs")):
            if part.exists() and not (folder / "path" / part.name).exists():
                (folder / "path" / part.name).symlink_to(part)
    return folder


def pyz(box: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(box / "path"), "PYTHONDONTWRITEBYTECODE": "1"}
    env.pop("PYTHONWARNINGS", None)
    # `-S`: none of the packages that are installed here.
    line = [sys.executable, "-S", "-s", str(box / "edge-run.pyz"), *map(str, arguments)]
    return subprocess.run(line, env=env, cwd=box, capture_output=True, text=True, check=False)


pytestmark = pytest.mark.skipif(os.name == "nt", reason="makes links")


def test_it_answers_as_the_installed_one_does(box: Path) -> None:
    arguments = ("classify", "film.png", "--bundle", "m.edge", "--engine", "litert")
    done, installed = pyz(box, *arguments), edge_run(*arguments, cwd=box)
    assert (done.returncode, done.stderr) == (0, installed.stderr)
    assert done.stdout == installed.stdout
    assert pyz(box, "check", "m.edge").returncode == 0


def test_it_knows_its_version(box: Path) -> None:
    assert pyz(box, "--version").stdout == "edge-run 9.8.7\n"


def test_without_numpy_the_wrapped_engines_are_missing_and_that_is_said(box: Path) -> None:
    done = pyz(box, "classify", "film.png", "--bundle", "m.edge", "--engine", "litert-python")
    assert done.returncode == 6
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("edge-run: "))
    assert "litert-python: " in line
    assert "not installed" in line


def test_the_same_wheel_gives_the_same_bytes(box: Path, tmp_path: Path) -> None:
    script = "import sys; from pathlib import Path; from offline.onefile import write; "
    script += "write(Path(sys.argv[1]), Path(sys.argv[2]))"
    env = {**os.environ, "PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo"}
    env["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    (wheel,) = box.glob("*.whl")
    subprocess.run([sys.executable, "-c", script, wheel, tmp_path / "x"], env=env, check=True)
    assert (tmp_path / "x").read_bytes() == (box / "edge-run.pyz").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x"]


def test_each_module_is_there_as_source_and_compiled_for_this_python(box: Path) -> None:
    program = box / "edge-run.pyz"
    assert program.read_bytes().startswith(SHEBANG)
    assert os.access(program, os.X_OK)
    with zipfile.ZipFile(program) as file:
        sources = [name for name in file.namelist() if name.endswith(".py")]
        assert {"__main__.py", "edge_runtime/cli.py"} < set(sources)
        assert {f"{name}c" for name in sources} < set(file.namelist())
        # No path of the machine that built it is in there.
        place = os.fsencode(Path(gettempdir()) / "tmp")
        assert not any(place in file.read(name) for name in file.namelist())


def test_another_python_reads_the_sources(box: Path, tmp_path: Path) -> None:
    program = tmp_path / "edge-run.pyz"
    with zipfile.ZipFile(box / "edge-run.pyz") as old, zipfile.ZipFile(program, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, b"\0\0\r\n" + data[4:] if name.endswith(".pyc") else data)
    env = {**os.environ, "PYTHONPATH": str(box / "path")}
    line = [sys.executable, "-S", "-s", str(program), "classify", "film.png", "--bundle", "m.edge"]
    assert subprocess.run(line, env=env, cwd=box, check=False).returncode == 0


def test_a_program_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "old.pyz").write_bytes(b"old")
    (tmp_path / "not-a-wheel.whl").write_bytes(b"")
    with pytest.raises(DataError, match="is not a wheel"):
        write(tmp_path / "not-a-wheel.whl", tmp_path / "old.pyz")
    assert (tmp_path / "old.pyz").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 2
