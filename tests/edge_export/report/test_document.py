"""The report's document holds every figure, and no name, path or time."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edge_export.description import intended_use, unstated_line
from edge_export.films.film import Film
from edge_export.graph.artefact import Measured
from edge_export.proof.faults import Fault
from edge_export.proof.findings import Findings
from edge_export.proof.parity import FILM_SETS, REFERENCE
from edge_export.report.document import document, encoded, parity
from edge_runtime.bundle.records import FilmGate
from report_document import full_document
from tiny_network import tiny_plan

FACTS = tiny_plan().description
FILE = "model.int8.tflite"


def keys(value: Any, way: str = "") -> Iterator[str]:
    """Yield the way to every value, with `*` for names of files, films and layers."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from keys(one, f"{way}.{'*' if '.' in key or len(key) == 64 else key}")
    elif isinstance(value, list):
        for one in value:
            yield from keys(one, f"{way}[]")
    else:
        yield way


def test_parity_holds_every_figure_of_every_row_to_six_digits(findings: Findings) -> None:
    content = parity(findings, FACTS)
    for file, by_rows in findings.proof.comparisons.items():
        for rows in FILM_SETS:
            found, expected = content["artefacts"][file]["rows"][rows], by_rows[rows]
            assert found["flips"] == expected.flips
            assert found["mean_difference"] == float(f"{expected.mean_difference:.6g}")
            assert found["metrics"]["auc"]["n"] == expected.n
    sizes = {one.file: len(one.graph) for one in findings.artefacts}
    assert {file: content["artefacts"][file]["bytes"] for file in sizes} == sizes
    assert content["decision"]["threshold"] == 0.5
    assert content["calibration"]["overrides"] == ["few_films"]


def test_parity_holds_nothing_that_changes_from_run_to_run(findings: Findings) -> None:
    slower = {
        file: Measured(one.outputs, 99.0, "another") for file, one in findings.measured.items()
    }
    timed = {file: replace(one, milliseconds=99.0) for file, one in findings.latencies.items()}
    results = [replace(one, seconds=99.0, milliseconds=99.0) for one in findings.ladder]
    other = replace(findings, measured=slower, latencies=timed, ladder=results, slower=["slow"])
    assert encoded(parity(other, FACTS)) == encoded(parity(findings, FACTS))
    assert encoded(document(other, FACTS, "m")) != encoded(document(findings, FACTS, "m"))


def test_every_part_that_the_page_can_show_is_there(findings: Findings) -> None:
    flipped = findings.proof.probabilities[FILE].copy()
    flipped[3] = 1 - flipped[3].round()
    probabilities = {**findings.proof.probabilities, FILE: flipped}
    fault = Fault("chance", "keras: chance: so it is")
    proof = replace(findings.proof, probabilities=probabilities, faults=[fault])
    whole = replace(findings, proof=proof, caveat=["No evidence."])
    found = set(keys(document(whole, FACTS, "m.edge")))
    shown = {way for way in keys(full_document()) if not way.startswith(".tools")}
    # Before is what other converters make, and nobody asked them.
    assert {way for way in shown - found if not way.endswith(".before")} <= {".located[]"}


def test_matrix_has_every_pair_both_ways(findings: Findings) -> None:
    matrix = parity(findings, FACTS)["matrix"]
    files = ["keras", *(one.file for one in findings.artefacts)]
    assert {(one, other) for one in matrix for other in matrix[one]} == {
        (one, other) for one in files for other in files if one != other
    }
    assert matrix["keras"][FILE] == matrix[FILE]["keras"]


def test_flips_are_named_by_digest_with_both_probabilities(findings: Findings) -> None:
    changed = findings.proof.probabilities[FILE].copy()
    changed[:] = findings.proof.probabilities["keras"]
    changed[5] = 1 - changed[5].round()
    proof = replace(findings.proof, probabilities={**findings.proof.probabilities, FILE: changed})
    flips = [
        one
        for one in document(replace(findings, proof=proof), FACTS, "m.edge")["flips"]
        if one["artefact"] == FILE
    ]
    assert [one["sha256"] for one in flips] == [findings.held_out.digests[5]]
    assert (flips[0]["candidate"] >= 0.5) != (flips[0]["reference"] >= 0.5)


def test_the_command_names_no_folder(findings: Findings, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["export", "/home/erika/run", "--data=/films/of erika=e/all", "--out", "a/b.edge"]
    monkeypatch.setattr(sys, "argv", ["x", *arguments, "--input-range=-1,1"])
    command = document(findings, FACTS, "b.edge")["command"]
    assert command == "edge-kit export run --data=all --out b.edge --input-range=-1,1"


def test_no_name_of_a_film_is_in_the_report(findings: Findings, films: list[Film]) -> None:
    content = encoded(document(findings, FACTS, "m.edge")).decode()
    assert not [film for film in films if film.path.stem in content or film.group in content]
    assert all(digest in content for digest in findings.held_out.digests)


def test_a_number_that_is_not_finite_is_no_report(findings: Findings) -> None:
    broken = replace(findings, ladder=[replace(findings.ladder[0], seconds=np.inf)])
    with pytest.raises(ValueError, match="not JSON compliant"):
        encoded(document(broken, FACTS, "m.edge"))
    json.loads(encoded(document(findings, FACTS, "m.edge")))


def test_what_is_not_stated_of_the_intended_use_is_said(findings: Findings) -> None:
    use = intended_use("xray", views=("PA",), body_parts=("CHEST",))
    facts = replace(FACTS, intended_use=use)
    assert document(findings, facts, "m")["not_stated"] == unstated_line(use)
    stated = intended_use("xray", (18, 90), ("PA",), ("CHEST",))
    facts = replace(FACTS, intended_use=stated)
    assert document(findings, facts, "m")["not_stated"] is None


def test_parity_counts_the_scores_of_the_films_that_are_answered(findings: Findings) -> None:
    proof, films = findings.proof, len(findings.held_out.digests)
    assert sum(parity(findings, FACTS)["scores"]) == films
    probability = np.full(films, 0.97)
    probability[0] = 0.02
    gate = np.ones(films)
    gate[-1] = -9.0
    gated = replace(
        proof,
        probabilities={**proof.probabilities, REFERENCE: probability},
        film_gate=FilmGate(threshold=0.0),
        film_logits={REFERENCE: gate},
        film_checks={},
    )
    scores = parity(replace(findings, proof=gated), FACTS)["scores"]
    assert (scores[0], scores[19], sum(scores)) == (1, films - 2, films - 1)
