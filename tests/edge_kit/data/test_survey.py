"""A scan tells every copy with its original, and its groups hold whatever films are called."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
from PIL import Image

from copied_films import write_copied_films
from edge_kit.data.dataset import load_dataset
from edge_kit.data.groups import COLUMNS, read_groups, write_groups
from edge_kit.data.scan_report import REASONS, counts, render, write_scan
from edge_kit.data.survey import Survey, Surveyed, across_classes, survey
from edge_runtime.errors import CannotWrite, DataError
from films import write_films


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write_copied_films(tmp_path_factory.mktemp("films") / "data")
    (root / "covid/bad.png").write_bytes(b"torn")
    return root


@pytest.fixture(scope="module")
def found(root: Path) -> Survey:
    return survey(root)


def test_every_copy_is_told_with_its_original(found: Survey) -> None:
    assert {film.path: film.duplicate_of for film in found.films if film.duplicate_of} == {
        "covid/9-bytes.png": "covid/0.png",
        "normal/1.png": "normal/1-near.jpg",
        "covid/2.png": "covid/2-combined.png",
        "normal/3.png": "covid/3-turned.png",
    }


def test_the_counts_tell_copies_clusters_and_what_is_unreadable(found: Survey) -> None:
    numbers = counts(found)
    assert numbers.pop("geometric_pairs") >= 2
    assert numbers == {
        **{"films": 10, "unreadable": 1, "groups": 6, "patients": 0},
        **{"exact_pairs": 1, "near_pairs": 1, "clusters": 4, "duplicates": 4},
        **{"clusters_across_classes": 1, "clusters_across_splits": 0, "groups_across_splits": 0},
    }


def test_the_worst_cluster_comes_first(found: Survey) -> None:
    assert [film.path for film in found.clusters()[0]] == ["covid/3-turned.png", "normal/3.png"]


def test_names_and_order_of_films_change_no_group(
    found: Survey, root: Path, tmp_path: Path
) -> None:
    for number, film in enumerate(reversed(found.films)):
        path = tmp_path / film.label / f"{number}{Path(film.path).suffix}"
        path.parent.mkdir(exist_ok=True)
        shutil.copyfile(root / film.path, path)
    moved = survey(tmp_path)
    assert {(one.sha256, one.group) for one in moved.films} == {
        (one.sha256, one.group) for one in found.films
    }


def test_patients_join_clusters_and_given_splits_are_checked(root: Path, tmp_path: Path) -> None:
    for name in ("covid/0.png", "normal/1.png", "normal/1-near.jpg", "covid/4.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(root / name, tmp_path / name)
    rows = [
        "path,label,split,patient_id",
        "covid/0.png,covid,train,p",
        "normal/1.png,normal,test,p",
    ]
    rows += ["normal/1-near.jpg,normal,test,", "covid/4.png,covid,train,"]
    (tmp_path / "manifest.csv").write_text("\n".join(rows), encoding="utf-8")
    found = survey(tmp_path)
    groups = {film.path: film.group for film in found.films}
    assert groups["covid/0.png"] == groups["normal/1.png"] == groups["normal/1-near.jpg"]
    assert groups["covid/4.png"] not in {groups["covid/0.png"]}
    assert counts(found)["groups_across_splits"] == 1
    assert counts(found)["clusters_across_splits"] == 0
    assert [film.patient for film in found.films] == ["p", "", "", "p"]


def test_a_folder_without_a_readable_film_is_refused(tmp_path: Path) -> None:
    (tmp_path / "covid").mkdir()
    (tmp_path / "covid/bad.png").write_bytes(b"torn")
    with pytest.raises(DataError, match="holds no film that can be read"):
        survey(tmp_path)


def test_the_table_of_groups_is_read_as_written(found: Survey, tmp_path: Path) -> None:
    write_groups(found, tmp_path / "groups.csv")
    assert read_groups(tmp_path / "groups.csv") == {film.path: film.group for film in found.films}
    with (tmp_path / "groups.csv").open(encoding="utf-8") as file:
        assert tuple(next(csv.reader(file))) == COLUMNS


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("path,label\na,b\n", "has no column 'group'"),
        ("path,group\na,1\na,2\n", "line 3: a again; give every film one group"),
        ("path,group\na,\n", "line 2: a has no group"),
    ],
)
def test_a_damaged_table_of_groups_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "groups.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_groups(tmp_path / "groups.csv")
    assert problem in str(caught.value)


def copies_parted(root: Path, seed: int, table: Path | None) -> bool:
    films = load_dataset(root, modality="xray", seed=seed, skip_unreadable=True, groups=table).films
    of = {film.path.relative_to(root).as_posix(): film.split for film in films}
    return of["covid/2.png"] != of["covid/2-combined.png"]


def test_scanned_groups_keep_copies_together_that_hashes_part(root: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(root, data)
    (data / "covid/3-turned.png").unlink()
    write_groups(survey(data), tmp_path / "groups.csv")
    seeds = range(8)
    assert any(copies_parted(data, seed, None) for seed in seeds)
    assert not any(copies_parted(data, seed, tmp_path / "groups.csv") for seed in seeds)


def test_a_film_that_was_not_scanned_is_refused(found: Survey, root: Path, tmp_path: Path) -> None:
    write_groups(Survey(found.films[1:], {}, ()), tmp_path / "groups.csv")
    with pytest.raises(DataError, match=r"0.png: is not in .*groups.csv \(1 such film\); sca"):
        load_dataset(
            root, modality="xray", seed=0, skip_unreadable=True, groups=tmp_path / "groups.csv"
        )


def test_the_report_is_one_page_that_asks_nothing_of_a_network(found: Survey, root: Path) -> None:
    page = render(found, root)
    assert page.count("data:image/jpeg;base64,") == 8
    assert "Clusters with films of more than one class: 1." in page
    assert "covid/bad.png" in page
    assert not any(word in page for word in ("http:", "https:", "<script", "<link", "@import"))


def test_the_report_says_why_films_match_and_which_to_keep(found: Survey, root: Path) -> None:
    page = render(found, root)
    for cluster in found.clusters():
        assert {film.reason for film in cluster} <= set(REASONS)
        for film in cluster:
            assert REASONS[film.reason] in page
    marked = sum(not across_classes(cluster) for cluster in found.clusters())
    assert page.count("</span> keep</span>") == marked > 0
    assert page.count("none is marked to keep") == len(found.clusters()) - marked > 0


def test_the_film_to_keep_is_the_one_with_the_most_pixels(root: Path, tmp_path: Path) -> None:
    with Image.open(root / "covid/0.png") as film:
        for name, side in (("a.png", 100), ("b.png", 300), ("c.png", 200)):
            film.resize((side, side)).save(tmp_path / name)
    cluster = tuple(
        Surveyed(name, "covid", None, "", name, "c", "g", "", "near") for name in ("a.png", "b.png",
                                                                                 "c.png")
    )  # fmt: skip
    page = render(Survey(cluster, {}, ()), tmp_path)
    assert page.count("</span> keep</span>") == 1
    assert page.index("100 x 100") < page.index("</span> keep</span>") < page.index("300 x 300")


def test_names_of_films_are_escaped_in_the_report(root: Path) -> None:
    film = Surveyed("covid/0.png", "<b>x</b>", None, "", "d", "c", "g", "")
    page = render(Survey((film, film), {}, ()), root)
    assert "&lt;b&gt;x&lt;/b&gt;" in page
    assert "<b>x</b>" not in page


def test_a_scan_is_written_whole_or_not_at_all(
    found: Survey, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_scan(found, root, tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"report.html", "groups.csv"}
    with pytest.raises(CannotWrite, match="out: exists already; name a new folder"):
        write_scan(found, root, tmp_path / "out")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("edge_kit.data.scan_report.render", full)
    with pytest.raises(CannotWrite, match="No space left on device; check the rights and the free"):
        write_scan(found, root, tmp_path / "other")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_no_cell_of_the_groups_is_a_formula_and_each_is_given_back(tmp_path: Path) -> None:
    films = tuple(
        Surveyed(f"{start}1.png", f"{start}label", None, f"{start}id", "d", "c", f"{start}g", path)
        for start, path in zip("=+-@", ["=1.png", "", "-1.png", "a.png"], strict=True)
    )
    write_groups(Survey(films, {}, ()), tmp_path / "groups.csv")
    with (tmp_path / "groups.csv").open(newline="") as stream:
        cells = [cell for row in csv.reader(stream) for cell in row]
    assert not [cell for cell in cells if cell[:1] in set("=+-@")]
    assert read_groups(tmp_path / "groups.csv") == {film.path: film.group for film in films}


@pytest.mark.parametrize(
    ("labels", "positive", "across"),
    [
        (("normal", "negative", "lesion"), None, 1),
        (("normal", "negative", "covid"), None, 0),
        (("normal", "negative", "positive"), "covid", 0),
    ],
)
def test_normal_and_negative_are_one_class_only_where_something_says_covid(
    labels: tuple[str, str, str], positive: str | None, across: int, tmp_path: Path
) -> None:
    root = write_films(tmp_path, *labels, count=1)
    film = next((root / labels[0]).iterdir())
    shutil.copy(film, root / labels[1] / "copy.png")
    assert counts(survey(root, positive=positive))["clusters_across_classes"] == across
