"""A node that is killed between receipt and delivery answers each image, delivers each object once.

`make kill-dicom` does the same fifty times.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

from killed_nodes import killed

# pynetdicom 3.0 does not close the socket of a connection that is refused: it forgets it.
pytestmark = pytest.mark.filterwarnings(
    r"ignore:unclosed <socket\.socket:ResourceWarning:pynetdicom\.transport"
)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_whatever_moment_it_is_killed_at(tiny: Path, tmp_path: Path) -> None:
    assert killed(tmp_path, str(tiny), 3, random.Random(1)) == []
