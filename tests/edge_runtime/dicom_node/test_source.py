"""An answer is filed with its image, whatever its header holds; or there is a clear line."""

from __future__ import annotations

from pathlib import Path

import pytest

from dicom_films import with_bytes
from dicom_nodes import device_image, judged, read, with_raw
from edge_runtime.answer.classifier import Classifier
from edge_runtime.dicom_node.report import report
from edge_runtime.dicom_node.source import Source
from edge_runtime.errors import DataError, FilmError

LATIN, JAPANESE = "Müller^Jörg".encode("latin-1"), b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B"


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        (b"ISO_IR 100", LATIN), (b"\\ISO 2022 IR 87", JAPANESE), (b"ISO_IR 192", "Юрий".encode()),
        (b"PRIVATE SET", b"\x80\x81\xff"), (None, b"\xfc\xfe"), (b"GB18030", b"\xcd\xf5"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2",
                                    "1.2.840.10008.1.2.2"])  # fmt: skip
def test_names_are_copied_byte_for_byte_with_their_character_set(
    charset: bytes | None, name: bytes, syntax: str, tiny: Path
) -> None:
    elements = {
        "SpecificCharacterSet": charset, "PatientName": name, "PatientID": name,
    }  # fmt: skip
    image = with_raw(device_image(syntax=syntax), elements)
    with Classifier(tiny, engines=1) as classifier:
        found = read(report(judged(classifier, image)))
    assert found.get_item("PatientName").value.rstrip(b" ") == name
    assert found.get_item("PatientID").value.rstrip(b" ") == name
    said = found.get("SpecificCharacterSet")
    told = said if isinstance(said, str) or said is None else "\\".join(said)
    assert told == (charset.decode() if charset else None)


def test_without_a_patient_the_answer_has_none_either(tiny: Path) -> None:
    image = with_bytes(device_image(), dict.fromkeys(("PatientID", "PatientName", "PatientSex")))
    with Classifier(tiny, engines=1) as classifier:
        found = read(report(judged(classifier, image)))
    assert found.PatientID in ("", None) and found.StudyInstanceUID


@pytest.mark.parametrize("uid", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"])
@pytest.mark.parametrize("value", [None, "", b"not a uid", b"1" * 80, b"1.2\\1.3"])
def test_without_a_uid_there_is_a_line_that_names_it_and_no_value(
    uid: str, value: bytes | str | None
) -> None:
    given = value if isinstance(value, bytes) else (None if value is None else b"")
    with pytest.raises(DataError) as raised:
        Source.of(with_bytes(device_image(), {uid: given}))
    assert uid in str(raised.value) and "1.3" not in str(raised.value)


@pytest.mark.parametrize("length", [0, 10, 132, 400])
def test_a_file_that_breaks_off_is_an_error_and_no_crash(length: int) -> None:
    with pytest.raises((FilmError, DataError)):
        Source.of(device_image()[:length])


def test_numbers_that_are_none_do_no_harm() -> None:
    image = with_bytes(device_image(), {"InstanceNumber": b"abc", "PatientSize": b"tall"})
    assert Source.of(image).number == 1
