"""An answer in FHIR is what the R4 schemas take, and tells no patient."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dicom_nodes import STUDY, device_image, judged
from edge_runtime.answer.classifier import Classifier
from edge_runtime.dicom_node.fhir import resources, write_resources

BLANK = np.full((80, 96), 7, np.uint8)


def validated(resource: dict[str, Any]) -> Any:
    """Return a resource as the library of FHIR R4B has it, which refuses what is none."""
    pytest.importorskip("fhir.resources")
    kind = resource["resourceType"]
    module = import_module(f"fhir.resources.R4B.{kind.lower()}")
    return getattr(module, kind).model_validate(resource)


@pytest.mark.parametrize("levels", [None, BLANK], ids=["answer", "refusal"])
def test_the_resources_are_valid_and_tell_no_patient(
    levels: np.ndarray[Any, Any] | None, tiny: Path, tmp_path: Path
) -> None:
    with Classifier(tiny, engines=1) as classifier:
        one = judged(classifier, device_image(levels=levels))
    write_resources(tmp_path, one)
    write_resources(tmp_path, one)  # again after a kill: the same files
    files = sorted(tmp_path.iterdir())
    assert [path.name.partition("-")[0] for path in files] == [
        "Device", "DiagnosticReport", "Observation",
    ]  # fmt: skip
    for path in files:
        text = path.read_text("utf-8")
        assert "Phantom" not in text and "P-1" not in text
        assert validated(json.loads(text)) is not None
    document = json.loads(files[1].read_text("utf-8"))
    assert document["imagingStudy"][0]["identifier"]["value"] == f"urn:oid:{STUDY}"
    observation = json.loads(files[2].read_text("utf-8"))
    assert ("valueQuantity" in observation) == (levels is None)
    assert ("dataAbsentReason" in observation) == (levels is not None)


def test_the_library_refuses_what_is_broken(tiny: Path) -> None:
    with Classifier(tiny, engines=1) as classifier:
        device, observation, _ = resources(judged(classifier, device_image()))
    validated(device)
    with pytest.raises(ValueError, match="status"):
        validated({**observation, "status": None})
