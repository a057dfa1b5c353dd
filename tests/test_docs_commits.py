"""A commit that a page of figures names can be looked up by whoever has a clone."""

from __future__ import annotations

import re
import subprocess

import pytest

from shown_pages import ROOT, text_of

_COMMIT = re.compile(r"\b(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{7}\b")
_NO_COMMIT = {"ed25519"}
_FIRST = "5085d89"
"""One that whoever has the history has."""


def is_in_history(commit: str) -> bool:
    words = ["git", "-C", str(ROOT), "merge-base", "--is-ancestor", commit, "HEAD"]
    try:
        return subprocess.run(words, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@pytest.mark.skipif(not is_in_history(_FIRST), reason="needs the history of this repository")
def test_the_commits_that_figures_name_are_in_the_history() -> None:
    named = sorted({*_COMMIT.findall(text_of("docs/figures.md"))} - _NO_COMMIT)
    assert len(named) > 10
    assert [commit for commit in named if not is_in_history(commit)] == []
