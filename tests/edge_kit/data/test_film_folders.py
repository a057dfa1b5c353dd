"""Several folders have names that tell all their films apart; a single one is as it always was."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest

from edge_kit.data.collection import choose_modality, index_collection
from edge_kit.data.film_folders import FilmFolders, film_folders
from edge_runtime.errors import DataError, UsageError
from films import write_film


def made(root: Path, *names: str) -> list[Path]:
    for name in names:
        (root / name).mkdir(parents=True, exist_ok=True)
    return [root / name for name in names]


def listed(root: Path, first: int, rows: list[str]) -> Path:
    """Write a film for each row of a manifest of paths, labels, patients and sources."""
    for place, row in enumerate(rows):
        write_film(root / row.split(",")[0], first + place)
    table = "\n".join(["path,label,split,patient_id,source", *rows])
    (root / "manifest.csv").write_text(f"{table}\n", encoding="utf-8")
    return root


def test_a_single_folder_names_its_films_by_their_path_below_it(tmp_path: Path) -> None:
    (path,) = made(tmp_path, "north")
    for folders in (film_folders(path), film_folders([path])):
        assert not folders.several
        assert folders.path("covid/1.png") == path / "covid/1.png"
        assert folders.name(path / "covid/1.png") == "covid/1.png"
        assert (str(folders), folders.title, folders.stored) == (str(path), "north", str(path))


def test_films_of_several_are_named_by_their_folder_whatever_the_order(tmp_path: Path) -> None:
    paths = made(tmp_path, "south", "north", "east wing")
    found = {order: film_folders(list(order)) for order in permutations(paths)}
    assert len({str(folders.by_name) for folders in found.values()}) == 1
    folders = found[tuple(paths)]
    assert list(folders.by_name) == ["east-wing", "north", "south"]
    for path in paths:
        name = folders.name(path / "covid/1.png")
        assert folders.path(name) == path / "covid/1.png"
        assert folders.folder(name) == name.split("/")[0]
    assert folders.stored == [str(paths[2]), str(paths[1]), str(paths[0])]


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (("a/films", "b/films"), ["a-films", "b-films"]),
        (("a/films", "b/Films", "c"), ["a-films", "b-Films", "c"]),
        (("x/a/films", "y/a/films"), ["x-a-films", "y-a-films"]),
        (("a/films", "b/films", "c/a-films"), ["b-films", "c-a-films"]),
    ],
)
def test_folders_of_one_name_are_told_apart_by_those_above(
    paths: tuple[str, ...], names: list[str], tmp_path: Path
) -> None:
    folders = film_folders(made(tmp_path, *paths))
    assert len(folders.by_name) == len(paths)
    assert {*names} <= {*folders.by_name}
    assert not any("/" in name for name in folders.by_name)


def test_names_are_of_one_unicode_form(tmp_path: Path) -> None:
    composed, apart = "Universit\u00e9", "Universite\u0301"
    folders = film_folders(made(tmp_path, apart, "north"))
    assert composed in folders.by_name
    assert folders.path(f"{composed}/1.png") == tmp_path / apart / "1.png"


def test_a_folder_beside_the_one_that_we_are_in_keeps_its_own_films(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(tmp_path, "north", "south")
    monkeypatch.chdir(tmp_path / "north")
    folders = film_folders([Path(), Path("../south")])
    assert folders.name(Path("../south/1.png")) == "south/1.png"
    assert folders.name(Path("1.png")) == "north/1.png"


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (("north", "south", "north"), r"north given twice; give each folder once"),
        (("north", "south/../north"), r"are one folder; give each folder once"),
        (("north", "link"), r"are one folder; give each folder once"),
        (("north/covid", "north"), r"covid lies in .*north; give the outer folder alone"),
        (("set/train", "set/Test"), r"are splits of one folder; give .*set in their place"),
    ],
)
def test_folders_whose_films_would_be_there_twice_are_refused(
    given: tuple[str, ...], line: str, tmp_path: Path
) -> None:
    made(tmp_path, "north/covid", "south", "set/train", "set/Test")
    (tmp_path / "link").symlink_to(tmp_path / "north")
    with pytest.raises(UsageError, match=line) as refused:
        film_folders([tmp_path / name for name in given])
    assert refused.value.subject == "--data"


def test_splits_of_different_sets_may_stand_side_by_side(tmp_path: Path) -> None:
    folders = film_folders(made(tmp_path, "one/train", "two/train"))
    assert list(folders.by_name) == ["one-train", "two-train"]


def test_what_is_named_in_no_folder_is_in_none(tmp_path: Path) -> None:
    folders = film_folders(made(tmp_path, "north", "south"))
    with pytest.raises(KeyError):
        folders.path("east/1.png")
    with pytest.raises(ValueError, match="elsewhere"):
        folders.name(tmp_path / "elsewhere/1.png")
    held = folders.holding(["south/covid/1.png"])
    assert held == FilmFolders({"south": tmp_path / "south"})
    assert held.path("south/covid/1.png") == tmp_path / "south/covid/1.png"


def test_a_folder_whose_films_are_all_left_out_is_as_if_it_had_not_been_given(
    tmp_path: Path,
) -> None:
    rows = [f"{n}.png,{'covid' if n % 2 else 'normal'},,p{n},SOURCE" for n in range(8)]
    places = [
        listed(tmp_path / source, first, [row.replace("SOURCE", source) for row in rows])
        for first, source in ((0, "north"), (50, "south"))
    ]
    data = film_folders(places)
    kept = data.leaving_out(["south"])
    _, entries = choose_modality(kept, index_collection(kept).entries, "xray")
    assert len(entries) == 8
    none = data.leaving_out(["north", "south"])
    with pytest.raises(DataError, match=r"no film but those left out \(north, south\)"):
        choose_modality(none, index_collection(none).entries, "xray")
