"""Images of every class that is taken are answered, and what a node made itself is not."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from pydicom.uid import (
    CTImageStorage,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    SecondaryCaptureImageStorage,
)

from dicom_nodes import STUDY, dciodvfy, debian, device_image, dx_image, read
from dicom_peers import Archive, running, send, settings, until

DX = {
    "FOR PRESENTATION": DigitalXRayImageStorageForPresentation,
    "FOR PROCESSING": DigitalXRayImageStorageForProcessing,
}


@pytest.mark.parametrize("intent", [*DX])
def test_a_dx_image_from_storescu_has_a_valid_report_and_capture(
    intent: str, tiny: Path, tmp_path: Path
) -> None:
    image, storescu = tmp_path / "image.dcm", debian("storescu", "dcmtk")
    image.write_bytes(dx_image(intent=intent))
    assert dciodvfy(image) == [], "the image itself is one that a device may send"
    assert read(image.read_bytes()).SOPClassUID == DX[intent]
    with Archive() as archive:
        told = settings(tmp_path, archive.port)
        with running(told, tiny) as (node, said):
            line = [storescu, "-R", "-aet", "DEVICE", "-aec", "EDGEKIT", "127.0.0.1"]
            subprocess.run([*line, str(told.port), str(image)], check=True, capture_output=True)
            until(lambda: node.delivered == 2, said)
        assert node.counts == {"ok": 1, "refused": 0, "error": 0}
    assert archive.sources() == {("SR", f"{STUDY}.1.1"): 1, ("OT", f"{STUDY}.1.1"): 1}
    for number, uid in enumerate(archive.objects):
        path = tmp_path / f"{number}.dcm"
        path.write_bytes(archive.file(uid))
        assert dciodvfy(path) == []
        assert read(path.read_bytes()).StudyInstanceUID == STUDY


@pytest.mark.parametrize("sop_class", [CTImageStorage, SecondaryCaptureImageStorage])
def test_other_classes_are_answered_into_their_study(
    sop_class: str, tiny: Path, tmp_path: Path
) -> None:
    with Archive() as archive:
        told = settings(tmp_path, archive.port)
        with running(told, tiny) as (node, _):
            assert send(told.port, device_image(SOPClassUID=sop_class)) == [0]
            until(lambda: archive.objects and node.folder.queue.count() == (0, 0), "an answer")
    for uid in archive.objects:
        assert read(archive.file(uid)).StudyInstanceUID == STUDY


def test_a_capture_that_comes_back_is_refused_and_not_answered_again(
    tiny: Path, tmp_path: Path
) -> None:
    with Archive() as archive:
        told = settings(tmp_path, archive.port)
        with running(told, tiny) as (node, said):
            assert send(told.port, device_image()) == [0]
            until(lambda: node.delivered == 2, "report and capture")
            (capture,) = [
                uid for uid in archive.objects if read(archive.file(uid)).Modality == "OT"
            ]
            assert send(told.port, archive.file(capture)) == [0xC000]
            assert any("is an answer of a node like this one" in line for line in said)
            assert node.folder.queue.count() == (0, 0)
