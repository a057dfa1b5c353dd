"""Nothing of a patient's leaves a DICOM header, whatever becomes of the film."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from dicom_films import dicom_film
from edge_runtime.bundle.records import IntendedUse
from edge_runtime.cli import run
from edge_runtime.errors import Refusal
from edge_runtime.film.preprocess import film_pixels, standard
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
            assert refusal.__suppress_context__ or refusal.__context__ is None, name
