"""Nothing of a patient's leaves a DICOM header, whatever becomes of the film."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom.tag import Tag

from dicom_films import dicom_film
from edge_runtime.answer.classify import classify
from edge_runtime.bundle import Bundle
from edge_runtime.bundle.records import IntendedUse
from edge_runtime.cli import run
from edge_runtime.engines import open_engine
from edge_runtime.errors import Refusal
from edge_runtime.film.preprocess import film_pixels, standard
from hostile_dicom import element
from hostile_dicom import film as raw_film
from tiny_bundle import film_array

RECIPE = standard(64, 64)
GREY = film_array()
USE = IntendedUse(modality="xray", body_parts=("CHEST",), views=("PA", "AP"), youngest=18,
                  oldest=150)  # fmt: skip
PLANTED = {
    "PatientName": "Quisling^Zebedee", "PatientID": "ID-4711-XYZ", "PatientBirthDate": "19610203",
    "InstitutionName": "St. Elsewhere", "AccessionNumber": "ACC-8086", "StudyDate": "20210908",
    "ReferringPhysicianName": "Doctor^Strangelove", "PatientAge": "060Y",
}  # fmt: skip
SECRETS = ("Quisling", "Zebedee", "4711", "1961", "Elsewhere", "8086", "20210908", "Strangelove",
           "060Y", "hidden_w")  # fmt: skip
TELLING: dict[str, Callable[[], bytes]] = {
    "good": lambda: dicom_film(GREY, **PLANTED),
    "other part": lambda: dicom_film(GREY, **PLANTED, BodyPartExamined="HIDDEN_WORD"),
    "other modality": lambda: dicom_film(GREY, **{**PLANTED, "Modality": "HIDDEN_WORD"}),
    "lateral": lambda: dicom_film(GREY, **PLANTED, ViewPosition="LL"),
    "a child": lambda: dicom_film(GREY, **{**PLANTED, "PatientAge": "011Y"}),
    "bad date": lambda: dicom_film(GREY, **PLANTED).replace(b"19610203", b"hidden_w"),
    "bad number": lambda: dicom_film(GREY, **PLANTED, WindowWidth=1234, WindowCenter=1).replace(
        b"1234", b"4711"
    ).replace(b"WW", b"zz"),
    "bad number of frames": lambda: dicom_film(GREY, **PLANTED, NumberOfFrames=4711),
    "wrong type": lambda: dicom_film(GREY, **PLANTED).replace(b"PN", b"US"),
    "torn": lambda: dicom_film(GREY, **PLANTED)[:-99],
    "torn in the name": lambda: dicom_film(GREY, **PLANTED).partition(b"Zebedee")[0],
    "unknown alphabet": lambda: dicom_film(GREY, **PLANTED, SpecificCharacterSet="ISO_IR 100")
    .replace(b"ISO_IR 100", b"hidden_wor"),
}  # fmt: skip


@pytest.mark.parametrize("form", ["table", "json", "csv"])
@pytest.mark.usefixtures("own_signals")
def test_nothing_that_identifies_a_patient_is_ever_said(
    form: str, tiny: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    for place, film in enumerate(TELLING.values()):
        (tmp_path / f"{place}.dcm").write_bytes(film())
    status = run(["classify", "--format", form, "--bundle", str(tiny), str(tmp_path)])
    heard = capfd.readouterr()
    assert status == 5
    assert heard.out.count(".dcm") >= len(TELLING)
    # Digests of whole files may hold any four digits.
    said = re.sub(r'"[0-9a-f]{64}"|"[0-9a-f]{16}"', "", heard.out) + heard.err + caplog.text
    assert not [secret for secret in SECRETS if secret.lower() in said.lower()]


def test_no_refusal_carries_what_was_read(tmp_path: Path) -> None:
    for name, film in TELLING.items():
        path = tmp_path / "film.dcm"
        path.write_bytes(film())
        try:
            film_pixels(path, RECIPE, USE)
        except Refusal as refusal:
            assert not [secret for secret in SECRETS if secret in repr(refusal)], name
            assert refusal.__context__ is refusal.__cause__ is None, name


NAME = "QUISLING^ZEBEDEE"
NAMED = (
    *("Modality", "BodyPartExamined", "ViewPosition", "PatientAge", "PatientBirthDate"),
    *("StudyDate", "WindowCenter", "RescaleSlope", "NumberOfFrames", "Rows"),
    *("PhotometricInterpretation", "RedPaletteColorLookupTableDescriptor"),
    *("RedPaletteColorLookupTableData", "SegmentedRedPaletteColorLookupTableData"),
    *("BitsAllocated", "PixelPaddingValue", "SpecificCharacterSet", "VOILUTFunction"),
    *("SOPClassUID", "VOILUTSequence", "ViewCodeSequence", "PatientName", "PixelData"),
)  # fmt: skip
PALETTE = b"".join(
    element(tag, "US" if tag < 0x00281200 else "OW", value)
    for tag, value in (
        (0x00281101, b"\0\1\0\0\x08\0"), (0x00281201, bytes(256)),
        (0x00281202, bytes(256)), (0x00281203, bytes(256)),
    )
)  # fmt: skip
KINDS = ("CS", "US", "DS", "SQ", "UN")


def chain(error: BaseException | None) -> list[BaseException]:
    """Return an error, and all that it was raised from."""
    found: list[BaseException] = []
    pending = [error]
    while pending:
        one = pending.pop()
        if one is not None and one not in found:
            found.append(one)
            pending += [one.__cause__, one.__context__]
    return found


def named_films() -> list[bytes]:
    """Return films with a name in place of a value, in each type, whole and damaged around it."""
    films = []
    for keyword in NAMED:
        for kind in KINDS:
            named = element(int(Tag(keyword)), kind, NAME.encode())
            last = keyword == "PixelData"
            whole = raw_film(
                late=b"" if last else PALETTE + named,
                pixels=named if last else None,
                kind=b"PALETTE COLOR" if "Palette" in keyword else b"MONOCHROME2",
            )
            place = whole.index(NAME.encode())
            films += [whole, whole[:place + 8], whole[:place] + b"\xff" + whole[place + 1:],
                      whole[:place - 4] + b"??" + whole[place - 2:],
                      whole[:place - 2] + b"\xff\x01" + whole[place:]]  # fmt: skip
    return films


def test_no_error_was_raised_from_one_that_quotes_the_header(bundle: Bundle) -> None:
    engine, refused = open_engine(bundle), 0
    for film in named_films():
        answer = classify(film, bundle, engine)
        refused += answer.error is not None
        for error in chain(answer.error):
            said = f"{error!r} {error.args} {vars(error)}"
            assert "QUISLING" not in said.upper()
            assert "ZEBEDEE" not in said.upper()
            assert error is answer.error
    assert refused > 100
