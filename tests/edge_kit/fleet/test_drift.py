"""Scores are held against what a bundle's proof says of them, and against nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edge_kit.evaluation.score_reference import ScoreReference, reference_of
from edge_runtime.bundle import open_bundle
from edge_runtime.bundle.pack import write_bundle
from edge_runtime.errors import NotABundle
from edge_runtime.fleet.records import BINS

SHIPPED = Path(__file__).resolve().parents[3] / "models" / "model3-xray-0.2.2.edge"
SCORES = [30, *[2] * 18, 30]


def reference(path: Path) -> ScoreReference:
    with open_bundle(path) as bundle:
        return reference_of(bundle)


def rewritten(path: Path, parity: Any, **decision: Any) -> Path:
    """Write the shipped bundle with another parity.json, and another decision."""
    with open_bundle(SHIPPED) as bundle:
        manifest = bundle.manifest
        files = {name: bytes(bundle.read(name)) for name in manifest.files}
        fields = {key: value for key, value in manifest.to_json().items()
                  if key not in ("files", "identity", "schema")}  # fmt: skip
        document = json.loads(files["parity.json"])
    files["parity.json"] = json.dumps({**document, **parity} if parity is not None else []).encode()
    fields["decision"] = {**fields["decision"], **decision}
    write_bundle(path, fields, files)
    return path


def test_the_histogram_of_the_proof_is_the_reference(tmp_path: Path) -> None:
    told = reference(rewritten(tmp_path / "m.edge", {"scores": SCORES}))
    assert told.counts == tuple(SCORES) and told.edges == tuple(range(BINS))
    assert told.words == "the 96 held-out films of the proof of model3-xray 0.2.2"
    assert told.compare([60, *[4] * 18, 60]) is not None


def test_a_shipped_bundle_has_the_histogram_of_its_proof() -> None:
    told = reference(SHIPPED)
    assert told.edges == tuple(range(BINS))
    assert sum(told.counts) == 347  # of 348 films, one of which it refuses


def test_of_a_bundle_without_one_the_share_of_positive_answers_makes_two_bins(
    tmp_path: Path,
) -> None:
    told = reference(rewritten(tmp_path / "m.edge", {"scores": None}))
    assert told.edges == (0, 10) and sum(told.counts) == 348
    assert told.words.endswith(
        "of which its proof tells the share from 0.5 on alone, hence two bins"
    )
    same = [told.counts[0], *[0] * 18, told.counts[1]]
    index = told.compare(same)
    assert index is not None and index.value == pytest.approx(0, abs=1e-9)
    other = told.compare([20, *[0] * 18, 300])
    assert other is not None and other.low > 0.1


def test_a_histogram_of_another_calibration_is_not_taken(tmp_path: Path) -> None:
    calibration = {"method": "temperature", "scale": 0.9, "offset": 0.0}
    path = rewritten(tmp_path / "m.edge", {"scores": SCORES}, calibration=calibration)
    assert reference(path).edges == (0, 10)


@pytest.mark.parametrize("scores", [[1, 2], "x", [0.5] * BINS, [True] * BINS, None, {}])
def test_a_histogram_that_is_none_is_not_taken(tmp_path: Path, scores: object) -> None:
    assert reference(rewritten(tmp_path / "m.edge", {"scores": scores})).edges == (0, 10)


def test_a_bundle_whose_proof_tells_nothing_is_refused(tmp_path: Path) -> None:
    rewritten(tmp_path / "m.edge", None)
    with pytest.raises(NotABundle, match="has no scores in its proof"):
        reference(tmp_path / "m.edge")
