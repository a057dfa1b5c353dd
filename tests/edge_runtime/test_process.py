"""Whatever streams, signals and names do to `edge-run`, no row is torn and no traceback shown."""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Timer
from typing import IO

import pytest

from edge_runtime.answer.classify import FIELDS
from edge_runtime.commands.classify import NOTICE
from edge_runtime.errors import FilmError
from edge_runtime.film.preprocess import film_pixels
from tiny_bundle import RECIPE, command, edge_run, environment, film_image, write_film

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and devices of Unix")
FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")


def test_a_classification_is_rows_on_stdout_and_the_notice_once_on_stderr(
    tiny: Path, film: Path
) -> None:
    done = edge_run("classify", film, film, "--bundle", tiny)
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["answer", "covid", "covid"]
    assert done.stderr == f"{NOTICE}\n"


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--help"], 0),
        (["info", "{tiny}"], 0),
        (["check", "{tiny}"], 0),
        (["check", "{tiny}", "--engine", "litert-python"], 0),
        (["check", "{tiny}", "--engine", "onnxruntime"], 0),
        (["clasify"], 2),
        (["info"], 2),
        (["check", "{film}"], 3),
        (["classify", "{film}", "none.png", "--bundle", "{tiny}"], 5),
        (["classify", "{film}", "--bundle", "{tiny}", "--engine", "tflite-runtime"], 6),
    ],
)
def test_a_process_leaves_with_the_documented_status_and_no_traceback(
    arguments: list[str], status: int, tiny: Path, film: Path
) -> None:
    done = edge_run(*(argument.format(tiny=tiny, film=film) for argument in arguments))
    assert done.returncode == status
    complaints = [line for line in done.stderr.splitlines() if line != NOTICE]
    assert all(line.startswith("edge-run: ") for line in complaints)
    assert len(complaints) == (status not in (0, 5))


@pytest.mark.parametrize("command", ["classify", "check", "bench"])
def test_without_pillow_there_is_a_line_and_status_6(command: str) -> None:
    source = (
        "import sys; sys.modules['PIL'] = None; from edge_runtime.cli import run; "
        f"sys.exit(run([{command!r}, 'whatever']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (6, "")
    assert done.stderr.startswith("edge-run: PIL: cannot be loaded (")
    assert done.stderr.endswith("edge-run doctor\n")


def test_the_bundle_comes_from_the_environment(tiny: Path, film: Path) -> None:
    assert edge_run("classify", film, env=environment(EDGE_BUNDLE=str(tiny))).returncode == 0


def test_films_are_listed_on_stdin(tiny: Path, film: Path) -> None:
    options = ("--bundle", tiny, "--format", "json", "--files-from", "-")
    done = edge_run("classify", *options, input=f"{film}\n\n{film}\r\n")
    assert done.returncode == 0
    assert [json.loads(line)["file"] for line in done.stdout.splitlines()] == [str(film)] * 2


def test_no_locale_and_no_encoding_lose_a_name_or_tear_a_row(tiny: Path, tmp_path: Path) -> None:
    names = ["Übersicht.png", "胸部.png", "new\nline.png", "\udcff\udcfe.png", "n" * 251 + ".png"]
    films = [write_film(tmp_path / name) for name in names]
    for encoding in ({}, {"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}):
        env = environment(LC_ALL="C", **encoding)
        done = edge_run("classify", *films, "--bundle", tiny, "--format", "json", env=env)
        assert (done.returncode, done.stderr) == (0, f"{NOTICE}\n")
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        assert [os.fsencode(row["file"]) for row in rows] == list(map(os.fsencode, films))
        done = edge_run("classify", *films, "--bundle", tiny, env=env)
        assert (done.returncode, len(done.stdout.splitlines())) == (0, 1 + len(names))


def test_a_damaged_film_is_one_row_whatever_its_decoder_says(
    tiny: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "film.tif"
    film_image().save(path, compression="tiff_adobe_deflate")
    data = path.read_bytes()
    path.write_bytes(data[:500] + b"\xff" * 40 + data[540:])
    with pytest.raises(FilmError):
        film_pixels(path, RECIPE)
    assert capfd.readouterr().err  # libtiff, in C
    done = edge_run("classify", path, "--bundle", tiny, env=environment(PYTHONWARNINGS="error"))
    assert (done.returncode, done.stderr) == (5, f"{NOTICE}\n")
    assert len(done.stdout.splitlines()) == 2


@needs_full
@pytest.mark.parametrize(
    "arguments", [["classify", "{film}", "--bundle", "{tiny}"], ["info", "{tiny}"], ["--help"]]
)
def test_a_full_disk_leaves_with_10_and_one_line(
    arguments: list[str], tiny: Path, film: Path
) -> None:
    with FULL.open("w") as full:
        done = edge_run(*(one.format(tiny=tiny, film=film) for one in arguments), stdout=full)
    assert done.returncode == 10
    (line,) = (line for line in done.stderr.splitlines() if line != NOTICE)
    assert line.startswith("edge-run: output: No space left on device; ")


@pytest.mark.parametrize(("redirection", "status"), [(">&-", 10), ("2>&-", 0), ("<&-", 0)])
def test_a_closed_stream_is_no_crash(redirection: str, status: int, tiny: Path, film: Path) -> None:
    line = ["sh", "-c", f'exec "$@" {redirection}', "sh"]
    done = subprocess.run(
        [*line, *command("classify", film, "--bundle", tiny)],
        capture_output=True, text=True, check=False, env=environment(),
    )  # fmt: skip
    assert done.returncode == status
    assert "Traceback" not in done.stderr
    assert NOTICE not in done.stdout
    if status:
        assert done.stderr == "edge-run: stdout: is closed; give it a file or a pipe\n"


@contextmanager
def started(tiny: Path, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Start a classification that takes more films from stdin; it is killed after a minute."""
    options = ("--bundle", tiny, "--format", "json", "--files-from", "-")
    with subprocess.Popen(
        command("classify", *options, *arguments), text=True, env=environment(),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        rescue = Timer(60, process.kill)
        rescue.start()
        try:
            yield process
        finally:
            rescue.cancel()


def pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


def test_a_reader_that_leaves_ends_it_quietly(tiny: Path, film: Path) -> None:
    with started(tiny, *[film] * 2000) as process:
        assert json.loads(pipe(process.stdout).readline())["status"] == "ok"
        pipe(process.stdout).close()
        complaints = pipe(process.stderr).read()
    assert (process.returncode, complaints) == (0, f"{NOTICE}\n")


ENDS = {signal.SIGINT: (130, "interrupted"), signal.SIGTERM: (143, "terminated")}


@pytest.mark.parametrize("number", ENDS)
@pytest.mark.parametrize("films", [1, 2000])  # waiting for the next name, or at work
def test_a_signal_tears_no_row(number: signal.Signals, films: int, tiny: Path, film: Path) -> None:
    status, said = ENDS[number]
    with started(tiny, *[film] * films) as process:
        first = pipe(process.stdout).readline()
        process.send_signal(number)
        rest, complaints = pipe(process.stdout).read(), pipe(process.stderr).read()
    assert process.returncode == status
    assert complaints == f"{NOTICE}\nedge-run: {said}\n"
    rows = [json.loads(line) for line in (first + rest).splitlines()]
    assert all(row["status"] == "ok" for row in rows)
    assert len(rows) < 2000
    assert not rest or rest.endswith("\n")


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """Return a folder of 300 small films."""
    folder = tmp_path / "films"
    folder.mkdir()
    film = write_film(folder / "000.png")
    for number in range(1, 300):
        (folder / f"{number:03}.png").hardlink_to(film)
    return folder


def resumed(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV that is whole."""
    data = path.read_bytes()
    assert data.endswith(b"\n")
    rows = list(csv.DictReader(data.decode().splitlines(keepends=True), strict=True))
    assert all(len(row) == len(FIELDS) and None not in row.values() for row in rows)
    return rows


def test_a_killed_run_is_completed_with_every_film_once(
    tiny: Path, many: Path, tmp_path: Path
) -> None:
    path, chance = tmp_path / "results.csv", random.Random(5)
    films = sorted(map(str, many.iterdir()))
    for _ in range(10):
        options = ("--bundle", tiny, "--resume", path, "--files-from", "-", "--threads", 2)
        with subprocess.Popen(
            command("classify", *options), text=True, env=environment(),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        ) as process:  # fmt: skip
            rescue = Timer(60, process.kill)
            rescue.start()
            pipe(process.stdin).write("".join(f"{film}\n" for film in films))
            pipe(process.stdin).flush()  # and it is not closed: nobody but us ends this run
            begun = path.stat().st_size if path.exists() else 0
            # Rows are some 250 bytes: up to 20 of them, and then wherever it happens to be.
            while path.stat().st_size < begun + chance.randrange(5000) if path.exists() else True:
                assert process.poll() is None
            process.kill()
            rescue.cancel()
            assert pipe(process.stdout).read() == ""
    done = edge_run("classify", many, "--bundle", tiny, "--resume", path)
    assert (done.returncode, done.stdout) == (0, "")
    rows = resumed(path)
    assert sorted(row["file"] for row in rows) == films
    assert {(row["status"], row["logit"]) for row in rows} == {("ok", rows[0]["logit"])}


# Writes the file anew for each new row of an old film, which takes seconds to be due.
WITHOUT_A_PAUSE = """
from edge_runtime.answer import resume
resume.SYNC = resume._SHARE = 0
from edge_runtime.cli import main
main()
"""


def test_a_run_killed_while_it_judges_again_leaves_one_row_for_every_film(
    tiny: Path, many: Path, tmp_path: Path
) -> None:
    path, chance = tmp_path / "results.csv", random.Random(7)
    films = sorted(many.iterdir())
    whole, half = films[0].read_bytes(), films[0].read_bytes()[:2000]
    for film in films:
        film.unlink()  # for all of them are one file
        film.write_bytes(half)
    options = ("--bundle", str(tiny), "--resume", str(path), "--threads", "2")
    arguments = [sys.executable, "-c", WITHOUT_A_PAUSE, "classify", str(many), *options]
    first = subprocess.run(arguments, check=False, capture_output=True, env=environment())
    assert first.returncode == 5
    assert [row["status"] for row in resumed(path)] == ["refused"] * len(films)
    for film in films:
        film.write_bytes(whole)
    for _ in range(20):
        with subprocess.Popen(arguments, stderr=subprocess.DEVNULL, env=environment()) as process:
            with suppress(subprocess.TimeoutExpired):
                process.wait(chance.uniform(0.05, 0.6))
            process.kill()
        assert [row["file"] for row in resumed(path)] == list(map(str, films))
    done = edge_run("classify", many, "--bundle", tiny, "--resume", path)
    assert done.returncode == 0
    assert [(row["file"], row["status"]) for row in resumed(path)] == [
        (str(film), "ok") for film in films
    ]
    assert sorted(one.name for one in tmp_path.iterdir()) == [many.name, path.name]


@pytest.mark.parametrize("number", ENDS)
@pytest.mark.parametrize("times", [1, 3])
def test_a_signal_ends_a_resumable_run_between_two_films(
    number: signal.Signals, times: int, tiny: Path, many: Path, tmp_path: Path
) -> None:
    path = tmp_path / "results.csv"
    status, said = ENDS[number]
    with started(tiny, "--format", "csv", "--resume", path, "--threads", 3, many) as process:
        while not (path.exists() and path.stat().st_size > 1000):
            assert process.poll() is None
        for _ in range(times):
            process.send_signal(number)
        complaints = pipe(process.stderr).read().splitlines()
    assert process.returncode == status
    assert complaints[:1] == [NOTICE]
    assert complaints[1:] in ([f"edge-run: {said}"], [])[:times]  # the second may cut it short
    rows = resumed(path)
    names = [f"{many}/{film:03}.png" for film in range(len(rows))]
    assert [row["file"] for row in rows] == names
    assert edge_run("classify", many, "--bundle", tiny, "--resume", path).returncode == 0
    assert len(resumed(path)) == 300


def test_a_closed_stderr_does_not_swallow_the_results(
    tiny: Path, many: Path, tmp_path: Path
) -> None:
    path = tmp_path / "results.csv"
    arguments = command("classify", many, "--bundle", tiny, "--resume", path)
    for closed in ("2>&-", "<&- 2>&-"):
        path.unlink(missing_ok=True)
        line = ["sh", "-c", f'exec "$@" {closed}', "sh", *arguments]
        subprocess.run(line, check=True, env=environment())
        assert len(resumed(path)) == 300


def test_the_version_is_that_of_the_distribution() -> None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        expected = version("edge-runtime")
    except PackageNotFoundError:
        pytest.skip("edge-runtime is not installed")
    assert edge_run("--version").stdout == f"edge-run {expected}\n"


def test_the_module_is_the_command(tiny: Path) -> None:
    script = "from edge_runtime.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", script, "info", str(tiny)],
        capture_output=True, text=True, check=False, env=environment(),
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, edge_run("info", tiny).stdout)


def on_a_terminal(line: list[str], columns: int, stdout: IO[bytes] | None = None) -> bytes:
    """Return what a person sees at a terminal of so many columns that runs `line`."""
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))
    process = subprocess.Popen(
        line, env=environment(), stdin=theirs, stdout=stdout or theirs, stderr=theirs
    )
    os.close(theirs)
    seen = b""
    with suppress(OSError):  # which is how a terminal ends on Linux
        while data := os.read(ours, 1 << 16):
            seen += data
    os.close(ours)
    assert process.wait(60) == 0
    return seen


@pytest.mark.parametrize("way", ["rows in a file", "--resume", "rows on the terminal"])
def test_who_sits_at_a_terminal_sees_how_far_it_is(way: str, tiny: Path, tmp_path: Path) -> None:
    many = tmp_path / "films"
    many.mkdir()
    for number in range(40):
        write_film(many / f"{number}.png", seed=number)
    # Every answer is shown, and none is a matter of time.
    source = (
        "import sys; from edge_runtime.answer import progress; progress._EVERY = 0; "
        "from edge_runtime.cli import main; main()"
    )
    line = [sys.executable, "-c", source, "classify", str(many), "--bundle", str(tiny)]
    if way == "--resume":
        line += ["--resume", str(tmp_path / "rows.csv")]
    with (tmp_path / "rows").open("wb") as rows:
        seen = on_a_terminal(line, 30, rows if way == "rows in a file" else None)
    shown = [part for part in seen.split(b"\r") if b" films, " in part]
    assert any(part.startswith(b"40") for part in shown) is (way != "rows on the terminal")
    assert all(len(part.rstrip(b"\n")) < 30 for part in shown if b" answered" not in part)
