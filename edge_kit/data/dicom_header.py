"""What a DICOM header says of its film: size, and digests of patient and study, which name nobody.

PatientID is what an archive keeps apart patients by; anonymisers leave it empty, or give all of
them one. Then films of one study belong together, which is all that is left to know.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edge_kit.data.folders import DICOM, EXTENSIONS
from edge_runtime.film.decode import begins_as_dicom

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from edge_kit.data.fingerprints import Fingerprint

PATIENT, STUDY = "DICOM patient", "DICOM study"
"""How the id of a film begins that its header gives; what follows is a digest."""
MAGIC = 132
"""How many of a file's first bytes tell whether it is DICOM."""
NEARLY_ALL = 0.9
"""The share of DICOM films of one PatientID from which on it is an anonymiser's."""

_NOBODY = re.compile(
    r"(?:(?:anon[a-z]*|de-?ident[a-z]*|id|mrn|n/?a|nan|name|no|none|not|available|null|patient|pat"
    r"|redacted|removed|test|unknown)[\W_]*|[\W_]+)*|x+|0+"
)
"""What anonymisers write in place of a PatientID, in small letters."""


def dicom_ids(data: bytes) -> tuple[str, str]:
    """Return digests of PatientID and StudyInstanceUID of a film's bytes, empty where it has none.

    A film that is not DICOM has neither.
    """
    if not begins_as_dicom(data[:MAGIC]):
        return "", ""
    try:
        header = _header(data, "PatientID", "StudyInstanceUID")
        patient = str(header.get("PatientID") or "").strip(" \0")
        study = str(header.get("StudyInstanceUID") or "").strip(" \0")
    except Exception:  # pydicom meets damaged headers with any exception there is
        return "", ""
    return ("" if _NOBODY.fullmatch(patient.lower()) else _digest(patient)), _digest(study)


def dicom_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height of a film's bytes in pixels; None where they are not DICOM's."""
    if not begins_as_dicom(data[:MAGIC]):
        return None
    try:
        header = _header(data, "Columns", "Rows")
        return int(header.Columns), int(header.Rows)
    except Exception:
        return None


def _header(data: bytes, *elements: str) -> Dataset:
    """Return these elements of a DICOM file, and none that may hold a name."""
    from pydicom import dcmread

    wanted = list(elements)
    return dcmread(io.BytesIO(data), stop_before_pixels=True, force=True, specific_tags=wanted)


def dicom_groups(fingerprints: Sequence[Fingerprint]) -> tuple[list[tuple[str, ...]], list[str]]:
    """Return for each film the id that its DICOM header gives, and lines that count them."""
    patients = Counter(item.patient for item in fingerprints if item.patient)
    total = sum(bool(item.patient or item.study) for item in fingerprints)
    name, most = patients.most_common(1)[0] if patients else ("", 0)
    lines = []
    if most > 1 and most >= NEARLY_ALL * total:
        lines = [f"{most} of {total} DICOM films have one PatientID, which is not taken as one"]
    else:
        name = ""
    ids: list[tuple[str, ...]] = [
        (f"{PATIENT} {item.patient}",)
        if item.patient not in ("", name)
        else ((f"{STUDY} {item.study}",) if item.study else ())
        for item in fingerprints
    ]
    for key, element, plural in (
        (PATIENT, "PatientID", "patients"),
        (STUDY, "StudyInstanceUID", "studies"),
    ):
        named = [name for names in ids for name in names if name.startswith(key)]
        if named:
            lines.append(
                f"DICOM films grouped by {element}: {len(named)}, {plural}: {len({*named})}"
            )
    return ids, lines


def of_nobody(films: Iterable[tuple[str, Sequence[str]]]) -> list[str]:
    """Return a line that counts the DICOM among films, by name and ids, which have no id at all."""
    pictures = EXTENSIONS - DICOM
    number = sum(not ids and Path(name).suffix.lower() not in pictures for name, ids in films)
    if not number:
        return []
    what = "DICOM films without PatientID and StudyInstanceUID"
    return [f"{what}: {number}, of no patient that is known"]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32] if text else ""
