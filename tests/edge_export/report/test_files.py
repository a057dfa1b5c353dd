"""The files of a report are written together, named after the bundle, or not at all."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from edge_export.proof.findings import Findings
from edge_export.report.files import report_path, write_report
from edge_runtime.errors import CannotWrite
from tiny_network import tiny_plan

FACTS = tiny_plan().description
NAMES = ["a.claim.md", "a.report.html", "a.report.json"]


def test_the_report_is_named_after_the_bundle() -> None:
    assert report_path(Path("a/b.c.edge")) == Path("a/b.c.report.html")


def test_page_checklist_and_json_tell_of_the_same_export(
    findings: Findings, tmp_path: Path
) -> None:
    content = write_report(tmp_path / "a.edge", findings, FACTS)
    assert sorted(one.name for one in tmp_path.iterdir()) == NAMES
    assert json.loads((tmp_path / "a.report.json").read_bytes()) == content
    page = (tmp_path / "a.report.html").read_text("utf-8")
    assert FACTS.name in page
    assert content["written"][:10] in page
    assert "CLAIM" in (tmp_path / "a.claim.md").read_text("utf-8")


def test_a_flipped_film_is_shown_and_no_other(findings: Findings, tmp_path: Path) -> None:
    file = "model.int8.onnx"
    changed = findings.proof.probabilities["keras"].copy()
    changed[5] = 1 - changed[5].round()
    same = dict.fromkeys(findings.proof.probabilities, findings.proof.probabilities["keras"])
    proof = replace(findings.proof, probabilities={**same, file: changed})
    write_report(tmp_path / "a.edge", replace(findings, proof=proof), FACTS)
    page = (tmp_path / "a.report.html").read_text("utf-8")
    assert page.count("data:image/png") == 1


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_disk_that_refuses_leaves_the_older_report_and_no_draft(
    step: str, findings: Findings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "a.edge"
    report_path(out).write_text("older", "utf-8")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os if step == "fsync" else Path, step, full)
    with pytest.raises(
        CannotWrite, match=r"a\.\w+\.\w+: the disk is full; free (\d+ bytes|some of it)"
    ):
        write_report(out, findings, FACTS)
    assert [one.name for one in tmp_path.iterdir()] == ["a.report.html"]
    assert report_path(out).read_text("utf-8") == "older"


def test_a_folder_that_does_not_exist_is_one_line(findings: Findings, tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match="make the folder first"):
        write_report(tmp_path / "no" / "a.edge", findings, FACTS)
