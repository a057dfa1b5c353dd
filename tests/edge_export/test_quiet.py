"""Compiled code is silent, unless what it said explains an unexpected error."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import warnings

import pytest

from edge_export.quiet import quiet
from edge_runtime.errors import DataError


def chatter() -> None:
    os.write(2, b"compiled chatter\n")


def test_what_compiled_code_says_is_held_back(capfd: pytest.CaptureFixture[str]) -> None:
    with quiet():
        chatter()
        warnings.warn("a foreign warning", stacklevel=1)
    chatter()
    assert capfd.readouterr().err == "compiled chatter\n"


def test_tensorflow_comes_without_the_plots_that_nobody_asked_for() -> None:
    program = (
        "import sys; from edge_export.quiet import import_tensorflow; import_tensorflow();"
        "assert 'keras' in sys.modules and 'matplotlib.pyplot' not in sys.modules;"
        "import matplotlib.pyplot"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_it_is_the_clue_when_something_unexpected_fails(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(RuntimeError), quiet():
        chatter()
        raise RuntimeError
    assert capfd.readouterr().err == "compiled chatter\n"


def test_an_error_of_ours_stays_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DataError), quiet():
        chatter()
        raise DataError("graph", "cannot be converted")
    assert capfd.readouterr().err == ""


def test_blocks_nest_and_leave_no_descriptor_open(capfd: pytest.CaptureFixture[str]) -> None:
    before = os.dup(0)
    os.close(before)
    with quiet(), quiet():
        chatter()
    after = os.dup(0)
    os.close(after)
    assert before == after
    assert capfd.readouterr().err == ""


def test_a_stderr_that_is_no_file_will_do(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    ours = io.StringIO()
    monkeypatch.setattr(sys, "stderr", ours)
    with quiet():
        chatter()
        sys.stderr.write("a line of ours")
    assert capfd.readouterr().err == ""
    assert ours.getvalue() == "a line of ours"


def test_tensorflow_gets_its_own_keras_whatever_the_user_set_and_no_jax() -> None:
    code = (
        "import sys; from edge_export.quiet import import_tensorflow; import_tensorflow(); "
        "import keras; print(keras.backend.backend(), 'jax' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "KERAS_BACKEND": "jax"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "tensorflow False\n"
