"""Every test that the threat model names has a defence that is taken out, and is seen to fail."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from shown_pages import ROOT, text_of

if TYPE_CHECKING:
    from defences import Defence

sys.path.insert(0, str(ROOT / "benchmarks"))
try:
    import defences
finally:
    sys.path.remove(str(ROOT / "benchmarks"))

LIST = defences.defences()
SEEN = "tests/edge_runtime/trust/test_keys.py::test_a_private_key_is_refused_before_it_is_trusted"


def test_the_tests_of_the_threat_model_are_those_of_the_list() -> None:
    named = set(re.findall(r"`(tests/[\w/]+\.py::test_\w+)`", text_of("docs/security.md")))
    assert {defences.nameless(test) for entry in LIST for test in entry.tests} == named


@pytest.mark.parametrize("entry", LIST, ids=lambda entry: entry.attack)
def test_what_is_taken_out_stands_once(entry: Defence) -> None:
    text = entry.source.read_text(encoding="utf-8")
    assert text.count(entry.before) == 1
    assert entry.after != entry.before
    if entry.file.endswith(".py"):
        compile(text.replace(entry.before, entry.after), entry.file, "exec")


@pytest.fixture
def seen() -> Iterator[Defence]:
    """Return the entry of a quick test."""
    yield next(entry for entry in LIST if SEEN in entry.tests)


def test_a_test_that_sees_that_its_defence_is_gone_fails(seen: Defence) -> None:
    assert defences.tried(seen, {}) == {SEEN: "fails"}


def test_a_test_that_sees_nothing_passes(seen: Defence) -> None:
    """Which is what the command reports."""
    assert defences.tried(replace(seen, after=f"{seen.before}  # still"), {}) == {SEEN: "passes"}


@pytest.mark.parametrize(
    ("said", "error", "hung", "verdict"),
    [
        (["passed", "failed"], "", True, "fails"),
        (["passed"], "", False, "passes"),
        (["passed"], "", True, "hangs"),
        (["passed", "call: NameError"], "", False, "breaks (call: NameError)"),
        (["passed", "call: SyntaxError"], "SyntaxError", False, "fails"),
        (["setup: SyntaxError"], "SyntaxError", False, "breaks (setup: SyntaxError)"),
        (["skipped", "passed"], "", False, "is skipped"),
        ([], "", False, "breaks (it is not run)"),
    ],
)
def test_nothing_but_a_failure_is_one(
    said: list[str], error: str, hung: bool, verdict: str
) -> None:
    found = defences.Run({"t.py::test": said}, {}, "", hung)
    assert found.verdict("t.py::test[1]", error) == verdict


def test_a_test_that_hangs_does_not_fail(seen: Defence) -> None:
    endless = replace(seen, after="while True:\n        pass\n    if text:")
    assert defences.run(seen.tests, 6.0, endless).verdict(SEEN) == "hangs"


def test_a_defence_that_is_not_there_once_is_said(seen: Defence) -> None:
    (verdict,) = defences.tried(replace(seen, before="text"), {}).values()
    assert re.match(r"breaks \(runtime/edge_runtime/trust/keys\.py: \d+ times: 'text'\)", verdict)
