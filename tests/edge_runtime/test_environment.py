"""Whatever a machine lacks that a classification does not need, the film is answered."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import which

import pytest

from edge_runtime import cli
from edge_runtime.errors import MachineLacks, NoEngine, NotABundle, UsageError
from tiny_bundle import command, edge_run, environment, write_film

pytestmark = pytest.mark.skipif(os.name == "nt", reason="limits, users and devices of Unix")


@pytest.fixture
def public(tiny: Path, tmp_path: Path) -> Iterator[Path]:
    """Return a folder that may not be written to, with a bundle and a film."""
    folder = tmp_path / "public"
    folder.mkdir()
    write_film(folder / "film.png")
    (folder / "m.edge").write_bytes(tiny.read_bytes())
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)


def run_without_rights(folder: Path, line: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command in `folder` as a user for whom the modes of files hold: root without powers."""
    powerless = ["setpriv", "--inh-caps=-all", "--bounding-set=-all", "--"]
    if os.geteuid() == 0 and which("setpriv") is None:
        pytest.skip("run by root, and there is no setpriv")
    places = dict.fromkeys(("HOME", "TMPDIR", "XDG_DATA_HOME", "XDG_CACHE_HOME"), str(folder))
    return subprocess.run(
        [*([] if os.geteuid() else powerless), *line],
        cwd=folder, env=environment(**places), capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_nothing_is_written_where_nothing_may_be(public: Path) -> None:
    before = sorted(public.iterdir())
    probe = run_without_rights(public, [sys.executable, "-c", "open('x', 'w')"])
    assert "PermissionError" in probe.stderr
    line = command("classify", "film.png", "--bundle", "m.edge")
    done = run_without_rights(public, line)
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 2), done.stderr
    assert run_without_rights(public, command("info", "m.edge")).returncode == 0
    assert sorted(public.iterdir()) == before


@pytest.mark.parametrize(("name", "status"), [("m.edge", 3), ("film.png", 5)])
def test_what_this_user_may_not_read_is_said(name: str, status: int, public: Path) -> None:
    (public / name).chmod(0)
    done = run_without_rights(public, command("classify", "film.png", "--bundle", "m.edge"))
    assert done.returncode == status
    assert re.search("may not be read by this user|Permission denied", done.stdout + done.stderr)


HOMES = {"none": "", "gone": "/nonexistent/home", "a file": "/dev/null", "not absolute": "here"}


@pytest.mark.parametrize("name", HOMES)
def test_no_home_is_needed_where_the_bundle_is_named(name: str, tiny: Path, film: Path) -> None:
    env = environment(HOME=HOMES[name], TMPDIR="/nonexistent")
    del env["XDG_DATA_HOME"]
    assert edge_run("classify", film, "--bundle", tiny, env=env).returncode == 0
    del env["HOME"]
    assert edge_run("classify", film, "--bundle", tiny, env=env).returncode == 0


@pytest.mark.parametrize("name", HOMES)
def test_without_home_and_bundle_one_line_says_how_to_name_one(name: str, film: Path) -> None:
    env = environment(HOME=HOMES[name])
    del env["XDG_DATA_HOME"]
    done = edge_run("classify", film, env=env)
    assert done.returncode == UsageError.exit_status
    assert done.stderr.startswith("edge-run: --bundle: none given and none found; name one")
    assert len(done.stderr.splitlines()) == 1


def test_a_folder_that_was_removed_is_no_place_but_no_obstacle(
    tiny: Path, film: Path, tmp_path: Path
) -> None:
    (tmp_path / "gone").mkdir()
    line = ["sh", "-c", 'cd gone && rmdir ../gone && exec "$@"', "sh"]
    options = ("--bundle", tiny, "--format", "json")
    done = subprocess.run(
        [*line, *command("classify", film, *options)],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout.count('"status": "ok"')) == (0, 1)


def limited(limit: str) -> list[str]:
    return ["sh", "-c", f'{limit} && exec "$@"', "sh"]


@pytest.mark.parametrize("limit", ["ulimit -n 16", "umask 777", "ulimit -s 1024", "trap '' 1"])
def test_tight_limits_leave_room_enough(limit: str, tiny: Path, film: Path) -> None:
    films = [film] * 40
    done = subprocess.run(
        [*limited(limit), *command("classify", *films, "--bundle", tiny, "--format", "csv")],
        env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('"ok"') == 40


@pytest.mark.parametrize("count", range(4, 11))
def test_without_a_descriptor_to_spare_there_is_a_line_and_no_traceback(
    count: int, tiny: Path, film: Path
) -> None:
    done = subprocess.run(
        [*limited(f"ulimit -n {count}"), *command("classify", film, "--bundle", tiny)],
        env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "edge_runtime" not in done.stderr and "edge-run: " not in done.stderr and done.returncode:
        pytest.skip("Python itself does not start")
    assert "Traceback" not in done.stderr
    assert done.returncode in (0, NotABundle.exit_status, 5, NoEngine.exit_status)


def test_files_that_cannot_be_opened_for_want_of_descriptors_are_no_full_disk(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lacking(_: list[str]) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(cli, "_dispatch", lacking)
    assert cli.run(["classify"]) == MachineLacks.exit_status
    assert "no file descriptor is left; close" in capsys.readouterr().err


NAMES = [
    "a bundle.edge",
    "набор 胸.edge",
    "new\nline.edge",
    "-v.edge",
    "%s{0}$HOME`.edge",
    "\udcff.edge",
]


@pytest.mark.parametrize("encoding", [{}, {"LC_ALL": "C", "PYTHONUTF8": "0"}])
@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_bundle_may_have_any_name(
    name: str, encoding: dict[str, str], tiny: Path, tmp_path: Path
) -> None:
    bundle = tmp_path / name
    bundle.write_bytes(tiny.read_bytes())
    film = write_film(tmp_path / "胸 film.png")
    env = environment(**encoding)
    done = edge_run("classify", film, "--bundle", bundle, "--format", "json", env=env)
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 1)
    data = bytearray(bundle.read_bytes())
    data[-1] ^= 1
    bundle.write_bytes(data)
    done = edge_run("classify", film, "--bundle", bundle, env=env)
    assert (done.returncode, len(done.stderr.splitlines())) == (4, 1)
    env["EDGE_BUNDLE"] = str(tmp_path / "no such.edge")
    assert edge_run("classify", film, env=env).returncode == 3


@pytest.mark.parametrize("redirection", ["<&-", "<&- 2>&-"])
def test_closed_streams_are_not_written_over_by_files(
    redirection: str, tiny: Path, film: Path
) -> None:
    """A file that is opened takes the lowest number: 0 and 2, where these are closed."""
    line = ["sh", "-c", f'exec "$@" {redirection}', "sh"]
    done = subprocess.run(
        [*line, *command("classify", film, film, "--bundle", tiny, "--format", "json")],
        env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout.count('"status": "ok"')) == (0, 2)


@pytest.mark.parametrize(
    "year", ["1970-01-01 00:00:01", "2038-01-20 00:00:00", "2106-02-08 00:00:00"]
)
def test_the_clock_may_be_wrong(year: str, tiny: Path, film: Path) -> None:
    faketime = which("faketime")
    if faketime is None:
        pytest.skip("faketime is not installed")
    for arguments in (("classify", film, "--bundle", tiny), ("check", tiny)):
        done = subprocess.run(
            [faketime, year, *command(*arguments)],
            env=environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


STAMPS = {"before 1970": -86_400.0, "1970": 0.0, "2106": 4_294_967_296.0}


@pytest.mark.parametrize("name", STAMPS)
def test_files_may_be_of_any_date(name: str, tiny: Path, film: Path, tmp_path: Path) -> None:
    folder = tmp_path / "edge-kit"
    folder.mkdir()
    bundle = folder / "m.edge"
    bundle.write_bytes(tiny.read_bytes())
    for path in (bundle, film):
        os.utime(path, (STAMPS[name], STAMPS[name]))
    env = environment(XDG_DATA_HOME=str(tmp_path))
    if sys.platform == "darwin":
        pytest.skip("the data folder is not set by XDG_DATA_HOME")
    assert edge_run("classify", film, env=env).returncode == 0


def test_an_empty_environment_is_enough(tiny: Path, film: Path) -> None:
    env = {"PYTHONPATH": environment()["PYTHONPATH"]}
    assert edge_run("classify", film, "--bundle", tiny, env=env).returncode == 0
