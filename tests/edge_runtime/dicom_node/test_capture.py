"""A capture shows the film, the map and the words, in the study of its image."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from dicom_nodes import STUDY, captured, dciodvfy, device_image, read, shades
from edge_runtime.answer.classifier import Classifier


@pytest.fixture(scope="module")
def capture(tiny: Path) -> Iterator[bytes]:
    with Classifier(tiny, engines=1) as classifier:
        yield captured(classifier, device_image(RescaleSlope=1, RescaleIntercept=0))


def test_dicom3tools_finds_no_error_but_in_a_broken_capture(capture: bytes, tmp_path: Path) -> None:
    path = tmp_path / "capture.dcm"
    path.write_bytes(capture)
    assert dciodvfy(path) == []
    broken, stream = read(capture), BytesIO()
    del broken.ConversionType, broken.Rows
    broken.save_as(stream)
    path.write_bytes(stream.getvalue())
    assert dciodvfy(path)


def test_it_is_not_black(capture: bytes) -> None:
    picture = shades(capture)
    assert picture.ndim == 3 and picture.shape[2] == 3
    assert picture.max() > 200 and picture.std() > 20 and len(np.unique(picture)) > 50


def test_it_has_the_study_and_the_patient_of_the_image_and_a_series_of_its_own(
    capture: bytes,
) -> None:
    found = read(capture)
    assert found.StudyInstanceUID == STUDY and found.PatientID == "P-1"
    assert found.SeriesInstanceUID != f"{STUDY}.1" and found.Laterality in ("", None)
    assert "research use" in found.SeriesDescription
    assert found.SourceImageSequence[0].ReferencedSOPInstanceUID == f"{STUDY}.1.1"


def test_neither_window_nor_rescale_of_the_image_are_in_it(capture: bytes) -> None:
    found = read(capture)
    for keyword in ("WindowCenter", "WindowWidth", "RescaleSlope", "RescaleIntercept",
                    "VOILUTSequence", "ModalityLUTSequence", "PresentationLUTShape"):  # fmt: skip
        assert keyword not in found


def test_a_lossy_image_gives_a_lossy_capture(tiny: Path) -> None:
    with Classifier(tiny, engines=1) as classifier:
        found = read(captured(classifier, device_image(LossyImageCompression="01")))
    assert found.LossyImageCompression == "01"
