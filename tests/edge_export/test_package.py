from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from edge_export.artefact import Artefact, measure
from edge_export.facts import BundleFacts
from edge_export.film import Film
from edge_export.graph.network import Network
from edge_export.package import write
from edge_export.pixels import Pixels, load_pixels
from edge_export.proof.prove import Proof, Rows, prove
from edge_export.report.document import parity_json
from edge_runtime.bundle import open_bundle, verify_all
from edge_runtime.digest import sha256
from edge_runtime.errors import CannotWrite
from edge_runtime.manifest import Training
from edge_runtime.preprocess import film_pixels
from tiny_network import LOOSE, RECIPE, tiny_plan

FACTS = tiny_plan().facts
SHIPPED = ("model.int8.tflite", "model.int8.onnx")


@pytest.fixture(scope="module")
def shipped(artefacts: dict[str, Artefact]) -> list[Artefact]:
    return [artefacts[file] for file in SHIPPED]


@pytest.fixture(scope="module")
def proof(candidate: Network, shipped: list[Artefact], films: list[Film]) -> Proof:
    import numpy as np

    held_out = [film for film in films if film.split != "train"]
    positive = np.array([film.label == "covid" for film in held_out])
    rows = Rows(load_pixels(held_out, RECIPE), positive, [film.split for film in held_out])
    return prove(candidate, shipped, rows, LOOSE)


def card(path: Path) -> str:
    return bytes(open_bundle(path).read("card.md")).decode()


def written(path: Path, shipped: list[Artefact], proof: Proof, facts: BundleFacts) -> Path:
    identity = write(path, shipped, proof, facts, [sha256(b"film")])
    assert verify_all(path).identity == identity
    return path


def test_a_bundle_holds_graphs_golden_films_parity_and_card(
    shipped: list[Artefact], proof: Proof, tmp_path: Path
) -> None:
    bundle = open_bundle(written(tmp_path / "m.edge", shipped, proof, FACTS))
    golden = {f"golden/{place}.png" for place in range(4)}
    assert set(bundle.manifest.files) == {*SHIPPED, *golden, "parity.json", "card.md"}
    assert {one.file: bytes(bundle.read(one.file)) for one in shipped} == {
        one.file: one.graph for one in shipped
    }
    assert json.loads(bytes(bundle.read("parity.json"))) == parity_json(proof)


def test_golden_logits_are_what_each_graph_answers(
    shipped: list[Artefact], proof: Proof, tmp_path: Path
) -> None:
    import numpy as np

    bundle = open_bundle(written(tmp_path / "m.edge", shipped, proof, FACTS))
    for film in bundle.manifest.golden.films:
        encoded = film_pixels(bytes(bundle.read(film.file)), RECIPE)
        assert film.pixels_sha256 == sha256(encoded)
        pixels: Pixels = np.frombuffer(encoded, np.uint8).reshape(1, 64, 64, 1)
        for one in shipped:
            assert film.logits[one.file] == (measure(one, pixels).logits[0],)


@pytest.mark.parametrize(("scale", "tolerance"), [(1.0, 0.2), (0.5, 0.4), (3.0, 0.0667)])
def test_golden_logits_may_move_no_probability_by_more_than_a_twentieth(
    scale: float, tolerance: float, shipped: list[Artefact], proof: Proof, tmp_path: Path
) -> None:
    calibration = replace_scale(proof, scale)
    bundle = open_bundle(written(tmp_path / "m.edge", shipped, calibration, FACTS))
    assert bundle.manifest.golden.tolerance == tolerance


def replace_scale(proof: Proof, scale: float) -> Proof:
    decision = proof.decision
    calibration = type(decision.calibration)(method="temperature", scale=scale, offset=0.0)
    changed = type(decision)(
        calibration=calibration, threshold=decision.threshold, uncertain=decision.uncertain
    )
    return replace(proof, decision=changed)


def test_the_card_of_our_own_run_gives_the_commands_that_made_it(
    shipped: list[Artefact], proof: Proof, tmp_path: Path
) -> None:
    facts = replace(FACTS, positive="opacity (any)", negative="none")
    text = card(written(tmp_path / "m.edge", shipped, proof, facts))
    assert "edge-kit train --data DATA --out RUN --model tiny --modality xray" in text
    assert "--channels 1 --positive 'opacity (any)' --seed 0 --epochs 12" in text
    assert "edge-kit export RUN --int8 --data DATA --out tiny-xray.edge" in text


def test_the_card_of_a_foreign_model_claims_no_training_that_is_not_known(
    shipped: list[Artefact], proof: Proof, tmp_path: Path
) -> None:
    facts = replace(FACTS, training=Training(model="theirs", seed=None, epochs=None))
    text = card(written(tmp_path / "m.edge", shipped, proof, facts))
    assert "None" not in text
    assert "edge-kit train" not in text
    assert "those below may be among them" in text


def test_limits_are_quoted_as_they_stand_and_missed_where_there_are_none(
    shipped: list[Artefact], proof: Proof, tmp_path: Path
) -> None:
    stated = replace(FACTS, limits="Only {adults}, 50 % of one clinic.\n")
    assert "Only {adults}, 50 % of one clinic." in card(
        written(tmp_path / "a.edge", shipped, proof, stated)
    )
    assert "stated no limits" in card(written(tmp_path / "b.edge", shipped, proof, FACTS))


@pytest.mark.parametrize(
    "facts",
    [
        replace(FACTS, name="Not A Word"),
        replace(FACTS, version="one"),
        replace(FACTS, positive="noncovid"),
    ],
)
def test_facts_that_make_no_manifest_leave_no_file(
    facts: BundleFacts, shipped: list[Artefact], proof: Proof, tmp_path: Path
) -> None:
    with pytest.raises(CannotWrite, match="its manifest would be wrong"):
        write(tmp_path / "m.edge", shipped, proof, facts, [])
    assert not list(tmp_path.iterdir())
