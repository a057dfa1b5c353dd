"""Every command line ends with a documented status, one line for each complaint, no traceback."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import shutil
import sys
from importlib import import_module
from pathlib import Path

import pytest
from PIL import Image

from dicom_films import dicom_film
from edge_runtime import cli
from edge_runtime.bundle.pack import unpack
from edge_runtime.cli import USAGE, run
from edge_runtime.commands.classify import NOTICE
from edge_runtime.console import Terminated
from edge_runtime.engines import EngineUnavailable
from tiny_bundle import ONNX, TFLITE, film_array, write_film, write_tiny_bundle
from tiny_graphs import onnx_graph, tflite_graph

pytestmark = pytest.mark.usefixtures("own_signals")
Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def no_bundle_of_this_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDGE_BUNDLE", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "data"))


def complaints(captured: Captured) -> list[str]:
    """Return the lines on stderr, the notice apart, which may be there once."""
    lines = captured.readouterr().err.splitlines()
    assert lines.count(NOTICE) <= 1
    assert not any(line.startswith("Traceback") for line in lines)
    return [line for line in lines if line != NOTICE]


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["help"]])
def test_help_lists_the_commands_on_stdout(arguments: list[str], capsys: Captured) -> None:
    assert run(arguments) == 0
    assert capsys.readouterr() == (USAGE, "")
    assert all(f"\n  {command} " in USAGE for command in cli.COMMANDS)
    assert all(f"{status} " in USAGE for status in (0, 1, 2, 3, 4, 5, 6, 7, 9, 10))


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_each_command_has_a_help_of_its_own(command: str, capsys: Captured) -> None:
    module = import_module(f"edge_runtime.commands.{command}")
    for option in ("--help", "-h"):
        assert run([command, option, "whatever"]) == 0
        assert capsys.readouterr() == (module.USAGE, "")
    assert module.USAGE.startswith(f"usage: edge-run {command}")
    assert all(f"--{option.rstrip('=')}" in module.USAGE for option in module.OPTIONS)


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_help_of_a_command_is_that_commands_help(command: str, capsys: Captured) -> None:
    usage = import_module(f"edge_runtime.commands.{command}").USAGE
    for line in (["help", command], ["--help", command], ["help", "-h", command, "more"]):
        assert run(line) == 0
        assert capsys.readouterr() == (usage, "")
    for line in (["help"], ["--help"], ["-h"], ["help", "help"], ["help", "--help"]):
        assert run(line) == 0
        assert capsys.readouterr() == (USAGE, "")
    assert run(["help", "clasify"]) == 2
    (complaint,) = complaints(capsys)
    assert "no command is called 'clasify'; one of: classify," in complaint


@pytest.mark.parametrize("text", [USAGE, *(import_module(f"edge_runtime.commands.{command}").USAGE
                                           for command in cli.COMMANDS)])  # fmt: skip
def test_help_fits_a_terminal(text: str) -> None:
    assert all(len(line) <= 80 for line in text.splitlines())
    assert len(text.splitlines()) <= 30
    assert text.endswith("\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "no command given"),
        (["clasify", "film.png"], "no command is called 'clasify'; one of: classify, info, check,"),
        (["--bundle", "m.edge"], "no command is called '--bundle'"),
        (["classify"], "no film given"),
        (["classify", "film.png", ""], "no film given"),
        (["classify", "film.png", "--heatmap", "film.jpg"], "'film.jpg' is no name of a PNG"),
        (["classify", "film.png", "--heatmap", "{tiny}"], "is no name of a PNG"),
        (["classify", "--flag", "film.png"], "option --flag not recognized"),
        (["classify", "film.png", "--format"], "option --format requires a value"),
        (["classify", "film.png", "--format", "xml"], "'xml' is not known; one of: table, json"),
        (["info", "--engine", "litert"], "option --engine not recognized"),
        (["classify", "-x", "film.png"], "option -x not recognized"),
        (["info", "--", "--engine", "litert"], "more than one bundle"),
        (["bench", "--quick=yes"], "option --quick not recognized"),
        (["info", "{tiny}", "--format", "csv"], "'csv' is not known here; one of: table, json"),
        (["info", "a.edge", "b.edge"], "more than one bundle"),
        (["check", "a.edge", "--bundle", "b.edge"], "more than one bundle"),
        (["classify", "f.png", "--bundle", "{tiny}", "--engine", "tpu"], "no engine is called"),
        *(
            (["classify", "f.png", "--threads", bad], "is no number of threads; 1 to 1024")
            for bad in ("0", "-1", "1025", "two", "1.5", "", " 1", "\u0663", "9" * 5000)
        ),
        *(
            (["classify", "f.png", "--bundle", "{tiny}", "--band", bad], "--band: ")
            for bad in ("wide", "", "-0.1", "0.51", "nan", "inf", "1e999")
        ),
        (["classify", "f.png", "--resume", "r.csv", "--format", "json"], "writes no json"),
        (["classify", "f.png", "--heatmap", "o.png", "--resume", "r.csv"], "not go with --resume"),
        (["classify", "f.png", "g.png", "--heatmap", "o.png"], "--heatmap: is for one film"),
        (["classify", ".", "--heatmap", "o.png"], "--heatmap: is for one film"),
        (["classify", "--files-from", "-", "--heatmap", "o.png"], "--heatmap: is for one film"),
        (["classify", "--bundle", "{tiny}", "--files-from", "none.txt"], "No such file"),
        (["classify", "--bundle", "{tiny}", "--files-from", os.devnull], "names no film; give a"),
        (["classify", "--bundle", "{tiny}", "--files-from", "{tiny}"], "is no list of paths but"),
        (["classify", "--bundle", "{tiny}", "--files-from", "."], "Is a directory"),
        (["classify", "film.png", "-0"], "--null: is for --files-from; leave it out"),
        (["classify", "film.png", "--null"], "--null: is for --files-from; leave it out"),
        (["info", "-0"], "option -0 not recognized"),
        (["classify", "film.png", "---0"], "option ---0 not recognized"),
        (["classify", "film.png", "--null=1"], "option --null not recognized"),
        (
            ["classify", "film.png"],
            "none given and none found; name one, set EDGE_BUNDLE or add one: edge-run bundles",
        ),
        (["info"], "none given and none found; name one"),
    ],
)
def test_what_cannot_be_carried_out_leaves_with_2(
    arguments: list[str], said: str, tiny: Path, capsys: Captured
) -> None:
    assert run([argument.format(tiny=tiny) for argument in arguments]) == 2
    (complaint,) = complaints(capsys)
    assert said in complaint


@pytest.mark.parametrize("command", [["classify", "f.png", "--bundle"], ["info"], ["check"]])
def test_what_is_no_bundle_leaves_with_3(
    command: list[str], film: Path, tmp_path: Path, capsys: Captured
) -> None:
    unreadable = {
        tmp_path / "none.edge": "does not exist",
        film: "is not a bundle",
        tmp_path: "holds no manifest.json",
        Path(os.devnull): "is not a regular file",
    }
    for path, problem in unreadable.items():
        assert run([*command, str(path)]) == 3
        (complaint,) = complaints(capsys)
        assert complaint.startswith(f"edge-run: {path}: {problem}")
    assert run([*command, ""]) == 3


@pytest.mark.parametrize("command", [["classify", "{film}", "--bundle"], ["check"]])
def test_a_damaged_graph_leaves_with_4_before_any_answer(
    command: list[str], tiny: Path, film: Path, tmp_path: Path, capsys: Captured
) -> None:
    unpack(tiny, tmp_path / "folder")
    for graph in (TFLITE, ONNX):
        path = tmp_path / "folder" / graph
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    arguments = [argument.format(film=film) for argument in command]
    assert run([*arguments, str(tmp_path / "folder")]) == 4
    said, _ = capsys.readouterr()
    assert said == ""


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


def test_no_engine_leaves_with_6(
    tiny: Path, film: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unusable(name: str) -> None:
        raise EngineUnavailable(f"{name} is broken")

    monkeypatch.setattr("edge_runtime.engines.select.import_module", unusable)
    for arguments in (["classify", str(film), "--bundle", str(tiny)], ["check", str(tiny)]):
        assert run(arguments) == 6
        *passed_over, complaint = complaints(capsys)
        assert len(passed_over) == 4
        assert complaint.startswith(f"edge-run: {tiny}: no engine can run it")


def test_info_shows_the_bundle_to_people_and_to_machines(tiny: Path, capsys: Captured) -> None:
    assert run(["info", str(tiny)]) == 0
    assert "model3-xray 0.1.0" in capsys.readouterr().out
    assert run(["info", "--bundle", str(tiny), "--format", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["name"] == "model3-xray"
    assert len(shown["identity"]) == 64


def test_the_bundle_is_the_named_one_else_the_variable_else_the_chosen_one(
    tiny: Path, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = cli_data_folder(monkeypatch, tmp_path)
    (folder / "gone.edge").symlink_to(folder / "nowhere")
    (folder / "._old.edge").write_bytes(b"what macOS leaves beside it")
    shutil.copy(tiny, folder / "old.edge")
    shutil.copy(tiny, folder / "not-a-bundle.zip")
    assert run(["check"]) == 0  # the only one
    assert capsys.readouterr().out.startswith(f"{folder / 'old.edge'}: ")
    shutil.copy(tiny, folder / "new.edge")
    assert run(["check"]) == 2
    assert complaints(capsys) == [
        f"edge-run: --bundle: none given, and none of the 2 bundles in {folder} was chosen; "
        "choose one: edge-run bundles --use NAME"
    ]
    assert run(["bundles", "--use", "old"]) == 0
    shutil.copy(tiny, folder / "newest.edge")
    capsys.readouterr()
    assert run(["check"]) == 0
    assert capsys.readouterr().out.startswith(f"{folder / 'old.edge'}: ")
    monkeypatch.setenv("EDGE_BUNDLE", str(folder / "new.edge"))
    assert run(["check"]) == 0
    assert capsys.readouterr().out.startswith(f"{folder / 'new.edge'}: ")
    assert run(["check", str(tiny)]) == 0
    assert capsys.readouterr().out.startswith(f"{tiny}: ")
    monkeypatch.setenv("EDGE_BUNDLE", str(folder / "none.edge"))
    assert run(["check"]) == 3
    assert "none.edge: does not exist" in capsys.readouterr().err


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


def test_the_default_bundle_is_told_by_its_path(
    tiny: Path, film: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGE_BUNDLE", str(tiny))
    assert run(["classify", str(film)]) == 0
    assert complaints(capsys) == [f"bundle: {tiny}"]
    assert run(["classify", str(film), "--bundle", str(tiny)]) == 0
    assert complaints(capsys) == []


def cli_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    from edge_runtime.bundle.defaults import data_folder

    monkeypatch.setenv("HOME", str(tmp_path))
    found = data_folder()
    assert found is not None
    folder = Path(found)
    folder.mkdir(parents=True)
    return folder


def test_an_interruption_is_a_status_and_a_line(
    tiny: Path, film: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    for signal, status in ((KeyboardInterrupt, 130), (Terminated, 143)):

        def interrupted(*_: object, signal: type[BaseException] = signal) -> None:
            raise signal

        monkeypatch.setattr("edge_runtime.answer.classify.film_pixels", interrupted)
        for films in (1, 9):  # in this thread, or in one of its own
            assert run(["classify", *[str(film)] * films, "--bundle", str(tiny)]) == status
            assert len(complaints(capsys)) == 1


@pytest.mark.parametrize("said", [None, "the status of the first signal"])
def test_a_signal_before_or_after_the_command_leaves_no_traceback(
    said: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Left(BaseException): ...

    class Stream:
        def flush(self) -> None:
            raise KeyboardInterrupt

    def interrupted(_: list[str]) -> int:
        if said is None:
            raise KeyboardInterrupt
        return 143

    def leave(status: int) -> None:
        raise Left(status)

    monkeypatch.setattr(cli, "run", interrupted)
    monkeypatch.setattr("sys.stdout", Stream())
    monkeypatch.setattr(os, "_exit", leave)
    with pytest.raises(Left) as left:
        cli.main()
    assert left.value.args == (130 if said is None else 143,)


def rows(capsys: Captured) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


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
