"""Images as a device sends them, and the programs that judge what a node makes of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import (
    UID,
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    ExplicitVRLittleEndian,
)

from dicom_films import dicom_film, with_bytes
from edge_runtime.answer.classifier import Classifier
from edge_runtime.answer.occlusion import occlusion
from edge_runtime.dicom_node.capture import capture
from edge_runtime.dicom_node.identity import derived_uid
from edge_runtime.dicom_node.source import Source
from edge_runtime.dicom_node.writing import JudgedImage
from edge_runtime.film.preprocess import film_stages
from tiny_bundle import RECIPE, film_array

STUDY = "1.2.826.0.1.3680043.8.498.1"
PIXELMED = Path("/usr/share/java/pixelmed.jar")
_NO_LIMITS = [f"-Djdk.xml.xpath{limit}OpLimit=0" for limit in ("Total", "Expr")]
MOMENT = 1_796_000_000.0  # in November 2026


def device_image(number: int = 1, syntax: str = ExplicitVRLittleEndian, **elements: Any) -> bytes:
    """Return a CR image of a study, as complete as a device writes it."""
    usual: dict[str, Any] = {
        "SOPClassUID": ComputedRadiographyImageStorage, "SOPInstanceUID": f"{STUDY}.1.{number}",
        "StudyInstanceUID": STUDY, "SeriesInstanceUID": f"{STUDY}.1", "InstanceNumber": number,
        "PatientName": "Phantom^Paula", "PatientID": "P-1", "PatientBirthDate": "19700101",
        "PatientSex": "F", "StudyDate": "20261101", "StudyTime": "101500", "StudyID": "S1",
        "AccessionNumber": "A1", "ReferringPhysicianName": "", "StudyDescription": "Chest",
        "BodyPartExamined": "CHEST", "ViewPosition": "PA", "SeriesNumber": 1, "Laterality": "",
        "PatientOrientation": ["L", "F"], "WindowCenter": 128, "WindowWidth": 256,
    }  # fmt: skip
    levels = elements.pop("levels", None)
    levels = film_array(seed=number) if levels is None else levels
    film = dcmread(BytesIO(dicom_film(levels, syntax, **{**usual, **elements})))
    film.file_meta.MediaStorageSOPClassUID = UID(film.get("SOPClassUID", "1.2"))
    film.file_meta.MediaStorageSOPInstanceUID = UID(film.get("SOPInstanceUID", "1.2"))
    stream = BytesIO()
    film.save_as(stream)
    return stream.getvalue()


def dx_image(number: int = 1, intent: str = "FOR PRESENTATION", **elements: Any) -> bytes:
    """Return a DX image of 12 bits, as complete as a detector writes it."""
    view = _coded("272479007", "postero-anterior")
    view.ViewModifierCodeSequence = Sequence()
    is_shown = intent == "FOR PRESENTATION"
    shown = DigitalXRayImageStorageForPresentation
    usual: dict[str, Any] = {
        "SOPClassUID": shown if is_shown else DigitalXRayImageStorageForProcessing,
        "levels": film_array(seed=number).astype(np.uint16) * 16, "BitsStored": 12,
        "Modality": "DX", "PresentationIntentType": intent, "RescaleType": "US",
        "ImageType": ["ORIGINAL", "PRIMARY", ""], "RescaleIntercept": 0, "RescaleSlope": 1,
        "PixelIntensityRelationship": "LOG", "PixelIntensityRelationshipSign": -1,
        "PresentationLUTShape": "IDENTITY", "LossyImageCompression": "00", "ImageLaterality": "U",
        "BurnedInAnnotation": "NO", "DetectorType": "DIRECT", "ImagerPixelSpacing": [0.2, 0.2],
        "AnatomicRegionSequence": Sequence([_coded("51185008", "Chest")]),
        "ViewCodeSequence": Sequence([view]), "AcquisitionContextSequence": Sequence(),
        "AcquisitionDate": "20261101", "AcquisitionTime": "101500", "PositionerType": "NONE",
        "WindowCenter": 2048, "WindowWidth": 4096, "Manufacturer": "Phantom",
    }  # fmt: skip
    image = device_image(number, **{**usual, **elements})
    absent = ("Laterality",) if is_shown else ("Laterality", "WindowCenter", "WindowWidth")
    return with_bytes(image, dict.fromkeys(absent))


def _coded(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SCT", meaning
    return item


def judged(classifier: Classifier, data: bytes, **findings: Any) -> JudgedImage:
    """Return an image with the answer of a classifier."""
    answer = classifier.classify(data)
    identity = derived_uid("an image", str(len(data)))
    source = Source.of(data)
    return JudgedImage(source, identity, answer, classifier.manifest, MOMENT, findings)


def captured(classifier: Classifier, data: bytes) -> bytes:
    """Return the capture of an image that has an answer."""
    *_, (_, film) = film_stages(data, RECIPE)
    one = judged(classifier, data)
    with classifier.borrowed() as engine:
        heatmap = occlusion(film, engine)
    return capture(one, film, heatmap)


def read(data: bytes) -> Dataset:
    return dcmread(BytesIO(data))


def dciodvfy(path: Path) -> list[str]:
    """Return the errors that dicom3tools finds."""
    found = subprocess.run(
        [debian("dciodvfy", "dicom3tools"), str(path)],
        capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip
    lines = (found.stdout + found.stderr).splitlines()
    assert any(line and " " not in line for line in lines), "it names the IOD that it knows"
    return [line for line in lines if line.startswith("Error")]


def dsrdump(path: Path) -> tuple[int, str]:
    """Return how dcmtk's reader of structured reports ends, and what it says."""
    found = subprocess.run(
        [debian("dsrdump", "dcmtk"), "+Pc", str(path)],
        capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip
    return found.returncode, found.stdout + found.stderr


def pixelmed(*paths: Path) -> list[list[str]]:
    """Return the errors that PixelMed's validator finds in each report.

    On Java 17 it ends in the middle, with status 0, unless XPath has no limits.
    """
    if not PIXELMED.exists() or not shutil.which("java"):
        pytest.skip("pixelmed-apps is not installed")
    return [_pixelmed(path) for path in paths]


def _pixelmed(path: Path) -> list[str]:
    options = [*_NO_LIMITS, "-Djdk.xml.xpathExprGrpLimit=0", "-Xmx256m"]
    # A short life: what a better compiler and collector cost is not earned back.
    options += ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
    name = "com.pixelmed.validate.DicomSRValidator"
    found = subprocess.run(
        [debian("java", "pixelmed-apps"), *options, "-cp", str(PIXELMED), name, str(path)],
        capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip
    lines = (found.stdout + found.stderr).splitlines()
    assert any("validation complete" in line for line in lines), lines[-3:]
    return [line for line in lines if "Error" in line]


def debian(name: str, package: str) -> str:
    """Return the program of a Debian package; without it, the test is skipped.

    pynetdicom installs programs with the names of dcmtk's beside Python, which are not meant.
    """
    beside = Path(sys.executable).parent
    folders = [one for one in os.get_exec_path() if Path(one) != beside]
    path = shutil.which(name, path=os.pathsep.join(folders))
    if path is None:
        pytest.skip(f"{package} is not installed")
    return path


def with_raw(film: bytes, elements: dict[str, bytes | None]) -> bytes:
    """Return `film` with these bytes in its texts, and all others as they were.

    pydicom would decode names by the character set, which here may be none that it knows.
    """
    read_film = read(film)
    out = DicomBytesIO()
    out.is_implicit_VR, out.is_little_endian = (bool(one) for one in read_film.original_encoding)
    for keyword, data in elements.items():
        if data is not None:
            tag, kind, even = Tag(keyword), dictionary_VR(keyword), data + b" " * (len(data) % 2)
            read_film[tag] = RawDataElement(tag, kind, len(even), even, 0, False, True)
    for tag in sorted(read_film.keys()):
        write_data_element(out, read_film.get_item(tag))
    return film[: film.index(b"DICM") + 4] + _meta(film) + bytes(out.getvalue())


def _meta(film: bytes) -> bytes:
    """Return the meta information of a file, whose length its first element says."""
    begin = film.index(b"DICM") + 4
    return film[begin : begin + 12 + int.from_bytes(film[begin + 8 : begin + 12], "little")]


def shades(data: bytes) -> np.ndarray[Any, Any]:
    """Return the pixels of an object."""
    pixels: np.ndarray[Any, Any] = read(data).pixel_array
    return pixels
