"""What the page on updates shows is run as it is written, over a stick and over HTTP."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from shown_pages import ROOT, blocks
from simulated_repository import serving
from tiny_bundle import environment
from update_bed import model

PAGE = "docs/updates.md"
SERVED = "http://127.0.0.1:8000"


@pytest.mark.skipif(os.name == "nt", reason="the page is for a shell of Unix")
def test_a_new_user_comes_through_the_page(tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    for number in (1, 2):
        shutil.move(model(tmp_path, number), tmp_path / f"covid-0.{number}.0.edge")
    shown = [text for language, text in blocks(PAGE) if language == "sh"]
    lines = [line for text in shown for line in text.splitlines()]
    assert len(lines) > 12
    with serving(tmp_path / "repository", {}) as address:
        for line in lines:
            words = shlex.split(line.replace(SERVED, address), comments=True)
            done = subprocess.run(
                [*program(words[0]), *words[1:]], cwd=tmp_path, env=environment(),
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, f"{line}: {done.stderr}"
    for store, release in (("store", 1), ("another", 2)):  # the page goes back at its end
        told = subprocess.run(
            [*program("edge-run"), "update", "--status", "--store", store], cwd=tmp_path,
            env=environment(), capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        assert f"release {release}" in told.splitlines()[0]


def program(name: str) -> list[str]:
    """Return what runs a program of a page, with this Python."""
    modules = {"edge-run": "edge_runtime", "edge-kit": "edge_kit.cli"}
    if name == "edge-kit":
        return [str(Path(sys.executable).with_name(name))]
    return [sys.executable, "-m", modules[name]] if name in modules else [name]
