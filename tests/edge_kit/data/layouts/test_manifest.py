"""A manifest is written of a table that is whole and clear, or nothing is, with one line why."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_kit.data.layouts import covidx
from edge_kit.data.layouts.any_table import Columns
from edge_kit.data.layouts.manifest import sides, write_manifest
from edge_kit.data.layouts.table_film import FilmFiles, TableFilm, named
from edge_runtime.errors import CannotWrite, DataError, EdgeError, UsageError

COLUMNS = Columns(path="file", label="label")
SICK = sides("sick", "well")


def lay(root: Path, table: str | bytes, *names: str) -> Path:
    for name in names or ("a.png", "b.png"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    (root / "t.csv").write_bytes(table if isinstance(table, bytes) else table.encode())
    return root


def written(root: Path) -> list[str]:
    return (root / "manifest.csv").read_text("utf-8").splitlines()


def test_lines_that_end_as_on_windows_are_read(tmp_path: Path) -> None:
    lay(tmp_path, "\ufefffile,label\r\na.png,sick\r\nb.png,well\r\n")
    write_manifest(tmp_path, "csv", SICK, columns=COLUMNS)
    assert written(tmp_path) == [
        "path,label,finding,patient_id,split,view,modality",
        "a.png,sick,sick,,,,",
        "b.png,well,well,,,,",
    ]


def test_rows_that_say_the_same_again_are_counted(tmp_path: Path) -> None:
    lay(tmp_path, "file,label\na.png,sick\n./a.png,sick\nb.png,well\n")
    line = write_manifest(tmp_path, "csv", SICK, columns=COLUMNS)
    assert line.endswith("1 sick and 1 well, no patient is known; left out: listed again (1)")


def test_a_film_of_both_classes_is_left_out_and_counted(tmp_path: Path) -> None:
    rows = "file,label\na.png,sick\nb.png,well\nc.png,sick\nc.png,well\nc.png,sick\n"
    lay(tmp_path, rows, "a.png", "b.png", "c.png")
    line = write_manifest(tmp_path, "csv", SICK, columns=COLUMNS)
    assert line.endswith("left out: listed twice, as both classes (3)")
    assert not any("c.png" in row for row in written(tmp_path))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("file,label\n../a.png,sick\n", "t.csv line 2: path '../a.png' does not lie below the f"),
        ("file,label\n/etc/a.png,sick\n", "path '/etc/a.png' does not lie below"),
        ("file,label\nC:\\a.png,sick\n", "does not lie below the folder"),
        ("file;label\na.png;sick\n", "t.csv: has no column 'file', only file;label"),
        ("file,label\na.png,sick\n", "well (left out: files that no row names (1))"),
        (
            "file,label\na.png,sick\nx.png,well\n",
            "no row names (1), no such file, or several of th",
        ),
        ("file,label\na.png,sick\nb.png,flu\n", "well (left out: other findings (1)); name its"),
        ("", "t.csv: has no column 'file', only an empty first line"),
        (
            "file,label\nä.png,sick\n".encode("latin-1"),
            "t.csv line 2: is not UTF-8 (byte 11)",
        ),
        ("file,label\n".encode("utf-16"), "t.csv: is UTF-16, not UTF-8; save it as CSV UTF-8"),
        ('file,label\n"a.png"x,sick\n', "t.csv line 2: is not CSV ("),
        (
            "file,label\n" + "a" * 200_000 + ",sick\n",
            "t.csv line 2: is not CSV (field larger",
        ),
    ],
)
def test_what_is_not_clear_is_refused_and_nothing_written(
    tmp_path: Path, table: str | bytes, message: str
) -> None:
    lay(tmp_path, table)
    with pytest.raises(DataError) as caught:
        write_manifest(tmp_path, "csv", SICK, columns=COLUMNS)
    assert message in str(caught.value)
    assert not (tmp_path / "manifest.csv").exists()


def test_a_table_that_is_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_kit.data.table.LARGEST", 10)
    lay(tmp_path, "file,label\na.png,sick\n")
    with pytest.raises(DataError, match="are the most of a table"):
        write_manifest(tmp_path, "csv", SICK, columns=COLUMNS)


def test_a_manifest_that_is_there_stays(tmp_path: Path) -> None:
    lay(tmp_path, "file,label\na.png,sick\nb.png,well\n")
    write_manifest(tmp_path, "csv", SICK, columns=COLUMNS)
    before = written(tmp_path)
    with pytest.raises(CannotWrite, match=r"manifest.csv: exists already; delete it, or name"):
        write_manifest(tmp_path, "csv", sides("well", "sick"), columns=COLUMNS)
    assert written(tmp_path) == before


def test_a_manifest_elsewhere_says_where_it_is_read(tmp_path: Path) -> None:
    root = lay(tmp_path / "films", "file,label\na.png,sick\nb.png,well\n")
    line = write_manifest(root, "csv", SICK, tmp_path / "mine.csv", COLUMNS)
    assert line.endswith(f"; it is read as {root}/manifest.csv")


@pytest.mark.parametrize(
    ("layout", "columns", "error", "message"),
    [
        ("csv", Columns(), UsageError, "--from csv: the columns of a table have to be named; add"),
        ("nih", COLUMNS, UsageError, "--from nih: knows its columns; leave the others out"),
        ("nih", None, DataError, "holds no Data_Entry_2017*.csv; give the folder as it was"),
        ("ieee8023", None, DataError, "metadata.csv: cannot be read (No such file or directory)"),
        ("covidx", None, DataError, "holds no train*.txt"),
        ("chexpert", None, DataError, "holds no train.csv and no valid.csv; give CheXpert's own"),
        ("rsna", None, DataError, "stage_2_train_labels.csv: cannot be read"),
        ("kaggle", None, DataError, "a.png: does not lie in SPLIT/CLASS; give the folder that"),
        ("radiography", None, DataError, "a.png: does not lie in CLASS/images; give the folder"),
    ],
)
def test_a_folder_of_another_layout_is_refused(
    tmp_path: Path, layout: str, columns: Columns | None, error: type[EdgeError], message: str
) -> None:
    lay(tmp_path, "x,y\n")
    with pytest.raises(error) as caught:
        write_manifest(tmp_path, layout, SICK, columns=columns)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("positive", "negative", "message"),
    [("", "a", "--positive: names no finding"), ("a", "b,A", "--negative: 'a' is positive too")],
)
def test_two_different_classes_have_to_be_named(positive: str, negative: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        sides(positive, negative)


@pytest.mark.parametrize(
    ("positive", "uncertain", "label"),
    [
        ("Pneumonia", "", "Pneumonia"),
        ("Pneumonia No-Finding", "", "Pneumonia"),
        ("No-Finding", "", "No-Finding"),
        ("No-Finding", "Pneumonia", "uncertain labels"),
        ("No-Finding Devices", "", "other findings"),
        ("Edema", "", "other findings"),
        ("", "No-Finding", "uncertain labels"),
        ("", "", "without a finding"),
    ],
)
def test_a_film_of_several_findings_has_the_label_that_all_allow(
    positive: str, uncertain: str, label: str
) -> None:
    film = TableFilm(
        path="a.png",
        findings=tuple(map(named, positive.split())),
        uncertain=tuple(map(named, uncertain.split())),
    )
    assert label in sides("Pneumonia", "No-Finding").label(film)


def test_several_findings_make_one_class() -> None:
    chosen = sides("Edema, Pneumonia", "No Finding")
    assert (chosen.positive, chosen.negative) == ("Edema+Pneumonia", "No Finding")
    assert chosen.label(TableFilm("a", (named("edema"),))) == ("Edema+Pneumonia", "")


def test_a_name_of_several_files_finds_none_of_them(tmp_path: Path) -> None:
    lay(tmp_path, "", "x/a.png", "y/a.png", "y/b.png")
    files = FilmFiles(tmp_path)
    assert files.find("row", "a.png") == ""
    assert files.find("row", "b.png") == "y/b.png"
    assert files.find("row", "set/y/a.png") == "y/a.png"


@pytest.mark.parametrize("cell", ["x/b.png", "z/b.png", "z/c.png", "x/c.png"])
def test_a_film_of_that_name_in_another_folder_is_another_film(tmp_path: Path, cell: str) -> None:
    files = FilmFiles(lay(tmp_path, "", "x/a.png", "y/b.png", "c.png"))
    assert files.find("row", cell) == ""


def test_folders_above_the_root_are_taken_from_a_path(tmp_path: Path) -> None:
    files = FilmFiles(lay(tmp_path / "set", "", "c.png", "deep/y/b.png"))
    assert files.find("row", "mine/set/c.png") == "c.png"
    assert files.find("row", "y/b.png") == "deep/y/b.png"


def test_a_film_of_a_train_list_is_not_looked_for_among_those_of_the_test(tmp_path: Path) -> None:
    lay(tmp_path, "", "train/a.png", "test/b.png", "train/c.png")
    (tmp_path / "train.txt").write_text("1 a.png positive\n2 b.png negative\n3 c.png negative\n")
    line = write_manifest(tmp_path, "covidx", sides("positive", "negative", "covidx"))
    assert "files that no row names (1), no such file, or several of that name (1)" in line
    assert not any("b.png" in row for row in written(tmp_path))


def test_files_that_no_row_names_are_counted(tmp_path: Path) -> None:
    lay(tmp_path, "file,label\na.png,sick\nb.png,well\n", "a.png", "b.png", "c.png")
    line = write_manifest(tmp_path, "csv", SICK, columns=COLUMNS)
    assert line.endswith("left out: files that no row names (1)")


def test_cells_that_name_nobody_are_no_patients(tmp_path: Path) -> None:
    lay(tmp_path, "file,label,who\na.png,sick,nan\nb.png,well,N/A\n")
    columns = Columns(path="file", label="label", patient="who")
    line = write_manifest(tmp_path, "csv", SICK, columns=columns)
    assert line.endswith("no patient is known; nothing is left out")


def test_no_one_is_told_to_delete_what_is_no_file(tmp_path: Path) -> None:
    lay(tmp_path, "file,label\na.png,sick\nb.png,well\n")
    with pytest.raises(CannotWrite, match="exists already; name another with --out"):
        write_manifest(tmp_path, "csv", SICK, tmp_path, COLUMNS)


def test_a_cell_that_a_spreadsheet_would_compute_is_guarded(tmp_path: Path) -> None:
    table = "file,label,who\n=1+1.png,sick,=2\nb.png,well,b\n"
    lay(tmp_path, table, "=1+1.png", "b.png")
    columns = Columns(path="file", label="label", patient="who")
    write_manifest(tmp_path, "csv", SICK, columns=columns)
    assert written(tmp_path)[1] == "./=1+1.png,sick,sick,'=2,,,"


@pytest.mark.parametrize("line", ["1 a.png", "1 a.png flu cohen x", "COVID-19", "1 COVID-19"])
def test_a_line_that_is_none_of_covidx_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "train.txt").write_text(f"1 a.png normal\n{line}\n", "utf-8")
    with pytest.raises(DataError, match=r"train.txt line 2: is not 'patientid filename class"):
        [*covidx.rows(tmp_path / "train.txt")]


def test_lists_of_two_versions_are_not_mixed(tmp_path: Path) -> None:
    for name in ("train_COVIDx9A.txt", "train_COVIDx9B.txt"):
        (tmp_path / name).write_text("1 a.png positive x\n", "utf-8")
    with pytest.raises(DataError, match=r"2 of train\*.txt \(train_COVIDx9A.txt, train_COVIDx9B"):
        write_manifest(tmp_path, "covidx", SICK)


def test_file_names_with_spaces_are_read_from_covidx(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("7 a b.png COVID-19 x\n\n8 c d.png normal\n", "utf-8")
    rows = [row for _, row in covidx.rows(tmp_path / "train.txt")]
    assert rows == [("7", "a b.png", "COVID-19"), ("8", "c d.png", "normal")]


@pytest.mark.parametrize(
    ("names", "layout", "labels"),
    [
        (("Positive", "Negative"), "csv", ("Positive", "Negative")),
        (("positive", "negative"), "covidx", ("covid", "noncovid")),
        (("COVID-19", "No Finding"), "ieee8023", ("covid", "noncovid")),
        (("positive", "no covid"), "csv", ("covid", "noncovid")),
        (("sick,sick", "well"), "csv", ("sick", "well")),
    ],
)
def test_only_what_says_covid_is_called_so(
    names: tuple[str, str], layout: str, labels: tuple[str, str]
) -> None:
    chosen = sides(*names, layout)
    assert (chosen.positive, chosen.negative) == labels
