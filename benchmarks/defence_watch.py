"""A plugin of pytest that keeps how each test ended, and where the packages under test came from.

What it keeps is in the file `$DEFENCE_WATCH` after each test, so that it is there when a later one
hangs. A failure counts as one only where an assertion, or an error of ours, ended the test itself.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

_NOTES: dict[str, Any] = {"tests": {}, "seconds": {}, "packages": {}}


def _said(report: pytest.TestReport, call: pytest.CallInfo[None]) -> str:
    """Return how a phase of a test ended: passed, skipped, failed, or which error it was."""
    error = call.excinfo
    if not report.failed or error is None:
        return report.outcome
    from edge_runtime.errors import EdgeError

    is_failure = error.errisinstance((AssertionError, pytest.fail.Exception, EdgeError))
    return "failed" if is_failure and report.when == "call" else f"{report.when}: {error.typename}"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out what has failed with other parameters: once is enough."""
    if "failed" in _NOTES["tests"].get(item.nodeid.partition("[")[0], ()):
        pytest.skip("it has failed already")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note how each phase of a test ended, by its name without parameters."""
    report = yield
    name = item.nodeid.partition("[")[0]
    said = _NOTES["tests"].setdefault(name, [])
    if (now := _said(report, call)) not in said:
        said.append(now)
    _NOTES["seconds"][name] = _NOTES["seconds"].get(name, 0.0) + report.duration
    _write()
    return report


def _write() -> None:
    """Write the notes, with where each package was imported from that is loaded by now."""
    for name, module in [*sys.modules.items()]:
        if "." not in name and (places := [*getattr(module, "__path__", ())]):
            _NOTES["packages"][name] = [str(place) for place in places]
    place = Path(os.environ["DEFENCE_WATCH"])
    place.with_suffix(".part").write_text(json.dumps(_NOTES), encoding="utf-8")
    place.with_suffix(".part").replace(place)  # whole, whenever the process is ended
