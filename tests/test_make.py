"""`make` alone lists every target; the hooks run what CI runs, and fetch nothing."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAKE = shutil.which("make")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
HOOKS = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")


@pytest.mark.skipif(MAKE is None, reason="make is not installed")
def test_every_target_is_listed_with_what_it_is_for() -> None:
    (phony,) = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    listed = subprocess.run(
        [str(MAKE), "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert re.findall(r"^make (\S+) +\S.{10,}$", listed, re.MULTILINE) == phony.split()
    assert len(listed.splitlines()) == len(phony.split())


def test_a_hook_is_a_part_of_what_ci_runs_or_all_of_it() -> None:
    entries = re.findall(r"^ *entry: (.*)$", HOOKS, re.MULTILINE)
    assert entries == ["make lint", ".ci/run"]
    assert re.search(r"^test: .*\blint\b", MAKEFILE, re.MULTILINE)
    assert 'make test "$@"' in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_no_hook_is_fetched() -> None:
    assert set(re.findall(r"repo: (.*)", HOOKS)) == {"local"}
