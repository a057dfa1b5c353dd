"""No file that may be a film is left out of a folder without being counted in a line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_kit.data.dataset import load_dataset
from edge_kit.data.films import list_films
from edge_kit.data.folders import counted, folder_contents
from edge_kit.data.index import index_folder
from edge_kit.data.scan_report import render
from edge_kit.data.survey import survey
from edge_kit.evaluation.films import labelled_films
from edge_runtime.errors import DataError
from films import write_films

DICM = b"\0" * 128 + b"DICM"


MASKS = ["mask", "Masks", "lung masks", "infection_masks", "lung_mask", "mask_images", "masks_png"]
MASKS += ["leftMask", "segmentation", "GroundTruth", "ground truth", "heatmaps", "MASKS2"]


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    yield write_films(tmp_path / "films", "covid", "normal", count=20)


def put(root: Path, *names: str, content: bytes = b"") -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)


def test_what_may_be_a_film_is_counted_by_its_kind(root: Path) -> None:
    names = ["a.gif", "b.GIF", "c.nii", "d.nii.gz", "e.mha", "f.npy", "g.heic", "h", "masks/1.png"]
    put(root / "covid", *names, "masks/2.png", content=b"none that is read")
    contents = folder_contents(root)
    assert len(contents.films) == 40
    assert counted(contents.left_out) == (
        "2 .gif files, 1 .heic file, 1 .mha file, 1 .nii file, 1 .nii.gz file, 1 .npy file, "
        "2 files in masks folders, 1 file without an extension"
    )
    assert not contents.passed_over


@pytest.mark.parametrize("name", MASKS)
def test_masks_are_told_from_films_by_their_folder(root: Path, name: str) -> None:
    put(root, f"covid/{name}/1.png")
    assert counted(folder_contents(root).left_out) == "1 file in masks folders"


@pytest.mark.parametrize("name", ["with_mask", "no masks", "unmasked", "damask"])
def test_other_folders_are_not_those_of_masks(root: Path, name: str) -> None:
    put(root, f"{name}/1.png")
    assert not folder_contents(root).left_out


def test_a_class_that_is_named_is_no_folder_of_masks(tmp_path: Path) -> None:
    put(tmp_path, "Mask/1.png", "bare/1.png", "bare/masks/1.png")
    index = index_folder(tmp_path, positive="mask")
    assert [entry.class_name for entry in index.entries] == ["Mask", "bare"]
    assert index.left_out == "1 file in masks folders"


@pytest.mark.parametrize(
    "name",
    [
        "benign (1)_mask.png",
        "benign (1)_mask_1.png",
        "benign (1)-seg.png",
        "benign (1)_lung_mask.png",
    ],
)
def test_a_mask_beside_its_picture_is_counted_as_one(tmp_path: Path, name: str) -> None:
    put(tmp_path, "benign/benign (1).png", f"benign/{name}", "benign/other_mask.png")
    contents = folder_contents(tmp_path)
    assert {path.name for path in contents.films} == {"benign (1).png", "other_mask.png"}
    assert counted(contents.left_out) == "1 file named as masks of others"


def test_the_line_is_a_warning_beside_every_figure(root: Path) -> None:
    put(root, "covid/a.gif")
    assert load_dataset(root, modality="xray", seed=0).warnings == ("left out: 1 .gif file",)


def test_texts_and_tables_are_counted_apart(root: Path) -> None:
    put(root, "README", "covid/notes.txt", "b.xlsx", "covid/DICOMDIR", content=DICM)
    put(root, ".hidden", "Thumbs.db", "covid/.DS_Store", "__MACOSX/covid/1.png")
    index = index_folder(root)
    assert index.left_out == ""
    assert index.notes == (
        "passed over: 1 .txt file, 1 .xlsx file, 1 DICOMDIR file, 1 file without an extension",
    )


def test_dicom_is_known_by_its_name_or_by_its_bytes(root: Path) -> None:
    put(root, "covid/1.dcm", "covid/2.DICOM", "covid/IM0003", "covid/1.2.840.7", content=DICM)
    assert len(folder_contents(root).films) == 44


def test_an_error_of_classes_says_what_was_left_out(tmp_path: Path) -> None:
    put(tmp_path, "covid/1.png", "normal/1.nii", "normal/2.nii")
    message = r"two classes are needed, 1 found: covid \(1\) \(left out: 2 .nii files\)"
    with pytest.raises(DataError, match=message):
        list_films(tmp_path, modality="xray", positive="covid")


def test_where_dicom_cannot_be_read_the_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_kit.data.folders.find_spec", lambda _: None)
    put(tmp_path, "covid/1.png")
    put(tmp_path, "normal/1.dcm", "normal/2.dcm", content=DICM)
    message = r"1 found: covid \(1\) \(left out: 2 DICOM files, which are read with edge-runtime\[d"
    with pytest.raises(DataError, match=message):
        list_films(tmp_path, modality="xray", positive="covid")


def test_films_that_a_manifest_does_not_list_are_counted(root: Path) -> None:
    (root / "manifest.csv").write_text("path,label\ncovid/1.png,covid\n", "utf-8")
    assert index_folder(root).notes == ("films or pictures that manifest.csv does not list: 39",)


def test_films_of_neither_class_and_of_another_modality_are_counted(tmp_path: Path) -> None:
    put(tmp_path, "xray/covid/1.png", "xray/normal/1.png", "xray/flu/1.png", "ct/covid/1.png")
    listed = list_films(tmp_path, modality="xray", positive="covid", negative="normal")
    assert listed.left_out == ["left out, of neither class: flu (1)"]
    assert listed.notes == ["of another modality: ct (1)"]


def test_a_scan_counts_what_it_did_not_look_at_on_its_page_too(root: Path) -> None:
    put(root, "covid/masks/1.png", "flu/1.png", "notes.txt")
    scan = survey(root, modality="xray", negative="normal")
    assert scan.left_out == (
        "left out: 1 file in masks folders",
        "left out, of neither class: flu (1)",
    )
    assert {film.label for film in scan.films} == {"covid", "normal"}
    page = render(scan, root)
    assert "<li>Left out: 1 file in masks folders.</li>" in page
    assert "<li>Passed over: 1 .txt file.</li>" in page


def test_what_is_left_out_stands_with_the_figures_of_an_evaluation(root: Path) -> None:
    put(root, "covid/1.gif", "notes.txt")
    labelled = labelled_films(root, modality="xray", positive="covid", skip_unreadable=False)
    assert labelled.warnings == ("left out: 1 .gif file",)
    assert labelled.notes == ("passed over: 1 .txt file",)
