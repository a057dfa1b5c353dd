"""An archive is answered as edge-run answers its films, each film once, refusals being rows."""

from __future__ import annotations

import csv
import json
import os
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from archives import Archive, lasting, rows_of, run_score
from edge_kit.scoring import executor
from edge_kit.scoring.manifest import read_manifest
from edge_kit.scoring.process import Setup
from edge_runtime.answer.classify import FIELDS
from edge_runtime.errors import EdgeError
from tiny_bundle import edge_run, write_film


def typed(cell: str, kind: pa.DataType) -> object:
    if cell == "":
        return None
    return {pa.float64(): float, pa.int64(): int}.get(kind, str)(cell)


def test_the_rows_are_those_of_classify_as_typed_columns(archive: Archive) -> None:
    said = edge_run("classify", archive.folder, "--bundle", archive.bundle, "--format", "csv")
    schema = pq.read_schema(archive.out / "results" / "part-00000.parquet")
    assert schema.names == [*FIELDS, "file_bytes"]
    cells = csv.DictReader(said.stdout.splitlines())
    expected = [{n: typed(v, schema.field(n).type) for n, v in row.items()} for row in cells]
    rows = lasting(rows_of(archive.out))
    assert lasting(expected) == [
        {name: row[name] for name in row if name in FIELDS} for row in rows
    ]
    assert [row["file"] for row in rows] == list(map(str, archive.films))
    assert sum(row["status"] == "refused" for row in rows) == 1


def test_answers_are_bound_to_the_bundle_and_the_manifest(archive: Archive) -> None:
    index = json.loads((archive.out / "index.json").read_bytes())
    manifest = json.loads((archive.out / "manifest" / "index.json").read_bytes())
    assert index["manifest_sha256"] == manifest["sha256"]
    for part in index["parts"]:
        metadata = pq.read_schema(archive.out / part["file"]).metadata
        assert metadata[b"edge_kit.bundle"].decode() == index["bundle_sha256"]
        assert metadata[b"edge_kit.manifest"].decode() == manifest["sha256"]
        assert int(metadata[b"edge_kit.part"]) == part["part"]


def test_a_list_and_a_parquet_of_the_paths_give_the_same_rows(
    archive: Archive, tmp_path: Path
) -> None:
    (tmp_path / "list.txt").write_text("".join(f"{path}\n" for path in archive.films))
    names = list(map(str, archive.films))
    table = pa.table(
        {"path": names, "site": ["s"] * len(names), "month": ["20240305"] * len(names)}
    )
    pq.write_table(table, tmp_path / "paths.parquet")
    for source in ("list.txt", "paths.parquet"):
        out = tmp_path / f"{source}.out"
        done = run_score(tmp_path / source, "--bundle", archive.bundle, "--out", out)
        assert done.returncode == 0, done.stderr
        assert lasting(rows_of(out)) == lasting(rows_of(archive.out))
    summary = json.loads((out / "summary.json").read_bytes())
    assert [row["name"] for row in summary["months"]] == ["2024-03"]


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes are Linux's")
def test_a_film_of_any_name_has_its_row_and_the_bytes_of_its_name(
    archive: Archive, tmp_path: Path
) -> None:
    names = [b"a\nb.png", b"=1+1.png", b"caf\xe9.png", "d\u202ee.png".encode()]
    (tmp_path / "films").mkdir()
    for name in names:
        write_film(tmp_path / "films" / os.fsdecode(name))
    done = run_score(tmp_path / "films", "--bundle", archive.bundle, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    rows = rows_of(tmp_path / "out")
    assert {row["status"] for row in rows} == {"ok"}
    known = [row["file_bytes"] or row["file"].encode() for row in rows]
    assert sorted(map(os.path.basename, known)) == sorted(names)
    assert [row["file_bytes"] is not None for row in rows].count(True) == 1


def test_a_film_that_went_after_it_was_listed_is_a_row_of_its_own(
    archive: Archive, tmp_path: Path
) -> None:
    folder = folder_of(tmp_path / "films")
    films = [write_film(folder / f"{name}.png") for name in "abc"]
    listed = run_score("manifest", folder, "--out", tmp_path / "manifest")
    assert listed.returncode == 0, listed.stderr
    films[1].unlink()
    write_film(folder / "new.png")
    done = run_score(tmp_path / "manifest", "--bundle", archive.bundle, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    rows = rows_of(tmp_path / "out")
    assert [(Path(row["file"]).name, row["status"]) for row in rows] == [
        ("a.png", "ok"), ("b.png", "error"), ("c.png", "ok"),
    ]  # fmt: skip


def test_films_that_could_not_be_read_are_tried_again_where_it_is_said(
    archive: Archive, tmp_path: Path
) -> None:
    here, away = write_film(tmp_path / "a.png"), tmp_path / "b.png"
    (tmp_path / "list.txt").write_text(f"{here}\n{away}\n")
    order = (tmp_path / "list.txt", "--bundle", archive.bundle, "--out", tmp_path / "out")
    assert run_score(*order).returncode == 0
    write_film(away)
    assert run_score(*order, "--resume").returncode == 0
    assert [row["status"] for row in rows_of(tmp_path / "out")] == ["ok", "error"]
    assert run_score(*order, "--resume", "--again").returncode == 0
    assert [row["status"] for row in rows_of(tmp_path / "out")] == ["ok", "ok"]


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        pytest.param(["nowhere", "--bundle", "B"], 2, "nowhere: No such file", id="no source"),
        pytest.param(["films"], 2, "needs a --bundle", id="no bundle"),
        pytest.param(["films", "--bundle", "films"], 3, "films", id="no bundle at all"),
        pytest.param(["empty", "--bundle", "B"], 2, "holds no film", id="no film"),
        pytest.param(["films", "--bundle", "B", "--shard", "2/2"], 2, "i from 0", id="shard"),
        pytest.param(["films", "--bundle", "B", "--again"], 2, "--resume", id="again"),
        pytest.param(["films", "a", "--bundle", "B"], 2, "one SOURCE", id="two sources"),
        pytest.param(["odd.parquet", "--bundle", "B"], 2, "no column `path`", id="no column"),
        pytest.param(["numbers.parquet", "--bundle", "B"], 2, "that is no text", id="numbers"),
        pytest.param(["nameless.parquet", "--bundle", "B"], 2, "without a path", id="no name"),
        pytest.param(["torn.parquet", "--bundle", "B"], 2, "no whole Parquet", id="torn"),
        pytest.param(["nope://x/y", "--bundle", "B"], 2, "nope", id="no such store"),
        pytest.param(["s3://a:b@c/d", "--bundle", "B"], 2, "holds a password", id="a password"),
    ],
)
def test_what_cannot_be_scored_is_one_line(
    archive: Archive, tmp_path: Path, arguments: list[str], status: int, words: str
) -> None:
    (tmp_path / "films").symlink_to(archive.folder)
    (tmp_path / "B").symlink_to(archive.bundle)
    (tmp_path / "empty").mkdir()
    pq.write_table(pa.table({"x": [1]}), tmp_path / "odd.parquet")
    pq.write_table(pa.table({"path": [1]}), tmp_path / "numbers.parquet")
    pq.write_table(pa.table({"path": [None, "x"]}), tmp_path / "nameless.parquet")
    (tmp_path / "torn.parquet").write_bytes(b"PAR1 and no more")
    there = {name: str(tmp_path / name) for name in ("films", "B", "empty")}
    files = ("odd", "torn", "numbers", "nameless")
    there |= {f"{name}.parquet": str(tmp_path / f"{name}.parquet") for name in files}
    there["nowhere"] = str(tmp_path / "nowhere")
    named = [there.get(word, word) for word in arguments]
    done = run_score(*named, "--out", tmp_path / "out")
    lines = [line for line in done.stderr.splitlines() if line.startswith("edge-kit: ")]
    assert (done.returncode, len(lines)) == (status, 1), done.stderr
    assert words in lines[0]
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out" / "index.json").exists()


def test_an_empty_folder_is_refused_as_often_as_it_is_named(
    archive: Archive, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    order = (tmp_path / "empty", "--bundle", archive.bundle, "--out", tmp_path / "out")
    for more in ([], ["--resume"]):
        done = run_score(*order, *more)
        assert (done.returncode, "holds no film" in done.stderr) == (2, True)


def test_results_within_the_films_are_refused_before_anything_is_written(
    archive: Archive, tmp_path: Path
) -> None:
    folder = folder_of(tmp_path / "films")
    write_film(folder / "a.png", seed=1)
    for action, place in (([], "scored"), ([], "."), (["manifest"], "listed")):
        done = run_score(*action, folder, "--bundle", archive.bundle, "--out", folder / place)
        assert (done.returncode, "whose films are listed" in done.stderr) == (2, True)
    assert [path.name for path in folder.iterdir()] == ["a.png"]


def folder_of(path: Path) -> Path:
    path.mkdir()
    return path


def test_a_worker_that_the_system_gives_nothing_is_one_line(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: Setup) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(executor, "Worker", refused)
    processes = executor.Processes(Setup("b", "i", "auto", "r", "m"), 2)
    parts = read_manifest(archive.out / "manifest")
    with pytest.raises(EdgeError) as caught:
        list(processes.run([parts.part(0), parts.part(1)]))
    processes.close()
    assert str(caught.value).startswith("worker: cannot go on (Too many open files); give")
