"""What the page on signed bundles shows runs as it is written, from a new key to a check."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from edge_kit.cli import run
from shown_pages import ROOT, blocks
from tiny_bundle import edge_run, environment


def test_the_page_runs_from_a_new_key_to_a_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models").symlink_to(ROOT / "models")
    monkeypatch.chdir(tmp_path)
    trust = environment(EDGE_RUN_TRUST=str(tmp_path / "policy"))
    lines = [
        line for language, text in blocks("docs/trust.md") if language == "sh"
        for line in text.splitlines()
    ]  # fmt: skip
    for line in lines:
        program, *words = shlex.split(line)
        if program == "edge-kit":
            assert run(words) == 0, line
        else:
            done = edge_run(*words, env=trust, cwd=tmp_path)
            assert done.returncode == 0, (line, done.stderr)
    shown = edge_run("info", "model3-xray-0.2.2.edge", "--format", "json", env=trust)
    assert json.loads(shown.stdout)["signed"]["trusted"] is True
    unsigned = edge_run("info", ROOT / "models" / "model3-xray-0.2.2.edge", env=trust)
    assert unsigned.returncode == 4
