"""A run on several folders finds their films again, and so does each command that needs them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edge_kit.arguments import reader_of
from edge_kit.cli import parser, run
from edge_kit.commands.export import order
from edge_kit.data.film_folders import FilmFolders
from edge_kit.exporting.predictions import read_predictions
from edge_kit.exporting.source import ExportSource, open_source
from edge_kit.training.run import read_config
from edge_runtime.errors import DataError


def opened(path: Path, *arguments: str) -> ExportSource:
    options = parser().parse_args(["export", str(path), "--int8", "--out", "m.edge", *arguments])
    return open_source(order(options), reader_of(options))


def test_an_export_finds_the_films_of_all_folders_in_the_splits_of_the_run(
    hospitals_run: Path, hospitals: FilmFolders
) -> None:
    source = opened(hospitals_run)
    assert source.data == hospitals
    names = {hospitals.name(film.path).split("/")[0] for film in source.dataset.films}
    assert names == {"north", "south"}
    assert "--data DATA --data DATA2 --out RUN" in source.made_by
    assert "--balance source" in source.made_by


def test_folders_that_were_moved_are_named_anew(
    hospitals_run: Path, hospitals: FilmFolders, tmp_path: Path
) -> None:
    data = []
    for name, path in hospitals.by_name.items():
        shutil.copytree(path, tmp_path / f"other-{name}")
        data += ["--data", str(tmp_path / f"other-{name}")]
    source = opened(hospitals_run, *data)
    expected = {film.sha256: film.split for film in opened(hospitals_run).dataset.films}
    assert {film.sha256: film.split for film in source.dataset.films} == expected
    with pytest.raises(DataError, match=r"are not here; use the data this table was written for"):
        opened(hospitals_run, *data[:2])


def test_predictions_name_films_by_folder_and_path(hospitals_run: Path, tmp_path: Path) -> None:
    source = opened(hospitals_run)
    table = tmp_path / "predictions.csv"
    film = source.dataset.films[0]
    folders = read_config(hospitals_run).folders
    table.write_text(f"path,probability\n{folders.name(film.path)},0.5\n", encoding="utf-8")
    found = read_predictions(table, folders, source.dataset.films, 0.01)
    assert found.probability == {film.sha256: 0.5}
    table.write_text("path,probability\nwest/1.png,0.5\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"none of its 1 rows is of a film in north \+ south"):
        read_predictions(table, folders, source.dataset.films, 0.01)


@pytest.mark.parametrize("order_given", [("north", "south"), ("south", "north")])
def test_an_evaluation_and_an_audit_tell_the_folders_as_sources(
    order_given: tuple[str, str],
    hospitals_run: Path,
    hospitals: FilmFolders,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data = [word for name in order_given for word in ("--data", str(hospitals.by_name[name]))]
    assert run(["evaluate", str(hospitals_run), *data]) == 0
    told = capsys.readouterr().out
    assert "source north" in told
    assert "source south" in told
    assert run(["audit", "--model", str(hospitals_run), *data]) == 0
    assert "The source of a film is guessed right in" in capsys.readouterr().out


def test_the_same_folder_twice_is_one_line(
    hospitals: FilmFolders, capsys: pytest.CaptureFixture[str]
) -> None:
    north = str(hospitals.by_name["north"])
    for command in (
        ["train", "--out", "new"],
        ["audit"],
        ["evaluate", "run"],
        ["threshold", "b.edge", "--out", "n.edge"],
        ["export", "run", "--int8", "--out", "n.edge"],
        ["ensemble", "a", "b", "--out", "n"],
    ):
        assert run([*command, "--data", north, "--data", north]) == 2
        printed = capsys.readouterr()
        assert printed.err.endswith("given twice; give each folder once\n")
        assert printed.err.count("\n") == 1
    assert run(["data", "scan", north, north, "--out", "new"]) == 2
    assert "given twice" in capsys.readouterr().err
