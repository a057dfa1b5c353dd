"""An answer is the same however it is asked for, and no number where there is none."""

from __future__ import annotations

import csv
import hashlib
import json
import sys
from pathlib import Path

import pytest
from PIL import Image

from command_lines import Captured, complaints, rows
from dicom_films import dicom_film
from edge_runtime.bundle.pack import unpack
from edge_runtime.cli import run
from edge_runtime.commands.classify import NOTICE
from tiny_bundle import ONNX, TFLITE, film_array, write_film, write_tiny_bundle
from tiny_graphs import onnx_graph, tflite_graph

pytestmark = pytest.mark.usefixtures("own_signals", "no_bundle_of_this_user")


def test_zip_and_folder_give_the_same_answers(
    tiny: Path, film: Path, tmp_path: Path, capsys: Captured
) -> None:
    unpack(tiny, tmp_path / "folder")
    answers = []
    for path in (tiny, tmp_path / "folder"):
        assert run(["classify", str(film), "--bundle", str(path), "--format", "json"]) == 0
        answers.append({**json.loads(capsys.readouterr().out), "milliseconds": None})
    assert answers[0] == answers[1]
    assert answers[0]["status"] == "ok"


def test_a_film_that_was_half_copied_is_judged_once_it_is_whole(
    tiny: Path, film: Path, tmp_path: Path
) -> None:
    whole, path = film.read_bytes(), tmp_path / "results.csv"
    line = ["classify", str(film), "--bundle", str(tiny), "--resume", str(path)]
    film.write_bytes(whole[: len(whole) // 2] + bytes(len(whole) - len(whole) // 2))
    assert run(line) == run(line) == 5
    film.write_bytes(whole)
    assert run(line) == run(line) == 0
    with path.open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["status"], row["bytes"]) == ("ok", str(len(whole)))
    assert row["sha256"] == hashlib.sha256(whole).hexdigest()


def test_a_film_that_lacked_a_decoder_is_judged_once_there_is_one(
    tiny: Path, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    film, path = tmp_path / "film.dcm", tmp_path / "results.csv"
    film.write_bytes(dicom_film(film_array()))
    line = ["classify", str(film), "--bundle", str(tiny), "--resume", str(path)]
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "edge_runtime.film.dicom.read", None)
        assert run(line) == 5
    with path.open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["status"], row["refusal"]) == ("error", "")
    assert "pydicom" in row["problem"]
    assert run(line) == 0
    assert "1 films answered" in capsys.readouterr().err
    with path.open(newline="") as stream:
        assert [row["status"] for row in csv.DictReader(stream)] == ["ok"]


def test_a_graph_that_answers_no_number_is_a_row_and_never_a_number(
    film: Path, tmp_path: Path, capsys: Captured
) -> None:
    graphs = {
        TFLITE: tflite_graph(scale=float("nan")),
        ONNX: onnx_graph(scale=float("nan")),
    }
    path = write_tiny_bundle(tmp_path / "m.edge", graphs=graphs)
    for engine in ("litert", "litert-python", "onnxruntime"):
        options = ["--bundle", str(path), "--format", "json", "--engine", engine]
        assert run(["classify", str(film), *options]) == 5
        row = json.loads(capsys.readouterr().out)
        assert (row["status"], row["logit"], row["probability"]) == ("error", None, None)
        assert row["engine"] == engine


def test_the_answers_do_not_depend_on_the_number_of_threads(
    tiny: Path, tmp_path: Path, capsys: Captured
) -> None:
    for seed in range(12):
        write_film(tmp_path / f"{seed:02}.png", seed)
    (tmp_path / "05.png").write_bytes(b"no film")
    found = []
    for threads in ([], ["--threads", "1"], ["--threads", "2"], ["--threads", "5"]):
        options = ["--bundle", str(tiny), "--format", "json", *threads]
        assert run(["classify", str(tmp_path), *options]) == 5
        found.append([{**row, "milliseconds": None} for row in rows(capsys)])
    assert [row["file"] for row in found[0]] == [f"{tmp_path}/{seed:02}.png" for seed in range(12)]
    assert len({row["logit"] for row in found[0]}) == 12
    assert all(one == found[0] for one in found)


def test_one_film_or_one_thread_starts_no_thread(
    tiny: Path, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_thread(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("threading.Thread.start", no_thread)
    assert run(["classify", str(film.parent), "--bundle", str(tiny)]) == 0
    write_film(film.parent / "second.png")
    assert run(["classify", str(film.parent), "--bundle", str(tiny), "--threads", "1"]) == 0


def test_a_wider_band_makes_films_uncertain_and_a_narrower_one_changes_nothing(
    tiny: Path, film: Path, capsys: Captured
) -> None:
    labels = []
    for band in ([], ["--band", "0"], ["--band", "0.5"]):
        assert run(["classify", str(film), "--bundle", str(tiny), "--format", "json", *band]) == 0
        (row,) = rows(capsys)
        labels.append(row["label"])
        assert row["threshold"] == 0.5
    assert labels == ["covid", "covid", "uncertain"]


def test_a_heatmap_is_drawn_of_an_answer_and_of_nothing_else(
    tiny: Path, film: Path, tmp_path: Path, capsys: Captured
) -> None:
    out = tmp_path / "map.png"
    options = ["--bundle", str(tiny), "--heatmap", str(out)]
    blank = tmp_path / "blank.png"
    Image.new("L", (100, 100), 7).save(blank)
    assert run(["classify", str(blank), *options]) == 5
    (complaint,) = complaints(capsys)
    assert complaint == f"edge-run: {out}: not drawn, because the film has no answer"
    assert not out.exists()
    assert run(["classify", str(film), *options]) == 0
    said = capsys.readouterr()
    assert [line.split()[0] for line in said.out.splitlines()] == ["answer", "covid"]
    assert out.read_bytes().startswith(b"\x89PNG")


def test_a_resumed_run_writes_rows_to_its_file_and_a_summary_to_stderr(
    tiny: Path, tmp_path: Path, capsys: Captured
) -> None:
    films, path = tmp_path / "films", tmp_path / "results.csv"
    films.mkdir()
    for seed in range(5):
        write_film(films / f"{seed}.png", seed)
    arguments = ["classify", str(films), "--bundle", str(tiny), "--resume", str(path)]
    assert run(arguments) == 0
    said = capsys.readouterr()
    assert said.out == ""
    (summary,) = (line for line in said.err.splitlines() if line != NOTICE)
    assert summary == (f"edge-run: {path}: 5 films answered, 0 refused, 0 not read, 0 done before")
    (films / "5.png").write_bytes(b"no film")
    for done in (
        "0 films answered, 1 refused, 0 not read, 5",
        "0 films answered, 0 refused, 0 not read, 6",
    ):
        assert run(arguments) == 5  # as of one run that was not interrupted
        (summary,) = complaints(capsys)
        assert done in summary
    with path.open(newline="") as stream:
        found = [(row["file"], row["status"]) for row in csv.DictReader(stream)]
    assert found == [
        (str(films / f"{seed}.png"), "refused" if seed == 5 else "ok") for seed in range(6)
    ]
