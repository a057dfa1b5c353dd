"""A change that a test finds is told from one that none does, whichever way it is tried."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from shown_pages import ROOT

pytest.importorskip("mutmut", reason="needs the extra mutants")
if not hasattr(__import__("os"), "fork"):
    pytest.skip("needs fork", allow_module_level=True)

MODULE = '''"""A limit."""
MOST = 3
NAMES = ("first", "second")

def fits(count: int) -> bool:
    """Tell whether it does."""
    if count > MOST:
        raise ValueError("there are too many of them")
    return count != 0
'''
TESTS = """import limits, pytest

def test_limit():
    with pytest.raises(ValueError):
        limits.fits(4)
    assert limits.fits(2)
"""
TRIED = """import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from mutations import mutants
from warm_tests import ANEW, WarmTests
path = Path("limits.py").resolve()
changes = list(mutants(path.read_text()))
tests = WarmTests(["test_limits.py"], Path("kept"), [path])
results = tests.failures("limits", path, [one.text for one in changes])
assert tests.failures("limits", path, [one.text for one in changes]) == results
print(json.dumps([[one.before, one.after, failed] for one, failed in zip(changes, results)]))
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], str]:
    """Return the first test that fails with each change of `MODULE`."""
    folder = tmp_path_factory.mktemp("limits")
    (folder / "limits.py").write_text(MODULE)
    (folder / "test_limits.py").write_text(TESTS)
    line = [sys.executable, "-c", TRIED, str(ROOT / "benchmarks")]
    said = subprocess.run(line, cwd=folder, check=True, capture_output=True, text=True).stdout
    return {(before, after): failed for before, after, failed in json.loads(said)}


@pytest.mark.parametrize(
    ("before", "after", "is_found"),
    [
        ("> MOST", ">= MOST", False),  # nobody tries 3
        ("if count > MOST", "if False", True),
        ("if count > MOST", "if True", True),
        ("MOST = 3", "MOST = None", True),  # loaded anew
        ("3", "4", True),
        ('"first"', '"FIRST"', False),
        ("!= 0", "== 0", True),
        ("0", "1", False),
        ("return count != 0", "return None", True),
    ],
)
def test_a_change_is_found_or_not(
    before: str, after: str, is_found: bool, results: dict[tuple[str, str], str]
) -> None:
    failed = results[before, after]
    assert bool(failed) is is_found, results
    assert not is_found or failed == "test_limits.py::test_limit"


def test_sentences_and_docstrings_are_left_alone(results: dict[tuple[str, str], str]) -> None:
    assert not [key for key in results if "XX" in key[1] and ("too many" in key[1] or "limit" in
                key[1])]  # fmt: skip


def test_each_survivor_that_is_kept_has_a_reason() -> None:
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        from mutant_targets import TARGETS
        from mutants import judged

        reasons = judged()
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))
    assert all(len(reason) > 10 for reason in reasons.values())
    assert {key[0] for key in reasons} <= TARGETS.keys()
    for files in TARGETS.values():
        assert all((Path(ROOT) / file).exists() for file in files)
