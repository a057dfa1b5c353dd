"""Each threat that `docs/security.md` lists names a test that exists."""

from __future__ import annotations

import ast
import re

import pytest

from shown_pages import ROOT, text_of

_TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
_SECTION = "## Who, and what keeps them from it"


def rows() -> list[str]:
    section = text_of("docs/security.md").split(f"\n{_SECTION}\n", 1)[1].split("\n## ", 1)[0]
    return [line for line in section.splitlines() if line.startswith("| ")][1:]


def names_in(path: str) -> set[str]:
    """Return the tests that a file has."""
    nodes = ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8")))
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef)}


def test_threats_are_listed() -> None:
    assert len(rows()) > 25


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.rpartition("::")[2].strip("` |"))
def test_a_threat_names_a_test_that_exists(row: str) -> None:
    named = _TEST.findall(row)
    assert named, row
    for path, name in named:
        assert name in names_in(path), row
