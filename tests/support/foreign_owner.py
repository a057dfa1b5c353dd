"""Makes a file or a folder another user's: really so for root, in appearance for anybody else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SOMEBODY = 54321
"""The number of a user that no machine has."""


def give_away(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `path` belong to somebody else, for as long as the test runs."""
    if not hasattr(os, "geteuid"):
        pytest.skip("this system has no owners of files")
    if os.geteuid() == 0:
        os.chown(path, SOMEBODY, -1, follow_symlinks=False)
    else:
        own = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: own + 1)
