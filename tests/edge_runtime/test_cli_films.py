"""Every film that a line, a folder or a list names has its row, whatever its name."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path

import pytest

from command_lines import Captured, complaints, rows
from edge_runtime.cli import run
from edge_runtime.commands.classify import NOTICE
from tiny_bundle import write_film

pytestmark = pytest.mark.usefixtures("own_signals", "no_bundle_of_this_user")


def test_one_bad_film_leaves_with_5_and_the_others_are_answered(
    tiny: Path, film: Path, tmp_path: Path, capsys: Captured
) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no film")
    films = [film, text, film, tmp_path / "none.png", film]
    assert run(["classify", *map(str, films), "--bundle", str(tiny), "--format", "json"]) == 5
    said = capsys.readouterr()
    rows = [json.loads(line) for line in said.out.splitlines()]
    assert [row["status"] for row in rows] == ["ok", "refused", "ok", "error", "ok"]
    assert [row["file"] for row in rows] == list(map(str, films))
    assert said.err == f"{NOTICE}\n"


def test_films_read_in_processes_have_the_same_rows(
    tiny: Path, tmp_path: Path, capsys: Captured
) -> None:
    films = [write_film(tmp_path / f"{seed}.png", seed) for seed in range(5)]
    films[2].write_bytes(films[2].read_bytes()[:900])
    command = ["classify", str(tmp_path), "--bundle", str(tiny), "--format", "json"]
    found = []
    for option in ([], ["--isolated"], ["--isolated", "--threads", "1"]):
        assert run([*command, *option]) == 5
        read = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        found.append([{**row, "milliseconds": 0} for row in read])
    assert [row["status"] for row in found[0]] == ["ok", "ok", "refused", "ok", "ok"]
    assert found[0] == found[1] == found[2]


def test_a_folder_gives_a_row_for_each_file_and_an_empty_one_a_complaint(
    tiny: Path, tmp_path: Path, capsys: Captured
) -> None:
    folder = tmp_path / "films"
    for name in ("b.png", "sub/a.png", ".hidden.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_film(folder / name)
    options = ["--bundle", str(tiny), "--format", "csv"]
    assert run(["classify", str(folder), *options]) == 0
    rows = capsys.readouterr().out.splitlines()[1:]
    assert [row.split(",")[0] for row in rows] == [
        f'"{folder / name}"' for name in (".hidden.png", "b.png", "sub/a.png")
    ]
    (tmp_path / "empty").mkdir()
    assert run(["classify", str(tmp_path / "empty"), str(folder), *options]) == 5
    (complaint,) = complaints(capsys)
    assert "empty: holds no films" in complaint


@pytest.mark.parametrize(
    "layout", ["{}\n{}\n", "{}\n{}", "{}\r\n{}\r\n", "\n\n{}\n\n{}\n\n", "\ufeff{}\r\n{}"]
)
def test_a_list_of_files_is_read_whatever_its_line_ends(
    layout: str, tiny: Path, film: Path, tmp_path: Path, capsys: Captured
) -> None:
    second = write_film(tmp_path / "Übersicht 2.png")
    listing = tmp_path / "list.txt"
    listing.write_bytes(layout.format(film, second).encode())
    options = ["--bundle", str(tiny), "--format", "json", "--files-from", str(listing)]
    assert run(["classify", *options]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["file"] for row in rows] == [str(film), str(second)]


@pytest.mark.parametrize("option", ["-0", "--null"])
def test_a_list_with_nul_is_read_as_find_writes_it(
    option: str, tiny: Path, tmp_path: Path, capsys: Captured
) -> None:
    films = [write_film(tmp_path / name) for name in ("new\nline.png", '"quoted".png', " a ")]
    listing = tmp_path / "list"
    listing.write_bytes(b"".join(os.fsencode(film) + b"\0" for film in films))
    options = ["--bundle", str(tiny), "--format", "json", "--files-from", str(listing)]
    assert run(["classify", option, *options]) == 0
    assert [row["file"] for row in rows(capsys)] == list(map(str, films))


def test_a_list_without_a_film_leaves_with_2_after_the_films_beside_it(
    tiny: Path, film: Path, tmp_path: Path, capsys: Captured
) -> None:
    listing = tmp_path / "list"
    listing.write_bytes(b"\r\n\n")
    options = ["--bundle", str(tiny), "--files-from", str(listing)]
    for films in ([], [str(film)]):
        assert run(["classify", *films, *options]) == 2
        (complaint,) = complaints(capsys)
        assert "list: names no film; give a text file with one path a line" in complaint


def test_no_name_is_a_formula_in_a_csv_and_json_has_it_as_it_is(
    tiny: Path, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = ["=1+1.png", "+a.png", "-a.png", "@a.png", "\ta.png", "\ra.png", "'=a.png", "a=.png"]
    for name in names:
        write_film(tmp_path / name)
    line = ["classify", "--bundle", str(tiny), "--format"]
    assert run([*line, "json", "--", *names]) == 0
    assert [row["file"] for row in rows(capsys)] == names
    assert run([*line, "csv", "--", *names]) == 0
    found = [
        row["file"] for row in csv.DictReader(io.StringIO(capsys.readouterr().out, newline=""))
    ]
    assert found == [f"./{name}" for name in names[:6]] + names[6:]
    assert all(Path(name).is_file() for name in found)
    for tried in (len(names), 0):
        assert run([*line[:3], "--resume", "r.csv", "--", *names]) == 0
        assert f"r.csv: {tried} films answered" in capsys.readouterr().err


def test_what_systems_leave_in_folders_is_one_line_and_changes_no_status(
    tiny: Path, tmp_path: Path, capsys: Captured
) -> None:
    films = tmp_path / "films"
    for name in ("a/Thumbs.db", "a/README.txt", "@eaDir/thumb.jpg", "a/._a.png", "b/notes.CSV"):
        (films / name).parent.mkdir(parents=True, exist_ok=True)
        (films / name).write_bytes(b"no film")
    write_film(films / "a" / "a.png")
    write_film(films / "b" / "IM000001")
    line = (
        "edge-run: passed over in folders: 2 system files, 1 system folder, 2 text files; "
        "a file that is named itself is judged"
    )
    options = ["--bundle", str(tiny), "--format", "csv"]
    assert run(["classify", str(films), *options]) == 0
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 3
    assert said.err.splitlines() == [NOTICE, line]
    results = tmp_path / "results.csv"
    assert run(["classify", str(films), "--bundle", str(tiny), "--resume", str(results)]) == 0
    assert complaints(capsys)[0] == line
    assert len(results.read_text().splitlines()) == 3
    # A file that is named itself gets its row.
    assert run(["classify", str(films / "b" / "notes.CSV"), *options]) == 5
    assert '"unreadable"' in capsys.readouterr().out
    for name in ("a/a.png", "b/IM000001"):
        (films / name).unlink()
    assert run(["classify", str(films), *options]) == 5
    assert complaints(capsys) == [f"edge-run: {films}: holds no films; name another folder", line]
