"""An archive's scores are held against those of the bundle's proof, with an interval."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyarrow", reason="needs edge-kit[scale]")

from edge_kit.scoring.drift import drift
from edge_kit.scoring.summary import BINS, Group
from tiny_bundle import write_tiny_bundle

SHIPPED = Path(__file__).resolve().parents[3] / "models" / "clinic-xray-0.2.2.edge"


def group(share: float, films: int) -> Group:
    """Return answers of which `share` are at or above one half."""
    group = Group()
    above = round(share * films)
    group.scores[:] = np.zeros(BINS, np.int64)
    group.scores[0], group.scores[-1] = films - above, above
    return group


def test_an_archive_with_the_shares_of_the_proof_has_not_drifted() -> None:
    first = drift(group(0.5, 2000), str(SHIPPED))
    assert first
    alike = Group()
    alike.scores[:: BINS // len(first.proof)] = np.round(np.array(first.proof) * 2000)
    same = drift(alike, str(SHIPPED))
    assert same
    assert not same.is_large and same.index.low == 0 and same.index.value < 0.01


def test_an_archive_with_other_shares_has_drifted_and_says_by_how_much() -> None:
    moved = drift(group(0.999, 2000), str(SHIPPED))
    assert moved
    assert moved.is_large and 0.1 < moved.index.low < moved.index.value < moved.index.high
    assert moved.index.n == 2000
    assert (moved.here[0], moved.here[-1], sum(moved.here)) == pytest.approx((0.001, 0.999, 1.0))
    assert len(moved.edges) == len(moved.here) + 1


def test_too_few_answers_and_a_bundle_without_a_proof_have_no_drift(tmp_path: Path) -> None:
    assert drift(group(0.5, 29), str(SHIPPED)) is None
    assert drift(group(0.5, 2000), str(write_tiny_bundle(tmp_path / "t.edge"))) is None
