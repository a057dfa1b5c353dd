"""Compiled code is silent inside the block, and stderr is what it was after it."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from edge_runtime.silence import silence
from tiny_bundle import environment


def test_silence_ends_with_the_last_of_nested_blocks(capfd: pytest.CaptureFixture[str]) -> None:
    with silence():
        with silence():
            os.write(2, b"noise\n")
        os.write(2, b"noise\n")
    os.write(2, b"news\n")
    assert capfd.readouterr().err == "news\n"


def open_descriptors() -> int:
    """Return how many files this process has open, or 0 where nobody tells."""
    listed = Path("/proc/self/fd")
    return len(list(listed.iterdir())) if listed.exists() else 0


def test_silence_in_many_threads_leaves_stderr_as_it_was(
    capfd: pytest.CaptureFixture[str],
) -> None:
    descriptors = open_descriptors()

    def chat(_: int) -> None:
        with silence():
            os.write(2, b"noise\n")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(chat, range(2000)))
    os.write(2, b"news\n")
    assert capfd.readouterr().err == "news\n"
    assert open_descriptors() == descriptors


CLOSED = """\
import os
from edge_runtime.silence import silence
os.close(2)
with silence():
    print("inside")
try:
    os.fstat(2)
except OSError:
    print("still closed")
"""


def test_silence_without_a_stderr_opens_none() -> None:
    said = subprocess.run(
        [sys.executable, "-S", "-c", CLOSED],
        stdout=subprocess.PIPE, text=True, check=True, env=environment(),
    ).stdout  # fmt: skip
    assert said.splitlines() == ["inside", "still closed"]


def test_silence_ends_with_its_block(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError), silence():
        os.write(2, b"noise\n")
        raise RuntimeError
    os.write(2, b"news\n")
    assert capfd.readouterr().err == "news\n"
