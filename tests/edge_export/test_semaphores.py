"""Where there are no shared semaphores, nothing is said of it; where there are, nothing changes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from edge_export import semaphores

KEY = "JOBLIB_MULTIPROCESSING"
# What a container without /dev/shm answers, on the way to the modules that import scikit-learn.
DENIED = """
import _multiprocessing, os, sys
def denied(*_, **__):
    raise PermissionError(13, "Permission denied")
_multiprocessing.SemLock = denied
if len(sys.argv) > 2:
    os.environ["JOBLIB_MULTIPROCESSING"] = sys.argv[2]
__import__(sys.argv[1])
assert "sklearn" in sys.modules
"""


def imported(module: str, *said: str) -> subprocess.CompletedProcess[str]:
    """Return what became of a process that imports `module` where no semaphores are."""
    environment = {name: value for name, value in os.environ.items() if name != KEY}
    return subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", DENIED, module, *said],
        env={**environment, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "module",
    ["edge_kit.data.candidates", "edge_kit.evaluation.refit", "edge_export.statistics.calibration"],
)
def test_without_semaphores_a_module_that_needs_scikit_learn_is_imported_in_silence(
    module: str,
) -> None:
    made = imported(module)
    assert (made.returncode, made.stdout, made.stderr) == (0, "", "")


def test_whoever_wants_processes_of_joblib_is_told_by_joblib() -> None:
    made = imported("edge_export.statistics.calibration", "1")
    assert "joblib will operate in serial mode" in made.stderr


@pytest.mark.parametrize(
    ("shared", "before", "after"),
    [(True, None, None), (False, None, "0"), (False, "1", "1"), (True, "0", "0")],
)
def test_joblib_is_told_nothing_but_what_it_would_find_out(
    shared: bool, before: str | None, after: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(KEY, raising=False)
    if before is not None:
        monkeypatch.setenv(KEY, before)
    monkeypatch.setattr(semaphores, "shared", lambda: shared)
    semaphores.tell_joblib()
    assert os.environ.get(KEY) == after


def test_a_name_that_is_taken_is_a_semaphore_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def taken(*_: object, **__: object) -> None:
        raise FileExistsError

    monkeypatch.setattr("_multiprocessing.SemLock", taken)
    assert semaphores.shared()


def test_a_python_without_them_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "_multiprocessing", None)
    assert not semaphores.shared()
