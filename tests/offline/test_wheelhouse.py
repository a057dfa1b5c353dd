"""What would not arrive on the box is refused before anything is made."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from edge_runtime import cures
from edge_runtime.bundle.pack import unpack
from edge_runtime.errors import UsageError
from offline.wheelhouse import MORE, ROOT, SIGNATURE, SUMS, Choice, build, main, sign_sums
from offline.wheels import Target
from signing_keys import VENDOR
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


def test_each_extra_that_can_be_asked_for_is_in_the_folder_and_in_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen: list[Choice] = []

    def kept(choice: Choice, out: Path) -> Path:
        chosen.append(choice)
        return out

    monkeypatch.setattr("offline.wheelhouse.build", kept)
    monkeypatch.setattr("offline.wheelhouse.summary", lambda *_: "")
    for extra in MORE:
        line = ["wheelhouse", f"--{extra}", "--out", str(tmp_path)]
        monkeypatch.setattr(sys, "argv", line)
        assert main() == 0
        assert chosen[-1].extras == tuple(sorted((extra, "litert")))
        assert chosen[-1].name == f"wheelhouse-x86_64-py311-{extra}"
    listed = tomllib.loads((ROOT / "runtime/pyproject.toml").read_text("utf-8"))
    assert set(MORE) <= set(listed["project"]["optional-dependencies"])
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for extra, flag in cures._FLAGS.items():
        assert f"$(if $({flag.removesuffix('=1')}),--" in makefile, extra


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs Debian's openssl")
def test_the_digests_of_a_stick_are_signed_as_openssl_verifies_it(tmp_path: Path) -> None:
    sums = tmp_path / SUMS
    sums.write_text("0" * 64 + "  a.whl\n", "ascii")
    (tmp_path / "vendor.pub").write_text(VENDOR.public.to_pem(), "ascii")
    sign_sums(tmp_path, VENDOR)
    words = "openssl pkeyutl -verify -pubin -inkey vendor.pub -rawin -in SHA256SUMS -sigfile"
    command = [*words.split(), SIGNATURE]
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode == 0
    sums.write_text("1" * 64 + "  a.whl\n", "ascii")
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode != 0
    assert words.replace(" -sigfile", "") in (ROOT / "docs" / "trust.md").read_text("utf-8")
