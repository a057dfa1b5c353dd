"""DICOM films are trained on like any other, grouped by patient, and name nobody."""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, BasicTextSRStorage, ExplicitVRLittleEndian

from dicom_films import dicom_film
from edge_kit.audit.features import file_sizes
from edge_kit.cli import run
from edge_kit.data.dataset import load_dataset
from edge_kit.data.dicom_header import dicom_groups, dicom_ids, dicom_size
from edge_kit.data.films import list_films, read_listed
from edge_kit.data.fingerprints import Fingerprint, fingerprint
from edge_kit.data.leaks import require_no_leaks
from edge_kit.data.reader import FilmReader
from edge_runtime.errors import DataError
from edge_runtime.film.preprocess import film_pixels, standard
from films import write_film

PERSON = "SMITH-JOHN-4711"


def levels(seed: int, folder: Path) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    with Image.open(write_film(folder / "pattern.png", seed)) as image:
        return np.asarray(image)


def put(path: Path, seed: int, scratch: Path, **elements: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(dicom_film(levels(seed, scratch), **elements))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Lay out twelve patients of each class with four films each, half without an ending."""
    for seed in range(96):
        label = ("covid", "normal")[seed % 2]
        name = f"{seed}.dcm" if seed % 4 < 2 else f"IM{seed}"
        patient = f"{PERSON}-{label}-{seed // 8}"
        put(tmp_path / "films" / label / name, seed, tmp_path, PatientID=patient)
    return tmp_path / "films"


def test_dicom_in_class_folders_is_read_and_grouped_by_patient(root: Path) -> None:
    dataset = load_dataset(root, modality="xray", seed=0)
    groups = {film.group for film in dataset.films}
    assert (len(dataset.films), len(groups)) == (96, 24)
    assert len({(film.group, film.split) for film in dataset.films}) == 24
    assert dataset.notes == ("DICOM films grouped by PatientID: 96, patients: 24",)


def test_sizes_come_from_the_header(root: Path, tmp_path: Path) -> None:
    film = dicom_film(levels(0, tmp_path)[:48])
    assert dicom_size(film) == (64, 48)
    assert dicom_size(film[:200]) is None
    assert dicom_size(b"no DICOM") is None
    films = load_dataset(root, modality="xray", seed=0).films[:2]
    assert np.exp(file_sizes(films)[:, :2]) == pytest.approx(64)


def test_the_pixels_are_those_of_the_runtime(root: Path) -> None:
    dataset, preprocess = load_dataset(root, modality="xray", seed=0), standard(48, 32, 1)
    films = dataset.films[:3]
    expected = [film_pixels(film.path, preprocess) for film in films]
    assert [film.tobytes() for film in FilmReader().pixels(films, preprocess)] == expected


def test_a_patient_in_two_given_splits_is_a_leak_that_names_nobody(root: Path) -> None:
    rows = ["path,label,split"]
    for place, path in enumerate(sorted(root.rglob("*"))):
        if path.is_file():
            name = path.relative_to(root).as_posix()
            rows.append(f"{name},{path.parent.name},{('train', 'val', 'test')[place % 3]}")
    (root / "manifest.csv").write_text("\n".join(rows), "utf-8")
    dataset = load_dataset(root, modality="xray", seed=0)
    with pytest.raises(DataError, match="of the same DICOM patient is") as caught:
        require_no_leaks(dataset)
    assert PERSON not in str(caught.value)
    assert PERSON not in str(dataset)


def test_no_id_is_in_what_a_scan_writes_nor_in_the_cache(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "scan"
    assert run(["data", "scan", str(root), "--out", str(out), "--modality", "xray"]) == 0
    load_dataset(root, modality="xray", seed=0, reader=FilmReader(tmp_path / "cache"))
    digest = dicom_ids(next(path for path in root.rglob("*.dcm")).read_bytes())[0]
    assert digest
    said = "".join(capsys.readouterr())
    for path in out.iterdir():
        assert digest not in path.read_text("utf-8"), path
    assert digest not in said
    for path in [*out.iterdir(), *(p for p in (tmp_path / "cache").rglob("*") if p.is_file())]:
        assert PERSON.encode() not in path.read_bytes(), path
    assert "groups" in said


@pytest.mark.parametrize(
    "patient",
    [
        "",
        None,
        "ANONYMOUS",
        "anonymized",
        "Anonymous^Patient",
        "0",
        "000000",
        "N/A",
        "de-identified",
    ],
)
def test_what_anonymisers_write_is_no_patient(tmp_path: Path, patient: str | None) -> None:
    film = dicom_film(levels(0, tmp_path), **({} if patient is None else {"PatientID": patient}))
    assert dicom_ids(film) == ("", "")


@pytest.mark.parametrize("patient", ["ANON0001", "P0", "7", "X12", "patient12", "PAT^000"])
def test_a_pseudonym_is_a_patient(tmp_path: Path, patient: str) -> None:
    assert dicom_ids(dicom_film(levels(0, tmp_path), PatientID=patient))[0]


def test_without_a_patient_the_study_counts(tmp_path: Path) -> None:
    films = [dicom_film(levels(seed, tmp_path), StudyInstanceUID="1.2.7") for seed in (0, 1)]
    prints = [Fingerprint(str(n), 0, 0, *dicom_ids(film)) for n, film in enumerate(films)]
    ids, lines = dicom_groups(prints)
    assert ids[0] == ids[1] != ()
    assert lines == ["DICOM films grouped by StudyInstanceUID: 2, studies: 1"]


def test_films_of_nobody_are_counted(tmp_path: Path) -> None:
    for seed in range(4):
        element = {"PatientID": f"{PERSON}{seed}"} if seed == 2 else {}
        put(tmp_path / "films" / ("a", "b")[seed % 2] / f"{seed}.dcm", seed, tmp_path, **element)
    write_film(tmp_path / "films" / "a" / "9.png", 9)
    listed = list_films(tmp_path / "films", modality="xray", positive="a")
    notes = read_listed(listed, FilmReader(), skip_unreadable=False).notes
    line = "DICOM films without PatientID and StudyInstanceUID: 3, of no patient that is known"
    assert line in notes


def test_one_patient_id_of_all_is_an_anonymisers() -> None:
    prints = [Fingerprint(str(n), 0, 0, "same", f"study {n}") for n in range(10)]
    ids, lines = dicom_groups(prints)
    assert len({*ids}) == 10
    assert lines[0] == "10 of 10 DICOM films have one PatientID, which is not taken as one"


def test_films_that_are_not_dicom_have_no_such_ids(tmp_path: Path) -> None:
    found = fingerprint(write_film(tmp_path / "1.png", 0))
    assert (found.patient, found.study) == ("", "")
    assert json.dumps(dataclasses.asdict(found))


def report() -> bytes:
    """Return a DICOM file without a picture."""
    film = Dataset()
    film.file_meta = FileMetaDataset()
    film.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    film.file_meta.MediaStorageSOPClassUID = film.SOPClassUID = BasicTextSRStorage
    film.file_meta.MediaStorageSOPInstanceUID = film.SOPInstanceUID = UID("1.2.3")
    film.Modality, film.PatientID = "SR", PERSON
    stream = io.BytesIO()
    film.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def test_dicom_without_a_picture_is_refused_or_skipped_by_its_kind(root: Path) -> None:
    (root / "covid" / "report.dcm").write_bytes(report())
    message = r"report.dcm: a DICOM file without a picture: a structured report \(1 film of 97"
    with pytest.raises(DataError, match=message):
        load_dataset(root, modality="xray", seed=0)
    dataset = load_dataset(root, modality="xray", seed=0, skip_unreadable=True)
    assert dataset.warnings[-1] == "1 film left out, that cannot be read"
