"""Documents tell what a bundle holds, mark what it does not, and are of the form they claim."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from edge_kit.cli import run
from edge_kit.documents import model_bom as model_bom_module
from edge_kit.documents.annex_iv import annex_iv
from edge_kit.documents.bom import require_valid
from edge_kit.documents.chai import FIELDS, METRICS, NAMESPACE, chai_card
from edge_kit.documents.change_plan import MODIFICATIONS, change_plan
from edge_kit.documents.facts import NOT_A_DEVICE, Facts, facts_of
from edge_kit.documents.model_bom import model_bom
from edge_runtime.bundle import verify_all
from edge_runtime.bundle.pack import write_bundle
from edge_runtime.bundle.provenance import PARITY
from edge_runtime.errors import DataError
from sample_bundle import MEMBERS, sample_fields

SHIPPED = Path(__file__).parents[3] / "models" / "clinic-xray-0.2.2.edge"
DIGEST = "ab" * 32
NOTE = {
    "sources": {"version": "9.9.9", "sha256": DIGEST},
    "origin": {"kind": "run", "sha256": "cd" * 32},
    "data": {"films": 77, "sha256": "ef" * 32},
    "calibration": {"films": 5, "sha256": "01" * 32},
    "commands": {"train": "edge-kit train --data DATA", "export": None},
    "packages": {"python": "3.11.7"},
}
WRITERS = {
    "cyclonedx": model_bom,
    "chai": chai_card,
    "annex-iv": annex_iv,
    "change-plan": change_plan,
}
_FIGURE = re.compile(rb"\d\.\d{3} \(")


def facts_about(path: Path) -> Facts:
    with verify_all(path) as bundle:
        return facts_of(bundle)


@pytest.fixture(scope="module")
def shipped() -> Facts:
    return facts_about(SHIPPED)


def written(tmp_path: Path, papers: Any = None, **changes: Any) -> Path:
    """Write the sample bundle with `papers` as its parity.json, and `changes` of its fields."""
    members = {**MEMBERS, **({} if papers is None else {PARITY: json.dumps(papers).encode()})}
    path = tmp_path / "m.edge"
    write_bundle(path, {**sample_fields(), **changes}, members)
    return path


@pytest.mark.parametrize("form", WRITERS)
def test_a_document_is_the_same_bytes_each_time(
    form: str, shipped: Facts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    first = WRITERS[form](shipped)
    assert first == WRITERS[form](shipped)
    assert shipped.identity.encode() in first
    assert NOT_A_DEVICE.encode() in first
    for line in shipped.cautions:  # what no figure may be shown without
        assert json.dumps(line)[1:-1].encode() in first or line.encode() in first


@pytest.mark.parametrize("form", WRITERS)
def test_what_a_bundle_does_not_hold_is_no_figure_and_no_claim(form: str, tmp_path: Path) -> None:
    document = WRITERS[form](facts_about(written(tmp_path)))
    assert not _FIGURE.search(document)
    assert b"Proved" in document  # the manifest says so
    assert b"not recorded" in document
    assert form == "cyclonedx" or document.count(b"TO BE FILLED IN: ") > 15


@pytest.mark.parametrize("form", WRITERS)
@pytest.mark.parametrize(
    "papers",
    [[], {"artefacts": 3, "splits": [1]}, {"caveat": "loud", "splits": {"test": {"a": "x"}}},
     {"artefacts": {"model.int8.tflite": {"rows": {"test": {"metrics": {"auc": "1"}}}}}}],
)  # fmt: skip
def test_papers_that_nobody_wrote_so_leave_blanks(form: str, papers: Any, tmp_path: Path) -> None:
    assert not _FIGURE.search(WRITERS[form](facts_about(written(tmp_path, papers))))


@pytest.mark.parametrize("form", WRITERS)
def test_what_made_a_bundle_is_in_each_document_that_asks_for_it(form: str, tmp_path: Path) -> None:
    document = WRITERS[form](facts_about(written(tmp_path, {"provenance": NOTE}))).decode()
    assert "is recorded in it" in document if form == "change-plan" else DIGEST in document


@pytest.mark.parametrize("form", WRITERS)
def test_figures_of_before_are_not_passed_off_as_those_of_a_site(form: str, tmp_path: Path) -> None:
    site = {"bundle": DIGEST, "fitted": ["threshold"], "films": DIGEST, "negative": 9,
            "positive": 9}  # fmt: skip
    changes = {"site": site, "version": "1.0+site", "verdict": "undecided"}
    papers = {"site": {"warnings": ["9 films are few"]}}
    document = WRITERS[form](facts_about(written(tmp_path, papers, **changes)))
    assert b"the figures here are of the bundle before" in document
    assert b"9 films are few" in document
    assert b"Proved" not in document


def card_of(document: bytes) -> dict[str, Any]:
    card: dict[str, Any] = json.loads(document)["metadata"]["component"]["modelCard"]
    return card


def test_the_bill_of_materials_has_each_file_and_a_model_card(shipped: Facts) -> None:
    document = json.loads(model_bom(shipped))
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.7")
    assert document["metadata"]["component"]["type"] == "machine-learning-model"
    hashed = {part["name"]: part["hashes"][0]["content"] for part in document["components"]
              if part["type"] == "file"}  # fmt: skip
    assert hashed == {name: file.sha256 for name, file in shipped.manifest.files.items()}
    tools = {part["name"] for part in document["components"] if part["type"] == "library"}
    assert shipped.noted
    assert tools == set(shipped.manifest.tools) | set(shipped.noted.packages)
    card = card_of(model_bom(shipped))
    metrics = card["quantitativeAnalysis"]["performanceMetrics"]
    assert {metric["type"] for metric in metrics} == {
        "AUC",
        "accuracy",
        "sensitivity",
        "specificity",
    }
    assert all(
        float(metric["confidenceInterval"]["lowerBound"]) <= float(metric["value"])
        for metric in metrics
    )


@pytest.mark.parametrize(
    ("key", "wrong"),
    [("modelParameters", {"task": 7}), ("considerations", {"users": "all"}), ("figures", [])],
)
def test_a_model_card_that_the_schema_does_not_know_is_refused(
    key: str, wrong: Any, shipped: Facts, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = model_bom_module._model_card
    monkeypatch.setattr(model_bom_module, "_model_card", lambda facts: {**right(facts), key: wrong})
    with pytest.raises(DataError, match=r"is no CycloneDX 1\.7"):
        model_bom(shipped)


def test_a_bill_of_materials_without_its_version_is_refused(shipped: Facts) -> None:
    document = json.loads(model_bom(shipped))
    require_valid(json.dumps(document).encode(), "whole")
    del document["specVersion"]
    with pytest.raises(DataError, match="specVersion"):
        require_valid(json.dumps(document).encode(), "broken")


def test_the_chai_card_has_the_elements_of_its_schema_in_their_order(shipped: Facts) -> None:
    root = ElementTree.fromstring(chai_card(shipped))  # noqa: S314, our own
    space = f"{{{NAMESPACE}}}"
    assert root.tag == f"{space}AppliedModelCard"
    assert [part.tag.removeprefix(space) for part in root] == [
        *("BasicInfo", "ReleaseInfo", "ModelSummary", "UsesAndDirections", "Warnings"),
        *("TrustIngredients", "KeyMetrics", "Resources", "Bibliography"),
    ]
    elements = {part.tag.removeprefix(space): part for part in root.iter()}
    for name, inner in FIELDS.items():
        assert tuple(part.tag.removeprefix(space) for part in elements[name]) == inner
    for part in root.iter():
        assert len(part) or (part.text or "").strip() or part.tag == f"{space}Bibliography"
    for metric in METRICS:
        values = [part.text or "" for part in elements[metric].iter(f"{space}ValueJson")]
        assert values
        assert all(json.loads(value) is None or "kind" in json.loads(value) for value in values)


def test_a_chai_card_of_strange_sentences_is_well_formed(tmp_path: Path) -> None:
    papers = {"caveat": ["a < b & \x00\x1b[31m \ud800 c"]}
    card = chai_card(facts_about(written(tmp_path, papers)))
    assert "a < b & " in "".join(ElementTree.fromstring(card).itertext())  # noqa: S314, our own


def test_the_draft_for_the_eu_has_all_nine_points(shipped: Facts) -> None:
    text = annex_iv(shipped).decode()
    assert re.findall(r"^## (\d)\. ", text, re.M) == [*"123456789"]
    assert re.findall(r"^### \(([a-h])\)", text.partition("## 2.")[2], re.M) == [*"abcdefgh"]
    assert "claims no conformity" in text
    for point in text.split("\n## ")[1:]:
        assert "TO BE FILLED IN: " in point, point.splitlines()[0]


def test_the_change_control_plan_has_its_three_parts(shipped: Facts) -> None:
    text = change_plan(shipped).decode()
    assert re.findall(r"^## \d\. (.*)$", text, re.M) == [
        "Description of modifications",
        "Modification protocol",
        "Impact assessment",
    ]
    assert all(name in text for name, _ in MODIFICATIONS)
    assert "none is planned until somebody says so" in text


def test_pictures_that_are_no_films_are_told_of_as_pictures(tmp_path: Path) -> None:
    use = {**sample_fields()["intended_use"], "modality": "other", "body_parts": [], "views": []}
    facts = facts_about(written(tmp_path, intended_use=use))
    assert "Classifies pictures as" in annex_iv(facts).decode()


def test_the_command_writes_a_file_whole_or_to_stdout(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "draft.md"
    given = ["model-card", str(SHIPPED), "--format", "annex-iv"]
    assert run([*given, "--out", str(out)]) == 0
    assert re.search(r"wrote .*draft\.md, \d+ blanks to be filled in", capsys.readouterr().err)
    assert run(given) == 0
    assert capsys.readouterr().out == out.read_text("utf-8")
    assert run([*given, "--out", str(tmp_path / "none" / "draft.md")]) == 10
    assert run(["model-card", str(out), "--format", "chai"]) == 3


def test_a_time_that_is_none_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    assert run(["model-card", str(SHIPPED), "--format", "cyclonedx"]) == 2
    assert "SOURCE_DATE_EPOCH: 'yesterday' is no number of seconds" in capsys.readouterr().err


def test_without_its_library_cyclonedx_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("edge_kit.documents.bom.find_spec", lambda _: None)
    assert run(["model-card", str(SHIPPED), "--format", "cyclonedx"]) == 2
    assert "pip install 'edge-kit[sbom]'" in capsys.readouterr().err
    assert run(["model-card", str(SHIPPED), "--format", "chai"]) == 0
