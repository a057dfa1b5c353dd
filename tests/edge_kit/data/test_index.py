"""Folders or a manifest say class, modality and split of each film, or are refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_kit.data.index import FilmEntry, check_splits, index_films, select_modality
from edge_runtime.errors import DataError, UsageError


def lay(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def manifest(root: Path, text: str, *names: str) -> Path:
    lay(root, *names)
    (root / "manifest.csv").write_text(text, encoding="utf-8")
    return root


@pytest.mark.parametrize(
    ("name", "found", "modality", "split"),
    [
        ("covid/1.png", "covid", None, None),
        ("covid/deep/er/1.JPEG", "covid", None, None),
        ("covid/test/1.png", "covid", None, "test"),
        ("Train/COVID-19/1.png", "COVID-19", None, "train"),
        ("VALID/normal/1.png", "normal", None, "val"),
        ("ct/test/covid/1.png", "covid", "ct", "test"),
        ("test/X-ray/covid/1.png", "covid", "xray", "test"),
        ("COVID-19 Dataset/CT/Non-COVID/1.png", "Non-COVID", "ct", None),
        ("download/set/covid/1.png", "covid", None, None),
        ("flu/1.png", "flu", None, None),
    ],
)
def test_folders_tell_class_modality_and_split(
    tmp_path: Path, name: str, found: str, modality: str | None, split: str | None
) -> None:
    (entry,) = index_films(lay(tmp_path, name))
    assert entry == FilmEntry(name, found, modality, split)  # type: ignore[arg-type]


def test_a_wrapper_is_only_what_all_films_share(tmp_path: Path) -> None:
    entries = index_films(lay(tmp_path, "set/flu/1.png", "set/normal/1.png"), positive="flu")
    assert [entry.class_name for entry in entries] == ["flu", "normal"]


def test_the_positive_class_is_no_wrapper(tmp_path: Path) -> None:
    entries = index_films(lay(tmp_path, "flu/a/1.png", "flu/b/1.png"), positive="Flu")
    assert {entry.class_name for entry in entries} == {"flu"}


def test_a_folder_named_after_a_modality_is_of_it(tmp_path: Path) -> None:
    entries = index_films(lay(tmp_path / "CT", "covid/1.png", "normal/1.png"))
    assert {entry.modality for entry in entries} == {"ct"}


def test_what_is_no_film_is_passed_over(tmp_path: Path) -> None:
    films = ["covid/1.png", "normal/1.png"]
    others = ["Thumbs.db", "covid/.DS_Store", "covid/._1.png", "normal/notes.txt", "x.csv"]
    lay(tmp_path, *films, *others, ".cache/covid/2.png", "covid/masks/1.png")
    assert [entry.name for entry in index_films(tmp_path)] == films


def test_films_are_sorted_by_posix_path(tmp_path: Path) -> None:
    names = ["covid/10.png", "covid/9.png", "covid/a/1.png", "covid-19/1.png", "normal/1.png"]
    entries = index_films(lay(tmp_path, *reversed(names)))
    assert [entry.name for entry in entries] == sorted(names)


def test_linked_folders_are_followed_but_never_around(tmp_path: Path) -> None:
    elsewhere, root = lay(tmp_path / "elsewhere", "1.png"), tmp_path / "data"
    lay(root, "normal/1.png", "covid/2.png")
    (root / "covid" / "linked").symlink_to(elsewhere)
    (root / "covid" / "loop").symlink_to(root / "normal")
    (root / "normal" / "loop").symlink_to(root / "covid")
    (root / "normal" / "up").symlink_to(tmp_path)
    (elsewhere / "self").symlink_to(elsewhere)
    names = [entry.name for entry in index_films(root)]
    assert "covid/linked/1.png" in names
    assert max(name.count("/") for name in names) == 3


def test_a_manifest_tells_class_modality_split_and_ids(tmp_path: Path) -> None:
    text = (
        "\ufeffPath, label,split,patient_id,group_id,age\n"
        "xray/b.png,covid,Train,p1,g1,70\n"
        "xray\\a.png,normal,val,,nan,\n"
    )
    assert index_films(manifest(tmp_path, text, "xray/a.png", "xray/b.png")) == (
        FilmEntry("xray/a.png", "normal", "xray", "val"),
        FilmEntry("xray/b.png", "covid", "xray", "train", ("patient_id p1", "group_id g1")),
    )


def test_other_is_a_modality_where_it_is_said_and_a_class_where_it_is_a_folder(
    tmp_path: Path,
) -> None:
    text = "path,label,modality\na.png,covid,other\nother/b.png,covid,\n"
    entries = index_films(manifest(tmp_path / "listed", text, "a.png", "other/b.png"))
    assert [entry.modality for entry in entries] == ["other", None]
    folders = tmp_path / "folders"
    lay(folders, "covid/a.png", "other/b.png")
    entries = index_films(folders)
    assert [(entry.class_name, entry.modality) for entry in entries] == [
        ("covid", None), ("other", None),
    ]  # fmt: skip


def test_a_modality_column_goes_before_the_path(tmp_path: Path) -> None:
    text = "path,label,modality\nxray/a.png,covid,CT\nb.png,covid,\n"
    entries = index_films(manifest(tmp_path, text, "xray/a.png", "b.png"))
    assert [entry.modality for entry in entries] == [None, "ct"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "manifest.csv: has no column 'path', only an empty first line; write the columns"),
        ("path;label\n", "manifest.csv: has no column 'path', only path;label; write"),
        ("path,class\n", "manifest.csv: has no column 'label', only path, class; write"),
        ("path,label\n", "holds no films; give a manifest.csv"),
        ("path,label\na.png\n", "line 2: has no label; give"),
        ("path,label\n,covid\n", "line 2: path '' is not below the folder; give"),
        ("path,label\n.,covid\n", "line 2: path '.' is not below the folder"),
        ("path,label\n../a.png,covid\n", "line 2: path '../a.png' is not below"),
        ("path,label\nx\\..\\..\\a.png,covid\n", "is not below the folder"),
        ("path,label\n/etc/passwd,covid\n", "path '/etc/passwd' is not below"),
        ("path,label\nC:\\a.png,covid\n", "is not below the folder"),
        (f"path,label\n{'a' * 5000},covid\n", "line 2: has a path of 5000 characters; check"),
        ("path,label\nb.png,covid\n", "b.png: is no file, but line 2 of manifest.csv lists it"),
        ("path,label\na.png,covid\n./a.png,covid\n", "line 3: a.png again; list films once"),
        ("path,label,split\na.png,covid,eval\n", "line 2: unknown split 'eval'; use train, val"),
        ("path,label,modality\na.png,covid,mri\n", "line 2: unknown modality 'mri'; use xray"),
        ('path,label\n"a.png"x,covid\n', "manifest.csv line 2: is not CSV ("),
    ],
)
def test_a_bad_manifest_is_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        index_films(manifest(tmp_path, text, "a.png"))
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path))


def test_a_manifest_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_bytes("path,label\nä.png,covid\n".encode("latin-1"))
    with pytest.raises(
        DataError, match=r"manifest.csv line 2: is not UTF-8 \(byte 11\); save it as"
    ):
        index_films(tmp_path)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "holds no films; give a manifest.csv or class folders with .bmp, .dcm"),
        (["covid/1.txt"], "holds no films"),
        (["1.png", "covid/1.png"], "1.png: is in no class folder; move it into one"),
        (["train/1.png", "train/covid/1.png"], "1.png: is in no class folder"),
    ],
)
def test_a_folder_without_classes_is_refused(
    tmp_path: Path, names: list[str], message: str
) -> None:
    with pytest.raises(DataError) as caught:
        index_films(lay(tmp_path, *names))
    assert message in str(caught.value)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no-such: is no folder; give the folder that holds"):
        index_films(tmp_path / "no-such")


XRAY, CT = FilmEntry("a", "covid", "xray", None), FilmEntry("b", "covid", "ct", None)
PLAIN = FilmEntry("c", "covid", None, None)


@pytest.mark.parametrize(
    ("entries", "wanted", "modality", "count"),
    [
        ([XRAY, CT, CT], "xray", "xray", 1),
        ([XRAY, CT, CT], "ct", "ct", 2),
        ([CT, CT], None, "ct", 2),
        ([PLAIN], "xray", "xray", 1),
        ([PLAIN], "ct", "ct", 1),
        ([PLAIN], "other", "other", 1),
    ],
)
def test_one_modality_is_chosen(
    entries: list[FilmEntry], wanted: str | None, modality: str, count: int
) -> None:
    chosen, kept = select_modality(Path("data"), entries, wanted)
    assert (chosen, len(kept)) == (modality, count)


@pytest.mark.parametrize(
    ("entries", "wanted", "error", "message"),
    [
        ([XRAY, CT, CT], None, UsageError, "data: holds ct (2), xray (1); choose one"),
        ([XRAY], "mri", UsageError, "--modality: 'mri' is not known; choose xray, ct or"),
        ([PLAIN], None, UsageError, "data: neither its folders nor a manifest say what the films"),
        ([XRAY], "ct", DataError, "data: holds no ct, only xray (1); choose that"),
        ([XRAY, PLAIN], None, DataError, "data/c: has no modality, others have; mark"),
    ],
)
def test_several_or_absent_modalities_are_refused(
    entries: list[FilmEntry], wanted: str | None, error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        select_modality(Path("data"), entries, wanted)
    assert message in str(caught.value)


TRAIN = FilmEntry("a", "covid", None, "train", ("patient_id 7", "group_id 1"))


def test_given_splits_that_do_not_cover_are_refused() -> None:
    message = r"data/b: is in no split \(1 such films\), others are; give"
    with pytest.raises(DataError, match=message):
        check_splits(Path("data"), [TRAIN, FilmEntry("b", "x", None, None)])


def test_splits_without_train_are_refused() -> None:
    with pytest.raises(DataError, match="data: has only test films; add train films"):
        check_splits(Path("data"), [FilmEntry("b", "x", None, "test")])


def test_a_cell_with_a_byte_that_is_0_is_refused_by_its_line(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_bytes(b"path,label\na.png\0,covid\n")
    with pytest.raises(DataError, match=r"manifest.csv line 2: holds a byte that is 0; save it"):
        index_films(tmp_path)
