"""A report is one that validators, viewers and highdicom take, and a broken one fails each of them.

The validators are dicom3tools, dcmtk and PixelMed; what they are given is what a node sends.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage

from dicom_nodes import STUDY, dciodvfy, device_image, dsrdump, judged, pixelmed, read
from edge_runtime.answer.classifier import Classifier
from edge_runtime.dicom_node.report import report
from edge_runtime.dicom_node.settings import FindingCode
from edge_runtime.dicom_node.writing import JudgedImage

BLANK = np.full((80, 96), 7, np.uint8)


@pytest.fixture(scope="module")
def classifier(tiny: Path) -> Iterator[Classifier]:
    with Classifier(tiny, engines=1) as opened:
        yield opened


@pytest.fixture(scope="module")
def answered(classifier: Classifier) -> bytes:
    return report(judged(classifier, device_image()))


@pytest.fixture(scope="module")
def refused(classifier: Classifier) -> bytes:
    return report(judged(classifier, device_image(levels=BLANK)))


def items(parent: Dataset) -> Iterator[Dataset]:
    """Yield the items of a report's content, those within others too."""
    for item in parent.get("ContentSequence", ()):
        yield item
        yield from items(item)


def named(data: bytes, value: str) -> list[Dataset]:
    """Return the items whose concept has this code."""
    return [
        item for item in items(read(data)) if item.ConceptNameCodeSequence[0].CodeValue == value
    ]


def group(data: bytes) -> Dataset:
    (found,) = named(data, "125007")
    return found


def without_template(data: bytes) -> bytes:
    """Return a report that lacks what names its template and tells that it is complete."""
    broken = read(data)
    del broken.CompletionFlag, broken.ContentTemplateSequence, broken.ContentSequence
    stream = BytesIO()
    broken.save_as(stream)
    return stream.getvalue()


def without_source(data: bytes) -> bytes:
    """Return a report whose group has lost its identifiers, with a procedure of no code."""
    broken = read(data)
    for item in items(broken):
        if item.ConceptNameCodeSequence[0].CodeValue == "125007":
            item.ContentSequence = item.ContentSequence[2:]
        if item.ConceptNameCodeSequence[0].CodeValue == "121058":
            item.ConceptCodeSequence[0].CodeValue = "1-1"
    stream = BytesIO()
    broken.save_as(stream)
    return stream.getvalue()


def kept(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


# --- validators ---------------------------------------------------------------------------------


def test_dicom3tools_finds_no_error_but_in_a_broken_report(
    answered: bytes, refused: bytes, tmp_path: Path
) -> None:
    for data in (answered, refused):
        assert dciodvfy(kept(tmp_path / "sr.dcm", data)) == []
    assert dciodvfy(kept(tmp_path / "broken.dcm", without_template(answered)))


def test_dcmtk_reads_a_report_but_no_broken_one(
    answered: bytes, refused: bytes, tmp_path: Path
) -> None:
    for data in (answered, refused):
        status, said = dsrdump(kept(tmp_path / "sr.dcm", data))
        assert status == 0 and "COMPLETE" in said and "UNVERIFIED" in said and "W: " not in said
    status, said = dsrdump(kept(tmp_path / "broken.dcm", without_template(answered)))
    assert status != 0 or "E: " in said or "W: " in said


@pytest.mark.slow
def test_pixelmed_finds_no_error_but_in_a_broken_report(
    answered: bytes, refused: bytes, tmp_path: Path
) -> None:
    good = [kept(tmp_path / f"{n}.dcm", data) for n, data in enumerate((answered, refused))]
    bad = kept(tmp_path / "broken.dcm", without_source(answered))
    *right, wrong = pixelmed(*good, bad)
    assert right == [[], []] and wrong


# --- what it says -------------------------------------------------------------------------------


def test_an_answer_is_a_finding_and_its_probability_a_number_of_the_group(
    classifier: Classifier, answered: bytes
) -> None:
    answer = classifier.classify(device_image())
    (finding,) = named(answered, "121071")
    assert finding.ConceptCodeSequence[0].CodeValue == answer.label
    (number,) = [item for item in group(answered).ContentSequence if item.ValueType == "NUM"]
    measured = number.MeasuredValueSequence[0]
    assert measured.FloatingPointValue == answer.probability
    assert float(measured.NumericValue) == pytest.approx(answer.probability)
    assert number.ConceptNameCodeSequence[0].CodeMeaning == "Probability of covid"


def test_the_algorithm_is_named_with_its_version_and_the_identity_of_the_bundle(
    classifier: Classifier, answered: bytes
) -> None:
    manifest = classifier.manifest
    assert [item.TextValue for item in named(answered, "111001")] == [manifest.name]
    assert [item.TextValue for item in named(answered, "111003")] == [manifest.version]
    assert f"bundle sha256:{manifest.identity}" in [
        item.TextValue for item in named(answered, "111002")
    ]


def test_the_image_is_the_source_of_the_measurement_and_the_evidence(answered: bytes) -> None:
    document = read(answered)
    (source,) = named(answered, "121112")
    assert source.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == f"{STUDY}.1.1"
    (study,) = document.CurrentRequestedProcedureEvidenceSequence
    assert study.StudyInstanceUID == document.StudyInstanceUID == STUDY
    assert study.ReferencedSeriesSequence[0].SeriesInstanceUID == f"{STUDY}.1"
    assert document.SeriesInstanceUID != f"{STUDY}.1"
    assert document.PatientID == "P-1" and document.PatientName == "Phantom^Paula"


def test_a_refusal_says_which_reason_and_has_no_probability(refused: bytes) -> None:
    (reason,) = named(refused, "NO_ANSWER")
    assert reason.ConceptCodeSequence[0].CodeValue == "blank"
    assert not named(refused, "121071") and "PROBABILITY" not in str(read(refused))
    assert "one even shade" in named(refused, "121106")[0].TextValue


def test_a_finding_has_the_code_that_the_node_was_told(classifier: Classifier) -> None:
    told = {"covid": FindingCode("840539006", "SCT", "COVID-19")}
    (finding,) = named(report(judged(classifier, device_image(), **told)), "121071")
    assert finding.ConceptCodeSequence[0].CodeValue == "840539006"


def test_the_procedure_is_that_of_the_modality(classifier: Classifier) -> None:
    image = device_image(Modality="CT", SOPClassUID=CTImageStorage)
    (procedure,) = named(report(judged(classifier, image)), "121058")
    assert procedure.ConceptCodeSequence[0].CodeValue == "25045-6"


def test_every_try_gives_the_same_uids_and_another_bundle_others(classifier: Classifier) -> None:
    first, again = (read(report(judged(classifier, device_image()))) for _ in range(2))
    assert first.SOPInstanceUID == again.SOPInstanceUID
    one = judged(classifier, device_image())
    kinds = {one.uid(kind) for kind in ("report", "capture")}
    other = JudgedImage(one.source, "2.25.1", one.answer, one.manifest, one.moment, {})
    assert len(kinds | {other.uid("report")}) == 3


# --- beside highdicom ---------------------------------------------------------------------------


def of_highdicom(one: JudgedImage, image: bytes) -> Dataset:
    """Return the report that highdicom writes of the same answer."""
    highdicom = pytest.importorskip("highdicom")
    from pydicom.sr.codedict import codes
    from pydicom.sr.coding import Code

    sr, source = highdicom.sr, dcmread(BytesIO(image))
    unit = Code("1", "UCUM", "no units")
    name = Code("PROBABILITY", "99EDGEKIT", "Probability of covid")
    measured = sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=highdicom.UID(), identifier="Answer"),
        finding_type=Code("covid", "99EDGEKIT", "covid"),
        algorithm_id=sr.AlgorithmIdentification(
            name=one.manifest.name, version=one.manifest.version, parameters=["bundle", "threshold"]
        ),
        measurements=[sr.Measurement(name=name, value=one.answer.probability, unit=unit)],
        source_images=[sr.SourceImageForMeasurementGroup.from_source_image(source)],
    )
    device = sr.DeviceObserverIdentifyingAttributes(
        uid=highdicom.UID(), name="n", manufacturer_name="m", model_name="m"
    )
    observer = sr.ObserverContext(codes.DCM.Device, device)
    content = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_device_context=observer),
        procedure_reported=Code("363679005", "SCT", "Imaging procedure"),
        imaging_measurements=[measured],
    )
    written = sr.Comprehensive3DSR(
        evidence=[source], content=content[0], series_number=1, instance_number=1,
        series_instance_uid=highdicom.UID(), sop_instance_uid=highdicom.UID(),
        manufacturer="m", is_complete=True, is_final=True,
    )  # fmt: skip
    assert isinstance(written, Dataset)
    return written


def shape(parent: Dataset) -> list[tuple[str, str, str]]:
    """Return relation, kind and concept of each item, in order; comments are ours alone."""
    return [
        (item.RelationshipType, item.ValueType, item.ConceptNameCodeSequence[0].CodeValue)
        for item in items(parent)
        if item.ConceptNameCodeSequence[0].CodeValue != "121106"
    ]


def test_highdicom_writes_the_same_content(classifier: Classifier) -> None:
    image = device_image()
    one = judged(classifier, image)
    ours, theirs = read(report(one)), of_highdicom(one, image)
    assert sorted(shape(ours)) == sorted(shape(theirs))
    for keyword in ("SOPClassUID", "CompletionFlag", "PreliminaryFlag", "VerificationFlag",
                    "ContentTemplateSequence", "ConceptNameCodeSequence", "StudyInstanceUID",
                    "CurrentRequestedProcedureEvidenceSequence", "PatientID"):  # fmt: skip
        assert ours[keyword].value == theirs[keyword].value, keyword
    assert (
        not {element.keyword for element in theirs}
        - {element.keyword for element in ours}
        - {"ContributingEquipmentSequence"}
    )


def test_highdicom_reads_what_we_write(answered: bytes) -> None:
    highdicom = pytest.importorskip("highdicom")
    document = highdicom.sr.srread(BytesIO(answered))
    (measured,) = document.content.get_image_measurement_groups()
    assert measured.get_measurements()[0].value == pytest.approx(
        group(answered).ContentSequence[7].MeasuredValueSequence[0].FloatingPointValue, abs=1
    )
