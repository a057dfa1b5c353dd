"""Images that a DICOM node is sent, damaged: each is taken, or refused by a line of ours."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import BytesIO
from random import Random

from pydicom import dcmread
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from dicom_nodes import MOMENT, device_image
from edge_runtime.answer.classify import Answer
from edge_runtime.bundle.manifest import Manifest
from edge_runtime.dicom_node.identity import derived_uid
from edge_runtime.dicom_node.report import report
from edge_runtime.dicom_node.source import Source
from edge_runtime.dicom_node.writing import JudgedImage
from edge_runtime.errors import DataError, FilmError
from fuzz.grammar import dicom
from fuzz.mutate import damaged, film_mutators
from sample_bundle import sample_manifest

_SYNTAXES = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian,
             DeflatedExplicitVRLittleEndian)  # fmt: skip
_UID = re.compile(r"[0-9.]{1,64}")
_PATIENT = ("Phantom", "Paula", "P-1")


def node_case() -> Callable[[Random], tuple[bytes, Callable[[bytes], str]]]:
    """Return what damages images of a device, and makes reports of them."""
    seeds = [device_image(number, syntax) for number, syntax in enumerate(_SYNTAXES)]
    manifest = Manifest(**sample_manifest())

    def judge(data: bytes) -> str:
        try:
            source = Source.of(data)
        except (FilmError, DataError) as error:
            assert "\n" not in str(error) and not any(name in str(error) for name in _PATIENT)
            return type(error).__name__
        return _reported(source, manifest)

    def case(chance: Random) -> tuple[bytes, Callable[[bytes], str]]:
        if chance.random() < 0.2:
            return dicom.file(chance), judge
        seed = chance.choice(seeds)
        return bytes(damaged(seed, chance, seeds, film_mutators(seed))), judge

    return case


def _reported(source: Source, manifest: Manifest) -> str:
    """Report an answer on an image: the report is a file that names the image."""
    for uid in (source.study, source.series, source.sop_class, source.sop_instance):
        assert _UID.fullmatch(uid), uid
    assert 0 <= source.number < 1 << 31 and source.is_lossy in (True, False)
    assert source.size is None or min(source.size) > 0
    assert source.modality == source.modality.upper()
    answer = Answer("an image", 1.0, logit=1.0, probability=0.73, decided=manifest.classes.positive)
    judged = JudgedImage(source, derived_uid("an image"), answer, manifest, MOMENT, {})
    read = dcmread(BytesIO(report(judged)))
    # Copied byte for byte: some devices pad a UID by spaces, and an archive files by what it has.
    assert read.get_item("StudyInstanceUID").value.strip(b"\0 ").decode() == source.study
    for keyword in ("PatientName", "PatientID"):
        assert read.get_item(keyword).value == source.copied[keyword], keyword
    return "reported"
