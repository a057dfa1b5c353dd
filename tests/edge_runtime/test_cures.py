"""A cure is a command that this very machine can run as it stands."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from edge_runtime import cures
from edge_runtime.cures import MARK, installed_by_stick, installing, program, quoted
from edge_runtime.machine import computer, doctor
from edge_runtime.machine.finding import MISSING, OK, Finding
from tiny_bundle import environment

pytestmark = pytest.mark.skipif(os.name == "nt", reason="commands of a Unix shell")
REQUIRES = [
    "pillow>=11",
    "ai-edge-litert>=2.1; extra == 'litert'",
    "pydicom>=3; extra == 'dicom'",
    'numpy; extra == "dicom"',
]


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    installing.cache_clear()
    yield
    installing.cache_clear()


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Return what changes the machine, an environment with pip that no stick made."""
    monkeypatch.setattr(cures, "installed_by_stick", lambda: None)
    monkeypatch.setattr(cures, "_belongs_to_the_system", lambda: False)
    monkeypatch.setattr("importlib.metadata.requires", lambda _: REQUIRES)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: True)
    monkeypatch.setattr("sys.executable", "/opt/py/bin/python")
    return monkeypatch


@pytest.mark.parametrize(
    ("extra", "packages"),
    [("", "pillow>=11"), ("litert", "ai-edge-litert>=2.1"), ("dicom", "pydicom>=3 numpy"),
     ("tflite", "edge-runtime[tflite]")],
)  # fmt: skip
@pytest.mark.usefixtures("pip")
def test_with_pip_it_is_pip_of_this_python_and_packages_that_an_index_has(
    extra: str, packages: str
) -> None:
    line = ["/opt/py/bin/python", "-m", "pip", "install"]
    assert shlex.split(installing(extra)) == [*line, *packages.split()]
    again = installing(extra, again=True)
    assert shlex.split(again) == [*line, "--force-reinstall", *packages.split()]


def test_without_metadata_the_names_of_old_are_said(pip: pytest.MonkeyPatch) -> None:
    pip.undo()
    pip.setattr(cures, "installed_by_stick", lambda: None)
    pip.setattr("importlib.metadata.distributions", lambda **_: iter(()))
    pip.setattr("importlib.metadata.distribution", None)
    pip.setattr("importlib.metadata.requires", lambda _: None)
    assert 'install "edge-runtime[onnx]"' in installing("onnx")
    assert "install pillow" in installing()


def test_a_path_with_a_space_is_quoted(pip: pytest.MonkeyPatch) -> None:
    pip.setattr("sys.executable", "/opt/a b/python")
    assert shlex.split(installing())[0] == "/opt/a b/python"


@pytest.mark.parametrize(
    ("there", "uv", "command"),
    [
        ((), False, "PY -m pip install pillow>=11  # once this Python has pip; Debian: "),
        (("ensurepip",), False, "PY -m ensurepip && PY -m pip install pillow>=11"),
        (("ensurepip",), True, "uv pip install --python PY pillow>=11"),
    ],
)
def test_without_pip_it_is_what_brings_it(
    there: tuple[str, ...], uv: bool, command: str, pip: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pip.setattr("importlib.util.find_spec", lambda name: name in there)
    pip.setattr("sys.prefix", str(tmp_path))
    (tmp_path / "pyvenv.cfg").write_text("home = /usr/bin\n" + "uv = 0.9\n" * uv)
    found = installing().replace('"', "")
    assert found.startswith(command.replace("PY", "/opt/py/bin/python"))


def test_a_python_that_refuses_pip_gets_an_environment(pip: pytest.MonkeyPatch) -> None:
    pip.setattr(cures, "_belongs_to_the_system", lambda: True)
    assert installing("dicom") == (
        '/opt/py/bin/python -m venv VENV && VENV/bin/python -m pip install "pydicom>=3" numpy  '
        "# then let VENV/bin/python run edge-run"
    )


def test_this_python_is_asked_whether_it_refuses_pip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(tmp_path))
    for prefix, there, said in ((sys.base_prefix, False, False), (sys.base_prefix, True, True),
                                ("/a/venv", True, False)):  # fmt: skip
        monkeypatch.setattr("sys.prefix", prefix)
        (tmp_path / "EXTERNALLY-MANAGED").unlink(missing_ok=True)
        if there:
            (tmp_path / "EXTERNALLY-MANAGED").touch()
        assert cures._belongs_to_the_system() is said


@pytest.fixture
def stick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the mark of an environment that a wheelhouse's installer made."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "edge-run").mkdir()
    monkeypatch.setattr("sys.prefix", str(tmp_path / "edge-run"))
    mark = tmp_path / "edge-run" / MARK
    about = {"arch": "aarch64", "python": "3.13", "lean": True, "extras": ["litert"]}
    mark.write_text(json.dumps(about))
    return mark


@pytest.mark.parametrize(
    ("extra", "flags"),
    [
        ("", "LEAN=1"),
        ("litert", "LEAN=1"),
        ("dicom", "LEAN=1 DICOM=1"),
        ("onnx", "ONNX=1"),
        ("dicom-node", "LEAN=1 DICOM_NODE=1"),
    ],
)
@pytest.mark.usefixtures("stick")
def test_what_a_stick_installed_another_stick_cures(extra: str, flags: str) -> None:
    assert installing(extra) == (
        "sh install.sh  # of a stick that is made by: make wheelhouse "
        f"ARCH=aarch64 FOR_PYTHON=3.13 {flags}"
    )


def test_the_stick_holds_what_was_there_before_as_well(stick: Path) -> None:
    about = {"arch": "x86_64", "python": "3.11", "lean": False, "extras": ["dicom", "litert"]}
    stick.write_text(json.dumps(about))
    assert installing("onnx").endswith("ARCH=x86_64 FOR_PYTHON=3.11 DICOM=1 ONNX=1")


def test_an_environment_elsewhere_is_named(stick: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/nonexistent")
    assert installing("dicom").startswith(f"sh install.sh {stick.parent}  # ")


@pytest.mark.usefixtures("stick")
def test_what_no_stick_holds_is_said() -> None:
    assert installing("tflite").startswith("no wheelhouse holds tflite-runtime")


@pytest.mark.parametrize("text", ["", "[]", "{", "\xff"])
def test_a_mark_that_is_torn_is_none(text: str, stick: Path) -> None:
    stick.write_bytes(text.encode("latin-1"))
    assert installed_by_stick() is None


@pytest.mark.skipif(find_spec("ai_edge_litert") is None, reason="needs LiteRT")
def test_a_lean_installation_that_works_has_no_problem(
    tiny: Path, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lean wheelhouse holds Pillow and LiteRT, and neither numpy nor pydicom."""
    del stick
    lacking = ("numpy", "pydicom", "onnxruntime", "tflite_runtime")
    site = f"import sys; sys.modules.update(dict.fromkeys({lacking}))\n"
    folder = Path(os.environ["HOME"])
    (folder / "sitecustomize.py").write_text(site)
    monkeypatch.syspath_prepend(str(folder))  # which its children inherit
    absent = ("pydicom", "onnxruntime", "tflite-runtime")
    installed = computer.installed
    monkeypatch.setattr(
        computer, "installed", lambda name: None if name in absent else installed(name)
    )
    monkeypatch.setattr(doctor, "_bytecode", lambda: Finding("compiled", OK, ""))
    found = {one.name: one for one in doctor.examine(str(tiny))}
    assert {one.state for one in found.values()} == {OK, MISSING}
    assert found["engine litert"].state == OK
    wrapped = found["engine litert-python"]
    assert wrapped.state == MISSING
    assert wrapped.text.endswith("without numpy, which it needs; not needed here")
    assert not wrapped.cure
    assert found["DICOM"].cure.endswith("LEAN=1 DICOM=1")


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the script of an edge-run that no shell finds, which runs."""
    folder = tmp_path / "Jörg's $HOME" / "bin"
    folder.mkdir(parents=True)
    script = folder / "edge-run"
    script.touch(0o755)
    monkeypatch.setattr("sys.argv", [str(script)])
    monkeypatch.setattr("sys.prefix", str(folder.parent))
    monkeypatch.setenv("PATH", f"{tmp_path}/none:/usr/bin")
    return script


def test_where_a_shell_does_not_find_edge_run_a_cure_has_its_path(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shlex.split(f"{program()} doctor") == [str(own), "doctor"]
    monkeypatch.setattr("sys.argv", ["/usr/lib/python/site-packages/pytest"])  # as a library
    assert shlex.split(program()) == [str(own)]
    own.unlink()
    monkeypatch.setattr("sys.executable", "/opt/a b/python")
    assert shlex.split(program()) == ["/opt/a b/python", "-m", "edge_runtime"]


def test_where_a_shell_finds_it_or_a_link_to_it_the_name_is_enough(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "edge-run").symlink_to(own)
    for folder in (own.parent, tmp_path / "links"):
        monkeypatch.setenv("PATH", f"{tmp_path}/none:{folder}")
        assert program() == "edge-run"


def test_where_a_shell_finds_another_one_the_path_is_said(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "edge-run").touch(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/other:{own.parent}")
    assert shlex.split(program()) == [str(own)]


def test_edge_run_as_one_file_is_run_by_its_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = tmp_path / "edge-run.pyz"
    one.touch()
    monkeypatch.setattr("sys.argv", [str(one)])
    monkeypatch.setattr(cures, "__file__", f"{one}/edge_runtime/cures.py")
    assert shlex.split(program()) == [sys.executable, str(one)]


WORDS = [
    "a",
    "a\\b",
    "a b",
    "Jörg's Home",
    "$HOME",
    'a"b',
    "`ls`",
    "a\\b c",
    "~x",
    "a!b",
    "",
    "-a",
    "é ü",
]


@pytest.mark.parametrize("word", WORDS)
def test_a_word_is_one_to_a_shell_whatever_is_in_it(word: str) -> None:
    assert shlex.split(quoted(word)) == [word]
    line = ["/bin/sh", "-c", f"printf %s {quoted(word)}"]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    assert done.stdout == word


def test_the_cures_of_a_command_have_the_path(own: Path, tmp_path: Path) -> None:
    line = "import sys; sys.argv[0] = sys.argv.pop(1); from edge_runtime.cli import main; main()"
    env = environment(XDG_DATA_HOME=str(tmp_path), PATH="/usr/bin")
    for arguments in ([], ["classify", "a.png"], ["bundles", "--wrong"], ["clasify"]):
        done = subprocess.run(
            [sys.executable, "-c", line, str(own), *arguments],
            env=env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 2
        assert f"{quoted(str(own))} " in done.stderr
