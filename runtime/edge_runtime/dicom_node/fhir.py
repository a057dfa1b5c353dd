"""An answer in FHIR R4: DiagnosticReport, Observation and Device, as JSON.

The patient is not in them: the study and the image are referred to by their UIDs.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from edge_runtime.dicom_node import report
from edge_runtime.dicom_node.content import OURS, Code, own_code
from edge_runtime.dicom_node.identity import MANUFACTURER, PRODUCT, derived_uid
from edge_runtime.dicom_node.writing import NOTICE
from edge_runtime.output import write_together

if TYPE_CHECKING:
    from pathlib import Path

    from edge_runtime.dicom_node.writing import JudgedImage

    Resource = dict[str, Any]

_SYSTEMS = {
    "LN": "http://loinc.org",
    "SCT": "http://snomed.info/sct",
    "DCM": "http://dicom.nema.org/resources/ontology/DCM",
    "UCUM": "http://unitsofmeasure.org",
    OURS: "urn:edge-kit:codes",
}
_DICOM_UID = "urn:dicom:uid"


def write_resources(folder: Path, judged: JudgedImage) -> None:
    """Write the three resources of an answer into `folder`, each under its own id.

    Raises:
        CannotWrite: the disk does not take them; none is there then.
    """
    files: dict[Path, bytes] = {}
    for resource in resources(judged):
        name = f"{resource['resourceType']}-{resource['id']}.json"
        files[folder / name] = json.dumps(resource, indent=1).encode()
    write_together(files)


def resources(judged: JudgedImage) -> list[Resource]:
    """Return the resources of an answer; the same image gives the same ids."""
    device, observation, document = (_id(judged, kind) for kind in ("device", "value", "report"))
    return [
        _device(device, judged),
        _observation(observation, device, judged),
        _document(document, device, observation, judged),
    ]


def _id(judged: JudgedImage, kind: str) -> str:
    parts = ("",) if kind == "device" else (judged.identity,)
    uid = derived_uid(*parts, judged.manifest.identity, "FHIR", kind)
    return str(UUID(int=int(uid.removeprefix("2.25."))))


def _device(name: str, judged: JudgedImage) -> Resource:
    manifest = judged.manifest
    return {
        "resourceType": "Device", "id": name, "manufacturer": MANUFACTURER,
        "identifier": [{"system": "urn:edge-kit:bundle", "value": manifest.identity}],
        "deviceName": [{"name": f"{PRODUCT}: {judged.model}", "type": "model-name"}],
        "version": [{"value": manifest.version}],
        "note": [{"text": NOTICE}],
    }  # fmt: skip


def _observation(name: str, device: str, judged: JudgedImage) -> Resource:
    answer, positive = judged.answer, judged.manifest.classes.positive
    code = own_code("PROBABILITY", f"Probability of {positive}")
    resource: Resource = {
        "resourceType": "Observation", "id": name, "status": "preliminary",
        "code": _concept(code), "device": {"reference": f"Device/{device}"},
        "effectiveDateTime": _moment(judged), "note": [{"text": NOTICE}],
        "derivedFrom": [_study(judged)],
    }  # fmt: skip
    if answer.probability is None:
        resource["dataAbsentReason"] = _concept(report.refusal(judged))
    else:
        unit = {"unit": "1", "system": _SYSTEMS["UCUM"], "code": "1"}
        resource["valueQuantity"] = {"value": answer.probability, **unit}
        resource["interpretation"] = [_concept(report.finding(judged))]
    return resource


def _document(name: str, device: str, observation: str, judged: JudgedImage) -> Resource:
    source, refused = judged.source, judged.answer.probability is None
    code = report.refusal(judged) if refused else report.finding(judged)
    document: Resource = {
        "resourceType": "DiagnosticReport", "id": name, "status": "preliminary",
        "code": _concept(report.procedure(source.modality)), "issued": _moment(judged),
        "identifier": [{"system": _DICOM_UID, "value": f"urn:oid:{judged.uid('report')}"}],
        "performer": [{"display": judged.model}], "imagingStudy": [_study(judged)],
        "result": [{"reference": f"Observation/{observation}"}],
        "conclusion": f"{'No answer: ' if refused else ''}{code.meaning}. {NOTICE}.",
    }  # fmt: skip
    if not refused:
        document["conclusionCode"] = [_concept(code)]
    document["extension"] = [
        {
            "url": "urn:edge-kit:device",
            "valueReference": {"reference": f"Device/{device}"},
        }
    ]
    return document


def _study(judged: JudgedImage) -> Resource:
    identifier = {"system": _DICOM_UID, "value": f"urn:oid:{judged.source.study}"}
    return {"type": "ImagingStudy", "identifier": identifier}


def _concept(code: Code) -> Resource:
    system = _SYSTEMS.get(code.scheme, f"urn:dicom:scheme:{code.scheme}")
    coding = {"system": system, "code": code.value, "display": code.meaning}
    return {"coding": [coding], "text": code.meaning}


def _moment(judged: JudgedImage) -> str:
    return datetime.fromtimestamp(judged.moment, UTC).isoformat(timespec="seconds")
