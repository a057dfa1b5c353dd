"""What holds no picture that can be judged is called what it is."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pydicom.data
import pytest
from pydicom import dcmread
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from dicom_films import dicom_film
from edge_runtime.errors import Refusal
from edge_runtime.film.preprocess import film_pixels, standard
from tiny_bundle import film_array

RECIPE = standard(64, 64)
CLASSES = {
    "1.2.840.10008.1.3.10": "a DICOM directory (DICOMDIR)",
    "1.2.840.10008.5.1.4.1.1.88.11": "a structured report",
    "1.2.840.10008.5.1.4.1.1.88.33": "a structured report",
    "1.2.840.10008.5.1.4.1.1.88.67": "a structured report",  # a dose report
    "1.2.840.10008.5.1.4.1.1.88.59": "a key object selection",
    "1.2.840.10008.5.1.4.1.1.104.1": "an encapsulated PDF document",
    "1.2.840.10008.5.1.4.1.1.104.2": "an encapsulated document",
    "1.2.840.10008.5.1.4.1.1.104.3": "an encapsulated document",
    "1.2.840.10008.5.1.4.1.1.11.1": "a presentation state",
    "1.2.840.10008.5.1.4.1.1.11.4": "a presentation state",
    "1.2.840.10008.5.1.4.1.1.9.1.1": "a waveform, such as an ECG",
    "1.2.840.10008.5.1.4.1.1.481.3": "a radiotherapy structure set",
    "1.2.840.10008.5.1.4.1.1.481.5": "a radiotherapy object",
    "1.2.840.10008.5.1.4.34.7": "a radiotherapy object",
    "1.2.840.10008.5.1.4.1.1.66": "raw data",
    "1.2.840.10008.5.1.4.1.1.66.1": "a registration",
    "1.2.840.10008.5.1.4.1.1.66.2": "a set of fiducials",
    "1.2.840.10008.5.1.4.1.1.66.3": "a registration",
    "1.2.840.10008.5.1.4.1.1.66.5": "a surface model",
    "1.2.840.10008.5.1.4.1.1.66.6": "a tractography result",
    "1.2.840.10008.5.1.4.1.1.67": "a real world value mapping",
    "1.2.840.10008.5.1.4.1.1.4.2": "MR spectroscopy",
    "1.2.840.10008.5.1.4.38.1": "a hanging protocol",
    "1.2.840.10008.5.1.4.39.1": "a colour palette",
    "1.2.840.10008.5.1.4.43.1": "an implant template",
}
MODALITIES = {
    "SR": "a structured report", "KO": "a key object selection",
    "DOC": "an encapsulated document", "PR": "a presentation state",
    "RTSTRUCT": "a radiotherapy structure set", "REG": "a registration",
    "ECG": "a waveform, such as an ECG", "AU": "sound",
}  # fmt: skip


def without_pixels(sop_class: str | None, modality: str | None, syntax: str) -> bytes:
    film = dcmread(BytesIO(dicom_film(film_array(), syntax)))
    del film.PixelData
    for keyword in ("SOPClassUID", "Modality"):
        del film[keyword]
    del film.file_meta.MediaStorageSOPClassUID
    if sop_class is not None:
        film.SOPClassUID = film.file_meta.MediaStorageSOPClassUID = UID(sop_class)
    if modality is not None:
        film.Modality = modality
    stream = BytesIO()
    film.save_as(stream)
    return stream.getvalue()


def problem_of(film: bytes) -> str:
    with pytest.raises(Refusal) as caught:
        film_pixels(film, RECIPE)
    assert (caught.value.reason, caught.value.cure) == ("unreadable", "give the image of the study")
    return caught.value.problem


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize("uid", CLASSES)
def test_an_object_is_named_by_its_class(uid: str, syntax: str) -> None:
    wanted = f"a DICOM file without a picture: {CLASSES[uid]}"
    assert problem_of(without_pixels(uid, "CR", syntax)) == wanted
    bare = without_pixels(uid, None, syntax)
    assert problem_of(bare) == wanted


@pytest.mark.parametrize("modality", MODALITIES)
def test_an_object_is_named_by_its_modality_where_its_class_is_none(modality: str) -> None:
    wanted = f"a DICOM file without a picture: {MODALITIES[modality]}"
    for sop_class in (None, "1.2.3.4"):
        film = without_pixels(sop_class, modality, ExplicitVRLittleEndian)
        assert problem_of(film) == wanted


def test_what_an_image_lacks_may_have_been_torn_off() -> None:
    for sop_class, modality in (("1.2.840.10008.5.1.4.1.1.1", "CR"), (None, None), ("1.2.3", "?")):
        film = without_pixels(sop_class, modality, ExplicitVRLittleEndian)
        assert problem_of(film) == "a DICOM file without a picture, or torn off before it"


FLOATS = {"FloatPixelData": (0x7FE00008, "OF", "<f4"), "DoubleFloatPixelData": (0x7FE00009, "OD",
                                                                               "<f8")}  # fmt: skip


@pytest.mark.parametrize(
    "syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian]
)
@pytest.mark.parametrize("keyword", FLOATS)
def test_floats_are_called_floats(keyword: str, syntax: str) -> None:
    tag, kind, form = FLOATS[keyword]
    film = dcmread(BytesIO(dicom_film(film_array(), syntax)))
    del film.PixelData
    film.SOPClassUID = film.file_meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.30")
    film.BitsAllocated = np.dtype(form).itemsize * 8
    film.add_new(tag, kind, film_array().astype(form).tobytes())
    stream = BytesIO()
    film.save_as(stream)
    with pytest.raises(Refusal) as caught:
        film_pixels(stream.getvalue(), RECIPE)
    wanted = f"floating-point pixels ({keyword}), such as those of a parametric map"
    assert caught.value.problem == wanted
    assert caught.value.cure == "export the picture in whole numbers of up to 16 bits"


@pytest.mark.parametrize(
    ("name", "kind"),
    [("test-SR.dcm", "a structured report"), ("reportsi.dcm", "a structured report"),
     ("rtplan.dcm", "a radiotherapy object"), ("rtstruct.dcm", "a radiotherapy structure set"),
     ("DICOMDIR", "a DICOM directory (DICOMDIR)"),
     ("waveform_ecg.dcm", "a waveform, such as an ECG")],
)  # fmt: skip
def test_samples_of_pydicom_are_called_what_they_are(name: str, kind: str) -> None:
    path = pydicom.data.get_testdata_file(name, download=False)
    with pytest.raises(Refusal) as caught:
        film_pixels(str(path), RECIPE)
    assert kind in caught.value.problem
