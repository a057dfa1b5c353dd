from __future__ import annotations

from dataclasses import replace

from edge_export.findings import Findings
from edge_export.proof.faults import Fault
from edge_export.proof.parity import ROWS
from edge_export.report.summary import parity_table, summary
from tiny_network import tiny_plan

FACTS = tiny_plan().facts


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


def test_a_fault_of_the_model_fails_it_whatever_the_graphs_say(findings: Findings) -> None:
    fault = Fault("class_order", "keras: class_order: swapped")
    failed = replace(findings, proof=replace(findings.proof, faults=[fault]))
    assert failed.answer == "fail"
    assert failed.reasons == [fault.line]
    text = summary(failed, FACTS)
    assert text.startswith("tiny-xray 0.1.0: FAIL: no bundle was written\n")
    assert text.count(fault.line) == 1


def test_the_table_of_a_card_has_a_row_for_every_artefact_and_set_of_rows(
    findings: Findings,
) -> None:
    lines = parity_table(findings).splitlines()
    assert len(lines) == 2 + (1 + len(findings.artefacts)) * len(ROWS)
    assert len({line.count("|") for line in lines}) == 1
    assert "ms" not in lines[0].split()
