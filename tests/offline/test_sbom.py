"""A bill of materials lists what a distribution needs, pinned and licensed, by its schema."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from edge_kit.documents.bom import require_valid
from edge_runtime.errors import DataError
from offline import sbom
from offline.pins import read_pins
from offline.sbom import NOT_PINNED, PROJECTS, distribution_bom, documents, main, read_project

SHIPPED = Path(__file__).parents[2] / "models" / "clinic-xray-0.2.2.edge"


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    """Return the bill of materials of each distribution, and of a bundle, as JSON."""
    return {name: json.loads(data) for name, data in documents([SHIPPED]).items()}


def test_there_is_one_for_each_distribution_and_bundle(made: dict[str, Any]) -> None:
    assert {*made} == {"edge-kit.cdx.json", "edge-runtime.cdx.json", "clinic-xray-0.2.2.cdx.json"}
    for name, document in made.items():
        require_valid(json.dumps(document).encode(), name)
        assert document["specVersion"] == "1.7"


@pytest.mark.parametrize("name", PROJECTS)
def test_each_direct_dependency_is_listed_as_it_is_pinned(name: str, made: dict[str, Any]) -> None:
    document = made[f"{name}.cdx.json"]
    parts = {part["name"].lower(): part for part in document["components"]}
    pins = {pinned.lower(): version for pinned, version in read_pins().values()}
    for asked in read_project(PROJECTS[name]).requirements.values():
        for requirement in asked:
            assert requirement.name.lower() in {*parts, name}, requirement
    for part in parts.values():
        assert part["licenses"], part["name"]
        assert part["version"] == pins.get(part["name"].lower(), "0.1.0")
        assert part["purl"].startswith("pkg:pypi/")
    listed = {mark["name"] for mark in document["metadata"]["component"]["properties"]}
    assert {f"edge-kit:extra:{extra}" for extra in NOT_PINNED[name]} <= listed


def test_what_a_clinic_s_machine_gets_has_no_tensorflow(made: dict[str, Any]) -> None:
    names = {part["name"] for part in made["edge-runtime.cdx.json"]["components"]}
    assert "pillow" in names
    assert not names & {"tensorflow", "keras", "onnx", "scipy"}
    required = [part["name"] for part in made["edge-runtime.cdx.json"]["components"]
                if part["scope"] == "required"]  # fmt: skip
    assert required == ["pillow"]


def test_each_dependency_leads_to_a_component(made: dict[str, Any]) -> None:
    for document in made.values():
        known = {part["bom-ref"] for part in document["components"]}
        known.add(document["metadata"]["component"]["bom-ref"])
        for entry in document["dependencies"]:
            assert {entry["ref"], *entry.get("dependsOn", ())} <= known
        (root,) = (entry for entry in document["dependencies"]
                   if entry["ref"] == document["metadata"]["component"]["bom-ref"])  # fmt: skip
        assert root["dependsOn"]


def test_the_same_time_gives_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    project = read_project(PROJECTS["edge-runtime"])
    assert distribution_bom(project) == distribution_bom(project)
    first = json.loads(distribution_bom(project))
    assert first["metadata"]["timestamp"] == "2023-11-14T22:13:20+00:00"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000001")
    assert json.loads(distribution_bom(project))["serialNumber"] != first["serialNumber"]


def test_a_package_that_nobody_pins_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    pins = {key: pin for key, pin in read_pins().items() if key != "pillow"}
    monkeypatch.setattr(sbom, "read_pins", lambda: pins)
    with pytest.raises(DataError, match=r"constraints\.txt: does not pin pillow"):
        distribution_bom(read_project(PROJECTS["edge-runtime"]))


def test_the_command_writes_them_and_refuses_what_is_no_bundle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["sbom", "--out", str(tmp_path / "sbom"), str(SHIPPED)])
    assert main() == 0
    assert len(list((tmp_path / "sbom").iterdir())) == 3
    monkeypatch.setattr(sys, "argv", ["sbom", "--out", str(tmp_path / "no"), __file__])
    assert main() == 3
    assert not (tmp_path / "no").exists()
    assert "sbom: " in capsys.readouterr().err
