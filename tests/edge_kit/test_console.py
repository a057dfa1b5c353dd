"""Whoever waits for a step sees that it goes on; a refusal speaks of what is there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from edge_kit.console import elapsed_shown, longest_silence, refusing
from edge_runtime.errors import DataError
from tiny_bundle import environment

SILENT = "time.sleep(1)"
HELD_BACK = """
with quiet():
    for _ in range(10):
        print("chatter", file=sys.stderr)
        time.sleep(0.1)
"""
STEP = """
import sys, time
from edge_export.quiet import quiet
from edge_kit import console
console.LONGEST_SILENCE = 0.3
with console.elapsed_shown("exporting"):
    exec(sys.argv[1])
"""


@pytest.mark.parametrize("work", [SILENT, HELD_BACK], ids=["silent", "held back"])
def test_a_step_that_shows_nothing_is_said_to_go_on(work: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STEP, work],
        env=environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert re.match(r"    exporting: \d+ s so far\n", done.stderr)
    assert "chatter" not in done.stderr


def test_a_step_of_hours_is_not_said_to_go_on_every_few_seconds() -> None:
    assert [longest_silence(elapsed) for elapsed in (0, 99, 3600)] == [4, 4, 144]
    lines, elapsed = 0, 0.0
    while elapsed < 24 * 3600:
        elapsed += longest_silence(elapsed)
        lines += 1
    assert lines < 250


def test_stderr_is_as_before_when_the_step_fails() -> None:
    before, descriptors = sys.stderr, len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(ValueError, match="no"), elapsed_shown("training"):
        raise ValueError("no")
    assert sys.stderr is before
    assert len(list(Path("/proc/self/fd").iterdir())) == descriptors


def test_warnings_of_other_packages_are_shown_to_those_who_ask_alone() -> None:
    code = (
        "import warnings\n"
        "from edge_kit import cli\n"
        "cli.run = lambda _: warnings.warn('foreign') or 0\n"
        "cli.main()"
    )
    for options, shown in (([], False), (["-W", "default"], True)):
        done = subprocess.run(
            [sys.executable, *options, "-c", code],
            env=environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0
        assert ("foreign" in done.stderr) is shown


def test_a_machine_without_shared_memory_is_told_nothing_of_joblib() -> None:
    code = (
        "import _multiprocessing\ndel _multiprocessing.SemLock\nimport edge_kit.cli\nimport joblib"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("modality", "line"),
    [
        ("xray", "films/a: 44 films, 2 of torn film; give films with --calibration-films"),
        ("other", "films/a: 44 pictures, 2 of torn film; give pictures with --calibration-films"),
    ],
)
def test_a_refusal_is_told_in_the_words_for_what_is_there(modality: str, line: str) -> None:
    problem, cure = "44 films, 2 of torn film", "give films with --calibration-films"
    with pytest.raises(DataError) as caught, refusing(modality, "whole", None, "torn film,odd"):
        raise DataError("films/a", problem, cure)
    assert str(caught.value) == line
