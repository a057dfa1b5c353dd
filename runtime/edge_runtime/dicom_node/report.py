"""An answer as a Comprehensive 3D SR by TID 1500, "Measurement Report" (PS3.16).

Its one measurement group (TID 1501) has the answer as a coded finding and the probability as a
number, what computed them (TID 4019), and the image. A refusal has neither: it has the reason.
"""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import Comprehensive3DSRStorage

from edge_runtime.dicom_node.content import (
    OURS,
    Code,
    code_item,
    container,
    image_item,
    number_item,
    own_code,
    reference,
    text_item,
    uid_item,
)
from edge_runtime.dicom_node.identity import MANUFACTURER, PRODUCT, derived_uid
from edge_runtime.dicom_node.writing import (
    NOTICE,
    REPORT,
    JudgedImage,
    begun_object,
    file_of,
)
from edge_runtime.errors import Refusal

HAS_CONTEXT, HAS_MOD, CONTAINS = "HAS OBS CONTEXT", "HAS CONCEPT MOD", "CONTAINS"
FAILED = "not_read"
"""The reason of an image that was not refused: this machine could not read or judge it."""

# CID 100, "Quantitative Diagnostic Imaging Procedures". Its code for radiographs is younger than
# validators and viewers that are in use, which call a code that they lack an error.
_PROCEDURES = {"CT": Code("25045-6", "LN", "CT unspecified body region")}
_ANY_PROCEDURE = Code("363679005", "SCT", "Imaging procedure")
_ONE = Code("1", "UCUM", "no units")


def _dcm(value: str, meaning: str) -> Code:
    return Code(value, "DCM", meaning)


_TITLE = _dcm("126000", "Imaging Measurement Report")
_FINDING = _dcm("121071", "Finding")


def report(judged: JudgedImage) -> bytes:
    """Return the SR of an answer, or of a refusal, as a file."""
    target = begun_object(judged, REPORT, Comprehensive3DSRStorage, "SR")
    target.ReferencedPerformedProcedureStepSequence = Sequence()
    target.PerformedProcedureCodeSequence = Sequence()
    target.CompletionFlag, target.PreliminaryFlag = "COMPLETE", "FINAL"
    target.VerificationFlag = "UNVERIFIED"
    target.CurrentRequestedProcedureEvidenceSequence = Sequence([_evidence(judged)])
    target.CodingSchemeIdentificationSequence = Sequence([_our_scheme()])
    content = [*_context(judged), _measurements(judged)]
    target.update(container("", _TITLE, content, template="1500"))
    return file_of(target)


def procedure(modality: str) -> Code:
    """Return the procedure that is reported, as far as the modality tells it."""
    return _PROCEDURES.get(modality, _ANY_PROCEDURE)


def finding(judged: JudgedImage) -> Code:
    """Return the code of an answer: the one that the node was told, or one of our own."""
    label = judged.answer.label or ""
    if told := judged.findings.get(label):
        return Code(told.value, told.scheme, told.meaning)
    return own_code(label, label)


def refusal(judged: JudgedImage) -> Code:
    """Return the code of the reason why an image has no answer."""
    error = judged.answer.error
    reason = error.reason if isinstance(error, Refusal) else FAILED
    return own_code(reason, reason.replace("_", " "))


def _context(judged: JudgedImage) -> list[Dataset]:
    """Return language, observer and procedure: TID 1204, 1001 and row 4 of TID 1500."""
    identity = judged.manifest.identity
    device = derived_uid("edge-runtime", identity)
    english = Code("en-US", "RFC5646", "English (United States)")
    return [
        code_item(HAS_MOD, _dcm("121049", "Language of Content Item and Descendants"), english),
        code_item(HAS_CONTEXT, _dcm("121005", "Observer Type"), _dcm("121007", "Device")),
        uid_item(HAS_CONTEXT, _dcm("121012", "Device Observer UID"), device),
        text_item(HAS_CONTEXT, _dcm("121013", "Device Observer Name"), PRODUCT),
        text_item(HAS_CONTEXT, _dcm("121014", "Device Observer Manufacturer"), MANUFACTURER),
        text_item(HAS_CONTEXT, _dcm("121015", "Device Observer Model Name"), judged.model),
        code_item(HAS_MOD, _dcm("121058", "Procedure reported"), procedure(judged.source.modality)),
    ]


def _measurements(judged: JudgedImage) -> Dataset:
    group = container(
        CONTAINS, _dcm("125007", "Measurement Group"), _group(judged), template="1501"
    )
    return container(CONTAINS, _dcm("126010", "Imaging Measurements"), [group])


def _group(judged: JudgedImage) -> list[Dataset]:
    """Return the content of TID 1501."""
    answer, manifest = judged.answer, judged.manifest
    tracked = derived_uid(judged.identity, manifest.identity, "tracking")
    items = [
        text_item(HAS_CONTEXT, _dcm("112039", "Tracking Identifier"), f"Answer of {judged.model}"),
        uid_item(HAS_CONTEXT, _dcm("112040", "Tracking Unique Identifier"), tracked),
    ]
    if answer.probability is not None:
        items.append(code_item(CONTAINS, _FINDING, finding(judged)))
    items += _algorithm(judged)
    if answer.probability is not None:
        name = own_code("PROBABILITY", f"Probability of {manifest.classes.positive}")
        items.append(number_item(CONTAINS, name, answer.probability, _ONE))
    else:
        name = own_code("NO_ANSWER", "Reason for no answer")
        items.append(code_item(CONTAINS, name, refusal(judged)))
    items.append(image_item(CONTAINS, _dcm("121112", "Source of Measurement"), judged.source))
    items.append(text_item(CONTAINS, _dcm("121106", "Comment"), _comment(judged)))
    return items


def _algorithm(judged: JudgedImage) -> list[Dataset]:
    """Return TID 4019: name, version, and the bundle's identity among the parameters."""
    manifest, parameter = judged.manifest, _dcm("111002", "Algorithm Parameters")
    decision = manifest.decision
    return [
        text_item(HAS_MOD, _dcm("111001", "Algorithm Name"), manifest.name),
        text_item(HAS_MOD, _dcm("111003", "Algorithm Version"), manifest.version),
        text_item(HAS_MOD, parameter, f"bundle sha256:{manifest.identity}"),
        text_item(HAS_MOD, parameter, f"threshold {decision.threshold}"),
    ]


def _comment(judged: JudgedImage) -> str:
    answer = judged.answer
    told = answer.error.problem if answer.error else answer.warning or ""
    return f"{told}. {NOTICE}." if told else f"{NOTICE}."


def _evidence(judged: JudgedImage) -> Dataset:
    """Return where the image lies that the report is about."""
    series, study = Dataset(), Dataset()
    series.SeriesInstanceUID = judged.source.series
    series.ReferencedSOPSequence = Sequence([reference(judged.source)])
    study.StudyInstanceUID = judged.source.study
    study.ReferencedSeriesSequence = Sequence([series])
    return study


def _our_scheme() -> Dataset:
    item = Dataset()
    item.CodingSchemeDesignator, item.CodingSchemeName = OURS, "Codes of Edge Kit"
    item.CodingSchemeResponsibleOrganization = MANUFACTURER
    return item
