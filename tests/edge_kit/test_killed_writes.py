"""Killed before any step of its writing, a result is whole or not there, and the next try is right.

`make kill-writes` does so with whole commands.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import killed_writes
from killed_writes import NEW, OLD
from tiny_bundle import environment

WHOLE = {
    "run": {"run/a": NEW, "run/below/b": NEW},
    "report": {"a": NEW, "b": NEW, "c": NEW},
    "file": {"a": NEW},
}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system forks no process")
def test_nothing_half_written_stands_under_its_name_at_any_step(tmp_path: Path) -> None:
    paths = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, killed_writes.__file__, str(tmp_path)],
        capture_output=True, text=True, check=True, env={**environment(), "PYTHONPATH": paths},
    )  # fmt: skip
    steps: dict[str, int] = {}
    for name, step, after, again in json.loads(done.stdout):
        steps[name] = step
        assert again == WHOLE[name], (name, step)
        assert set(after.values()) <= {OLD, NEW}, (name, step, after)
        if name == "run":
            assert after in ({}, WHOLE[name]), (step, after)
    assert steps["run"] > 8 and steps["report"] > 6 and steps["file"] > 2
