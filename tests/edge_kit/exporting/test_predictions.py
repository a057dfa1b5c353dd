"""Each row of an author's predictions is of one film of the folder, or counted as of none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edge_export.films.film import Film
from edge_export.proof.predictions import Predictions
from edge_kit.exporting.predictions import read_predictions
from edge_runtime.bundle.digest import sha256
from edge_runtime.errors import DataError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "hospital"
    for name in ("covid/a.png", "covid/b.png", "noncovid/c\u0301.png", "noncovid/b.png"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return root


@pytest.fixture
def films(root: Path) -> list[Film]:
    paths = sorted(root.rglob("*.png"))
    return [
        Film(path, path.parent.name, "val", path.stem, sha256(path.read_bytes())) for path in paths
    ]


def read(root: Path, films: list[Film], *lines: str) -> Predictions:
    table = root.parent / "theirs.csv"
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read_predictions(table, root, films, 0.05)


def digest(root: Path, name: str) -> str:
    return sha256((root / name).read_bytes())


def test_rows_name_films_by_path_file_or_digest_and_others_are_counted(
    root: Path, films: list[Film]
) -> None:
    one = digest(root, "covid/a.png")
    accented = digest(root, "noncovid/c\u0301.png")
    by_path = read(
        root, films, "path,probability", "covid/a.png,0.9", "noncovid/ć.png,0.25", "gone.png,1"
    )
    assert by_path == Predictions({one: 0.9, accented: 0.25}, missing=1, tolerance=0.05)
    assert read(root, films, "Path;x,Probability".replace(";", ","), r"covid\a.png,,0.9") == (
        Predictions({one: 0.9}, 0, 0.05)
    )
    assert read(root, films, "file,probability", "a.png,0.9").probability == {one: 0.9}
    assert read(root, films, "sha256,probability", f"{one.upper()},0.9").probability == {one: 0.9}


def test_logits_become_probabilities(root: Path, films: list[Film]) -> None:
    found = read(root, films, "file,logit", "a.png,0", "ć.png,-800")
    assert sorted(found.probability.values()) == [0.0, 0.5]


def test_a_copy_that_was_left_out_stands_for_the_film_that_was_kept(
    root: Path, films: list[Film]
) -> None:
    shutil.copyfile(root / "covid/a.png", root / "covid/copy.png")
    found = read(root, films, "path,probability", "covid/copy.png,0.9", "covid/a.png,0.9")
    assert found.probability == {digest(root, "covid/a.png"): 0.9}
    assert found.missing == 0


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (["path,p", "covid/a.png,0.5"], "of the columns probability, logit it has none, only path"),
        (["id,probability", "1,0.5"], "of the columns sha256, path, file it has none"),
        (["path,file,logit", "covid/a.png,a.png,1"], "it has path and file"),
        (["path,probability,logit", "covid/a.png,0.5,0"], "it has probability and logit"),
        (["path,probability", "covid/a.png,1.5"], "line 2: probability is '1.5'"),
        (["path,probability", "covid/a.png,"], "line 2: probability is ''"),
        (["path,probability", "covid/a.png,nan"], "line 2: probability is 'nan'"),
        (["path,logit", "covid/a.png,inf"], "line 2: logit is 'inf'; give a finite number"),
        (["file,probability", "b.png,0.5"], "line 2: 2 films have that name"),
        (["path,probability", "covid/a.png,0.5", "covid/a.png,0.6"], "line 3: the film has"),
        (["path,probability", "gone.png,0.5"], "none of its 1 rows is of a film in hospital"),
        (["path,probability"], "holds no prediction: it has no row"),
        ([], "holds no prediction: it has no row"),
        (
            ["path;probability", "covid/a.png;0,5"],
            "its columns are separated by semicolons; separate",
        ),
        (["path\tprobability", "covid/a.png\t0.5"], "its columns are separated by tabs"),
    ],
)
def test_what_is_no_prediction_of_one_film_is_refused_by_its_line(
    lines: list[str], problem: str, root: Path, films: list[Film]
) -> None:
    with pytest.raises(DataError) as caught:
        read(root, films, *lines)
    assert problem in str(caught.value)
    assert caught.value.cure


def test_a_file_that_is_not_there_is_named(root: Path, films: list[Film]) -> None:
    with pytest.raises(DataError, match=r"theirs\.csv: cannot be read"):
        read_predictions(root.parent / "theirs.csv", root, films, 0.02)
