"""The terminal gets the verdict first, each graph in a row, and each reason once."""

from __future__ import annotations

from dataclasses import replace

from edge_export.proof.faults import Fault
from edge_export.proof.findings import Findings
from edge_export.proof.parity import FILM_SETS
from edge_export.report.summary import parity_table, summary
from tiny_network import tiny_plan

FACTS = tiny_plan().description


def test_the_verdict_is_the_first_line_and_fits_on_a_screen(findings: Findings) -> None:
    lines = summary(findings, FACTS).splitlines()
    assert lines[0] == "tiny-xray 0.1.0: PASS: the small graphs decide like the model"
    assert len(lines) <= 24
    assert not any(line.endswith(" ") for line in lines)


def test_every_graph_has_its_row_and_the_shipped_ones_a_star(findings: Findings) -> None:
    rows = summary(findings, FACTS).splitlines()
    starred = [line.split()[0] for line in rows if " * " in line]
    assert starred == list(findings.shipped)


def test_flips_are_below_the_diagonal_and_differences_above(findings: Findings) -> None:
    lines = summary(findings, FACTS).splitlines()
    head = next(place for place, line in enumerate(lines) if "flips \\ max dp" in line)
    files = ["keras", *(one.file for one in findings.artefacts)]
    for place, line in enumerate(lines[head + 1 :]):
        number, *cells = line.split()
        assert (number, cells[0]) == (str(place + 1), files[place])
        assert cells[1 + place] == "-"
        assert all(cell.isdigit() for cell in cells[1 : 1 + place])
        assert all(cell.startswith(("0.", "1.")) for cell in cells[2 + place :])


def test_faults_and_warnings_are_said_once(findings: Findings) -> None:
    fault = Fault("chance", "keras: chance: no better than chance")
    proof = replace(findings.proof, faults=[fault])
    text = summary(replace(findings, proof=proof, warnings=["int8 is slow"]), FACTS)
    assert text.count(fault.line) == 1
    assert text.count("int8 is slow") == 1


def test_a_remedy_and_what_was_ignored_are_said(findings: Findings) -> None:
    (ordered,) = findings.ladder
    text = summary(findings, FACTS)
    assert "calibration: few_films ignored as asked" in text
    assert "remedy" not in text
    tried = [
        replace(ordered, step="calibration method", answer="fail"),
        replace(ordered, step="layers back to float", changed="1 worst in float"),
    ]
    text = summary(replace(findings, ladder=[ordered, *tried]), FACTS)
    assert text.count("remedy: ") == 1
    assert "remedy: layers back to float, 1 worst in float\n" in text


def test_the_same_reason_of_several_graphs_is_one_line(findings: Findings) -> None:
    reasons = ("sensitivity may lose up to 3 %: 9 more films are needed", "one of its own")
    proof = findings.proof
    evidence = dict(proof.evidence)
    for file, given in zip(findings.shipped, (reasons, reasons[:1]), strict=True):
        verdict = replace(evidence[file].verdict, answer="undecided", reasons=given)
        evidence[file] = replace(evidence[file], verdict=verdict)
    lines = summary(replace(findings, proof=replace(proof, evidence=evidence)), FACTS).splitlines()
    assert lines[1:3] == [
        f"  {', '.join(findings.shipped)}: {reasons[0]}", f"  {findings.shipped[0]}: {reasons[1]}"
    ]  # fmt: skip


def test_a_fault_of_the_model_fails_it_whatever_the_graphs_say(findings: Findings) -> None:
    fault = Fault("class_order", "keras: class_order: swapped")
    failed = replace(findings, proof=replace(findings.proof, faults=[fault]))
    assert failed.answer == "fail"
    assert failed.reasons == [fault.line]
    text = summary(failed, FACTS)
    assert text.startswith("tiny-xray 0.1.0: FAIL: no bundle was written\n")
    assert "* ordered;" in text
    assert text.count(fault.line) == 1


def test_the_table_of_a_card_has_a_row_for_every_artefact_and_set_of_rows(
    findings: Findings,
) -> None:
    lines = parity_table(findings).splitlines()
    assert len(lines) == 2 + (1 + len(findings.artefacts)) * len(FILM_SETS)
    assert len({line.count("|") for line in lines}) == 1
    assert "ms" not in lines[0].split()


def test_what_the_film_gate_does_to_real_films_is_said_for_every_shipped_graph(
    findings: Findings,
) -> None:
    n = findings.proof.comparisons["keras"]["both"].n
    text = summary(findings, FACTS)
    for file in findings.shipped:
        one = findings.proof.film_checks[file]
        assert (
            f"{file}: the out-of-distribution check refuses {one.refused} of {n} films (Keras "
            in text
        )
    plain = replace(findings, proof=replace(findings.proof, film_gate=None, film_checks={}))
    assert "out-of-distribution" not in summary(plain, FACTS)
