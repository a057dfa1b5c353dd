"""A bundle and its card say how they were made, and claim nothing that is not known."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge_export.description import BundleDescription
from edge_export.examine import examine
from edge_export.films.film import Film
from edge_export.films.pixels import Pixels
from edge_export.graph.artefact import Artefact, integer_outputs, measure
from edge_export.package import write
from edge_export.proof.findings import Findings
from edge_export.proof.prove import Proof
from edge_export.proof.threshold import Rule, choose_threshold
from edge_export.quantize.quantizer import Quantizer
from edge_export.quantize.recipe import DYNAMIC, FLOAT16, FULL, Setting
from edge_export.report.document import parity
from edge_runtime.bundle import open_bundle, verify_all
from edge_runtime.bundle.records import Calibration, Decision, Training, Uncertain
from edge_runtime.errors import CannotWrite
from edge_runtime.film.preprocess import film_pixels, film_stages
from edge_runtime.machine.check import stage_digest
from tiny_network import MADE_BY, RECIPE, tiny_plan

if TYPE_CHECKING:
    import keras

FACTS = tiny_plan(film_threshold=0.0).description
SHIPPED = ("model.int8.tflite", "model.int8.onnx")


def shipped(findings: Findings) -> list[Artefact]:
    return [one for one in findings.artefacts if one.file in findings.shipped]


def card(path: Path) -> str:
    return bytes(open_bundle(path).read("card.md")).decode()


def written(path: Path, findings: Findings, description: BundleDescription) -> Path:
    identity = write(path, findings, description)
    assert verify_all(path).identity == identity
    return path


def test_a_bundle_holds_graphs_golden_films_parity_and_card(
    findings: Findings, tmp_path: Path
) -> None:
    bundle = open_bundle(written(tmp_path / "m.edge", findings, FACTS))
    golden = {f"golden/{place}.png" for place in range(4)}
    assert set(bundle.manifest.files) == {*SHIPPED, *golden, "parity.json", "card.md"}
    assert {one.file: bytes(bundle.read(one.file)) for one in shipped(findings)} == {
        one.file: one.graph for one in shipped(findings)
    }
    assert json.loads(bytes(bundle.read("parity.json"))) == parity(findings, FACTS)


def test_golden_logits_are_what_each_graph_answers(findings: Findings, tmp_path: Path) -> None:
    import numpy as np

    bundle = open_bundle(written(tmp_path / "m.edge", findings, FACTS))
    for film in bundle.manifest.golden.films:
        encoded = film_pixels(bytes(bundle.read(film.file)), RECIPE)
        stages = dict(film_stages(bytes(bundle.read(film.file)), RECIPE))
        digests = {name: stage_digest(image) for name, image in stages.items()}
        assert film.stages.to_json() == digests
        assert stages["normalised"].tobytes() == encoded
        pixels: Pixels = np.frombuffer(encoded, np.uint8).reshape(1, 64, 64, 1)
        for one in shipped(findings):
            assert film.logits[one.file] == tuple(measure(one, pixels).outputs[0])


@pytest.mark.parametrize(("scale", "tolerance"), [(1.0, 0.2), (0.5, 0.4), (3.0, 0.0667)])
def test_golden_logits_may_move_no_probability_by_more_than_a_twentieth(
    scale: float, tolerance: float, findings: Findings, tmp_path: Path
) -> None:
    scaled = replace(findings, proof=replace_scale(findings.proof, scale))
    bundle = open_bundle(written(tmp_path / "m.edge", scaled, FACTS))
    assert bundle.manifest.golden.tolerance == tolerance


def replace_scale(proof: Proof, scale: float) -> Proof:
    decision = proof.decision
    calibration = type(decision.calibration)(method="temperature", scale=scale, offset=0.0)
    changed = type(decision)(
        calibration=calibration,
        threshold=decision.threshold,
        uncertain=decision.uncertain,
        chosen=decision.chosen,
    )
    return replace(proof, decision=changed)


def test_the_card_of_our_own_run_gives_the_commands_that_made_it(
    findings: Findings, tmp_path: Path
) -> None:
    text = card(written(tmp_path / "m.edge", findings, FACTS))
    assert f"for 12 epochs from seed 0:\n\n    {MADE_BY}\n" in text
    assert "edge-kit export RUN --int8 --data DATA --out tiny-xray.edge" in text


def test_a_card_begins_with_what_has_to_be_said_and_has_no_such_section_where_nothing_has(
    findings: Findings, tmp_path: Path
) -> None:
    said = replace(findings, warnings=["2 films left out"], caveat=["No evidence.", "AUC 1.000."])
    bundle = open_bundle(written(tmp_path / "m.edge", said, FACTS))
    text = bytes(bundle.read("card.md")).decode()
    _, first, *_ = re.split("^## ", text, flags=re.MULTILINE)
    assert first == (
        "Before you read on\n\n**No evidence.**\n\n- 2 films left out\n"
        "- calibration: few_films ignored as asked\n\n- AUC 1.000.\n\n"
    )
    parity = json.loads(bytes(bundle.read("parity.json")))
    assert list(parity)[:2] == ["warnings", "caveat"]
    assert (parity["warnings"], parity["caveat"]) == (said.cautions, said.caveat)
    calibration = replace(findings.calibration, overrides=())
    plain = written(tmp_path / "plain.edge", replace(findings, calibration=calibration), FACTS)
    assert "Before you read on" not in card(plain)


def test_a_chosen_threshold_travels_with_how_it_was_chosen(
    findings: Findings, tmp_path: Path
) -> None:
    positive = np.arange(20) < 10
    threshold = choose_threshold(positive, np.linspace(0.9, 0.1, 20), Rule(0.9))
    decision = Decision(
        calibration=Calibration(method="platt", scale=0.5, offset=0.25),
        threshold=threshold.value,
        uncertain=Uncertain(low=0.4, high=0.7),
        chosen=threshold.chosen,
    )
    assert 0.4 < threshold.value < 0.7
    changed = replace(
        findings, proof=replace(findings.proof, decision=decision, threshold=threshold)
    )
    bundle = open_bundle(written(tmp_path / "m.edge", changed, FACTS))
    assert bundle.manifest.decision == decision
    parity = json.loads(bytes(bundle.read("parity.json")))
    assert parity["threshold"]["sensitivity"]["value"] == 0.9
    assert parity["threshold"]["chosen"]["sensitivity"] == 0.9
    text = " ".join(bytes(bundle.read("card.md")).decode().split())
    assert "the highest with a sensitivity of at least 0.9, chosen on 10 positive and 10" in text
    assert "sensitivity 0.900 (0.596 to 0.982, n 10)" in text
    assert "--data DATA --calibration platt --sensitivity 0.9 --out tiny-xray.edge" in text


def test_the_card_of_a_foreign_model_claims_no_training_that_is_not_known(
    findings: Findings, tmp_path: Path
) -> None:
    theirs = Training(model="theirs", seed=None, epochs=None, split_seed=None)
    description = replace(FACTS, training=theirs, made_by="")
    text = card(written(tmp_path / "m.edge", findings, description))
    assert "None" not in text
    assert "edge-kit train" not in text
    assert "those below may be among them" in text


def test_the_card_speaks_of_calibration_only_where_a_shipped_graph_was_calibrated(
    findings: Findings, tmp_path: Path
) -> None:
    said = "static recipes by min_max ranges of 12 training films"
    assert said in card(written(tmp_path / "a.edge", findings, FACTS))
    dynamic = [replace(one, recipe=DYNAMIC.name) for one in findings.artefacts]
    assert said not in card(
        written(tmp_path / "b.edge", replace(findings, artefacts=dynamic), FACTS)
    )


def test_limits_are_quoted_as_they_stand_and_missed_where_there_are_none(
    findings: Findings, tmp_path: Path
) -> None:
    stated = replace(FACTS, limits="Only {adults}, 50 % of one clinic.\n")
    assert "Only {adults}, 50 % of one clinic." in card(
        written(tmp_path / "a.edge", findings, stated)
    )
    assert "stated no limits" in card(written(tmp_path / "b.edge", findings, FACTS))


@pytest.mark.parametrize(
    "description",
    [
        replace(FACTS, name="Not A Word"),
        replace(FACTS, version="one"),
        replace(FACTS, positive="noncovid"),
    ],
)
def test_facts_that_make_no_manifest_leave_no_file(
    description: BundleDescription, findings: Findings, tmp_path: Path
) -> None:
    with pytest.raises(CannotWrite, match="its manifest would be wrong"):
        write(tmp_path / "m.edge", findings, description)
    assert not list(tmp_path.iterdir())


def test_what_was_ignored_and_what_it_took_travels_with_the_bundle(
    findings: Findings, tmp_path: Path
) -> None:
    result = findings.ladder[0]
    tried = [
        replace(result, answer="fail"),
        replace(result, step="a", answer="fail"),
        replace(result, step="layers back to float", changed="1 worst in float"),
    ]
    path = written(tmp_path / "m.edge", replace(findings, ladder=tried), FACTS)
    made = open_bundle(path).manifest.quantization
    assert made.overrides == ("few_films",)
    assert made.remedies == ("layers back to float: 1 worst in float",)
    assert "few_films" in card(path)
    assert "1 worst in float" in card(path)


def test_an_undecided_bundle_is_stamped_so(findings: Findings, tmp_path: Path) -> None:
    unsure = {
        file: replace(one, verdict=replace(one.verdict, answer="undecided"))
        for file, one in findings.proof.evidence.items()
    }
    doubtful = replace(findings, proof=replace(findings.proof, evidence=unsure))
    path = written(tmp_path / "m.edge", doubtful, FACTS)
    assert open_bundle(path).manifest.verdict == "undecided"
    assert "**Undecided**" in card(path)


def test_a_full_integer_graph_says_what_its_output_means(
    findings: Findings, quantizer: Quantizer, tmp_path: Path
) -> None:
    full = quantizer.artefacts(FULL, Setting())[0][0]
    both = replace(
        findings, artefacts=[*findings.artefacts, full], shipped=[*findings.shipped, full.file]
    )
    evidence = {**findings.proof.evidence, full.file: findings.proof.evidence[SHIPPED[0]]}
    compared, errors = findings.proof.comparisons, findings.proof.calibration_errors
    answers = findings.proof.probabilities
    proof = replace(
        findings.proof,
        evidence=evidence,
        probabilities={**answers, full.file: answers[SHIPPED[0]]},
        comparisons={**compared, full.file: compared[SHIPPED[0]]},
        calibration_errors={**errors, full.file: errors[SHIPPED[0]]},
        film_checks={
            **findings.proof.film_checks,
            full.file: findings.proof.film_checks[SHIPPED[0]],
        },
    )
    both = replace(both, proof=proof)
    manifest = open_bundle(written(tmp_path / "m.edge", both, FACTS)).manifest
    assert manifest.graphs[-1].outputs == integer_outputs(full)
    assert len(manifest.graphs[-1].outputs) == 2
    assert manifest.graph("tflite") == manifest.graphs[0]


def test_the_card_says_for_which_films_it_is_and_how_many_real_ones_it_refuses(
    findings: Findings, tmp_path: Path
) -> None:
    path = written(tmp_path / "a.edge", findings, FACTS)
    manifest = open_bundle(path).manifest
    assert (manifest.film_gate, manifest.intended_use) == (FACTS.film_gate, FACTS.intended_use)
    text = card(path)
    assert "modality xray, body part CHEST, view PA or AP, ages 18 to 150" in text
    for file in ("keras", *SHIPPED):
        one = findings.proof.film_checks[file]
        assert f"`{file}` refuses {one.refused} of {one.n} held-out films" in text


def test_a_bundle_without_a_film_branch_has_no_gate_and_says_so(
    model: keras.Model, films: list[Film], tmp_path: Path
) -> None:
    plan = replace(tiny_plan(), recipes=(FLOAT16.name,))
    found = examine(model, films, plan, lambda _: None)
    path = written(tmp_path / "a.edge", found, plan.description)
    manifest = open_bundle(path).manifest
    assert manifest.film_gate is None
    assert {len(one) for film in manifest.golden.films for one in film.logits.values()} == {1}
    assert "Nothing tells it films from other pictures" in card(path)
