"""What would not arrive on the box is refused before anything is made."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from edge_runtime.bundle.pack import unpack
from edge_runtime.errors import UsageError
from offline.wheelhouse import Choice, build, main
from offline.wheels import Target
from tiny_bundle import write_tiny_bundle

BAD: dict[str, tuple[tuple[str, ...], str]] = {
    "a folder": (("folder",), "folder is no .edge file"),
    "a name that the installer does not look for": (("m.zip",), r"m\.zip is no \.edge file"),
    "two of one name": (("m.edge", "other/M.edge"), r"two are called M\.edge"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bundle_that_would_not_arrive_is_refused_first(name: str, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    for file in ("m.edge", "m.zip", "other/M.edge"):
        write_tiny_bundle(tmp_path / file)
    unpack(tmp_path / "m.edge", tmp_path / "folder")
    names, problem = BAD[name]
    bundles = tuple(tmp_path / one for one in names)
    with pytest.raises(UsageError, match=problem):
        build(Choice(Target("x86_64", "3.11"), ("litert",), False, bundles), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("python", ["3", "abc", "3.11.2", "4.0"])
def test_what_is_no_version_of_python_is_a_usage_error(
    python: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["wheelhouse", "--python", python])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert f"{python!r} is no version such as 3.11" in capsys.readouterr().err
