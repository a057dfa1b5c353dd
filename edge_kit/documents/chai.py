"""A bundle as an Applied Model Card of the Coalition for Health AI (CHAI), version 0.2 of its XML.

`FIELDS` are the elements of the schema, https://mc.chai.org/v0.2/schema.xsd, in the order that it
demands, without those that may be left out and of which a bundle knows nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from xml.etree import ElementTree

from edge_kit.documents.facts import NOT_A_DEVICE, Facts, Figure, Loss, blank
from edge_runtime.text import lines

NAMESPACE = "https://mc.chai.org/v0.2/schema.xsd"
_METRIC = (
    *("MetricGoal", "Results", "Interpretation", "TestType", "TestingDataDescription"),
    "ValidationProcessAndJustification",
)
METRICS = ("UsefulnessUsabilityEfficacy", "FairnessEquity", "SafetyReliability")
FIELDS: Mapping[str, tuple[str, ...]] = {
    "BasicInfo": ("ModelName", "ModelDeveloper", "DeveloperContact"),
    "ReleaseInfo": (
        *("ReleaseStage", "ReleaseDate", "ReleaseVersion", "GlobalAvailability"),
        "RegulatoryApproval",
    ),
    "ModelSummary": ("Summary", "Keywords"),
    "UsesAndDirections": (
        *("IntendedUseAndWorkflow", "PrimaryIntendedUsers", "HowToUse"),
        *("TargetedPatientPopulation", "CautionedOutOfScopeSettings"),
    ),
    "Warnings": (
        *("KnownRisksAndLimitations", "KnownBiasesOrEthicalConsiderations", "ClinicalRiskLevel"),
    ),
    "TrustIngredients": ("AISystemFacts", "TransparencyInformation"),
    "AISystemFacts": (
        *("OutcomesAndOutputs", "ModelType", "InputDataSource", "OutputAndInputDataTypes"),
        *("DevelopmentDataCharacterization", "BiasMitigationApproaches", "OngoingMaintenance"),
        *("Security", "Transparency"),
    ),
    "TransparencyInformation": ("FundingSource", "StakeholdersConsulted"),
    "KeyMetrics": METRICS,
    **dict.fromkeys(METRICS, _METRIC),
    "Resources": ("PeerReviewedPublications", "PatientConsentOrDisclosure"),
}
"""Element -> its elements; what is no key here holds text."""
_TOP = (
    *("BasicInfo", "ReleaseInfo", "ModelSummary", "UsesAndDirections", "Warnings"),
    *("TrustIngredients", "KeyMetrics", "Resources", "Bibliography"),
)


def chai_card(facts: Facts) -> bytes:
    """Return the Applied Model Card of a bundle as XML."""
    texts = {name: facts.told(text) for name, text in _texts(facts).items()}
    root = ElementTree.Element("AppliedModelCard", {"xmlns": NAMESPACE})
    for name in _TOP:
        _fill(ElementTree.SubElement(root, name), facts, texts)
    ElementTree.indent(root)
    document: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _fill(
    element: ElementTree.Element, facts: Facts, texts: Mapping[str, str], metric: str = ""
) -> None:
    """Add to `element` what the schema puts into it; `metric` is the one that it belongs to."""
    if element.tag == "Keywords":
        for word in (*facts.classes, facts.manifest.intended_use.modality):
            ElementTree.SubElement(element, "Keyword").text = word
    elif element.tag == "Results":
        _results(element, facts, metric)
    elif element.tag in FIELDS:
        for name in FIELDS[element.tag]:
            inside = element.tag if element.tag in METRICS else metric
            _fill(ElementTree.SubElement(element, name), facts, texts, inside)
    else:
        text = texts.get(f"{metric}/{element.tag}") or texts.get(element.tag)
        element.text = "" if element.tag == "Bibliography" else lines(text or _blank(element.tag))


def _blank(tag: str) -> str:
    return blank(f"{tag}, of which the bundle holds nothing")


def _results(element: ElementTree.Element, facts: Facts, metric: str) -> None:
    """Add the measured figures, or a blank where nothing was measured."""
    labelled: dict[str, str] = {}
    if metric == METRICS[0]:
        labelled = {f"{figure.name}, {figure.graph}": _value(figure) for figure in facts.figures}
    elif metric == METRICS[2]:
        labelled = {f"bound of {loss}": _bound(loss) for loss in facts.losses}
    for label, value in (labelled or {_blank(metric): "null"}).items():
        result = ElementTree.SubElement(element, "MetricResult")
        ElementTree.SubElement(result, "Label").text = lines(label)
        ElementTree.SubElement(result, "ValueJson").text = value


def _value(figure: Figure) -> str:
    """Return a figure as CHAI's examples spell an estimate with its interval."""
    factor, unit = (100, {"unit": "%"}) if figure.is_share else (1, {})
    numbers = {"estimate": figure.value, "lower": figure.low, "upper": figure.high}
    rounded = {name: float(f"{factor * number:.4g}") for name, number in numbers.items()}
    return json.dumps({"kind": "estimate_ci", **rounded, "level": 95, **unit})


def _bound(loss: Loss) -> str:
    number = float(f"{100 * loss.bound:.4g}")
    return json.dumps({"kind": "single", "value": number, "unit": "%"})


def _texts(facts: Facts) -> dict[str, str]:
    """Return the text of each element that the bundle knows something of."""
    return {**_about(facts), **_made(facts), **_measured(facts)}


def _about(facts: Facts) -> dict[str, str]:
    negative, positive = facts.classes
    use = facts.use
    return {
        "ModelName": facts.manifest.name,
        "ReleaseStage": NOT_A_DEVICE,
        "ReleaseVersion": f"{facts.manifest.version}, identity {facts.identity}",
        "RegulatoryApproval": "none is recorded",
        "Summary": f"Classifies films as {negative} or {positive}, or says uncertain. "
        f"{NOT_A_DEVICE} {facts.proof}",
        "IntendedUseAndWorkflow": f"Films of: {use}. {NOT_A_DEVICE}",
        "HowToUse": "edge-run classify FILM --bundle BUNDLE, see the card in the bundle",
        "TargetedPatientPopulation": f"As far as the bundle states it: {use}",
        "CautionedOutOfScopeSettings": "Files whose DICOM header says that they are of another "
        "kind are refused; those that say nothing of it are not. " + NOT_A_DEVICE,
        "KnownRisksAndLimitations": "\n\n".join(
            part for part in ("\n".join(f"- {line}" for line in facts.cautions), facts.limits)
            if part
        ),
        "ClinicalRiskLevel": blank("by whoever makes a device of it; the bundle is for research"),
    }  # fmt: skip


def _made(facts: Facts) -> dict[str, str]:
    manifest, noted = facts.manifest, facts.noted
    pixels, training = manifest.preprocess, manifest.training
    splits = "; ".join(f"{split}: {facts.counts(split)}" for split in facts.splits)
    if noted:
        made = f"edge-kit {noted.sources.version}, sources {noted.sources.sha256}, "
        made += f"{noted.origin.kind} {noted.origin.sha256}, films {noted.data.sha256}"
    else:
        made = "not recorded"
    return {
        "OutcomesAndOutputs": f"A probability of {facts.classes[1]}, the threshold "
        f"{manifest.decision.threshold:g}, and uncertain from "
        f"{manifest.decision.uncertain.low:g} to {manifest.decision.uncertain.high:g}.",
        "ModelType": f"Network {training.model}, "
        + ", ".join(f"{graph.format} {graph.recipe}" for graph in manifest.graphs),
        "OutputAndInputDataTypes": f"Input: an image file, prepared to {pixels.height} x "
        f"{pixels.width} x {pixels.channels} pixels of uint8. Output: logits of float32.",
        "DevelopmentDataCharacterization": f"Films by split: {splits}." if splits else "",
        "Security": "Every file of the bundle is named by its SHA-256 in the manifest, and checked "
        "before it is used.",
        "Transparency": f"Made from: {made}.",
    }


def _measured(facts: Facts) -> dict[str, str]:
    tested = f"Test films, held out: {facts.counts('test')}."
    proof = f"{facts.proof} Intervals are of 95 %, as if films were independent."
    first, _, safety = METRICS
    same = "\n".join(f"- {line}" for line in facts.cautions)
    return {
        f"{first}/MetricGoal": "How the shipped graphs do on held-out films of the same sources.",
        f"{first}/Interpretation": same or proof,
        f"{first}/TestType": "Retrospective, held-out split of the development data.",
        f"{first}/TestingDataDescription": tested,
        f"{first}/ValidationProcessAndJustification": proof,
        f"{safety}/MetricGoal": "That quantization loses no more sensitivity and specificity than "
        "the margin, against the float model.",
        f"{safety}/Interpretation": facts.proof,
        f"{safety}/TestType": "Paired comparison of decisions, one-sided 95 % bound.",
        f"{safety}/TestingDataDescription": "Validation and test films, held out: "
        f"{facts.counts('val')}; {facts.counts('test')}.",
        f"{safety}/ValidationProcessAndJustification": "docs/proof.md of Edge Kit.",
    }
