"""A page is served safely or not at all, and ends as any command does."""

from __future__ import annotations

import signal
import ssl
import subprocess
import sys
from http.client import HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from edge_runtime.cli import run
from edge_runtime.web.passwords import fingerprint
from edge_runtime.web.users import Users, write_users
from served import PATIENCE, served
from tiny_bundle import command, edge_run, environment

pytestmark = pytest.mark.usefixtures("own_signals", "no_bundle_of_this_user")


@pytest.fixture
def users(tmp_path: Path) -> Path:
    path = tmp_path / "users.json"
    write_users(path, Users({}, {"pacs": fingerprint("t")}))
    return path


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--host", "0.0.0.0"], "has no users; add one: edge-run users add NAME"),  # noqa: S104
        (["--host", ""], "--host: is empty"),
        (["--port", "x"], "--port: 'x' is no such number; give 0 to 65535"),
        (["--port", "65536"], "give 0 to 65535"),
        (["--memory", "10"], "give 160 to"),
        (["--key", "k.pem"], "give both"),
        (["--no-tls", "--key", "k.pem", "--certificate", "c.pem"], "leave one of them out"),
        (["--users", "u.json"], "nobody logs in on this machine alone"),
        (["--certificate", "c.pem", "--key", "k.pem"], "cannot be used with"),
        (["--host", "192.0.2.1", "--no-tls"], "has no users"),
        (["a.edge", "--bundle", "b.edge"], "more than one bundle given"),
    ],
)
def test_what_is_not_safe_or_makes_no_sense_is_refused(
    options: list[str], said: str, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = [] if "--bundle" in options else ["--bundle", str(tiny)]
    assert run(["serve", *bundle, *options]) == 2
    error = capsys.readouterr().err
    assert said in error


def test_a_missing_package_is_named_with_its_cure(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "starlette.applications", None)
    assert run(["serve", str(tiny)]) == 6
    line = capsys.readouterr().err.strip()
    assert "\n" not in line
    assert "the packages of the page are missing (starlette" in line
    assert "pip install" in line


def test_a_taken_port_is_refused(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with served("serve", tiny) as page:
        assert run(["serve", str(tiny), "--port", str(page.port)]) == 2
    assert "choose another --host or --port" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("number", "status", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_a_signal_ends_the_page_with_one_line(
    number: int, status: int, word: str, tiny: Path
) -> None:
    process = subprocess.Popen(
        command("serve", tiny, "--port", "0"),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline().startswith("http://127.0.0.1:")
    process.send_signal(number)
    said = process.communicate(timeout=PATIENCE)[1]
    assert process.returncode == status
    lines = said.splitlines()
    assert lines[-1] == f"edge-run: {word}"
    assert lines[0] == "research use; not a medical device"
    assert len(lines) == 3


@pytest.mark.skipif(sys.platform != "linux", reason="what is ignored is read from /proc")
def test_a_signal_that_was_ignored_at_the_start_is_ignored(tiny: Path) -> None:
    """As it is for a command that a script starts in the background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with served("serve", tiny) as page:
            assert page.ask("/health").status == 200
            told = Path(f"/proc/{page.process.pid}/status").read_text()
    finally:
        signal.signal(signal.SIGINT, before)
    ignored = next(line.split()[1] for line in told.splitlines() if line.startswith("SigIgn"))
    assert int(ignored, 16) >> (signal.SIGINT - 1) & 1
    assert page.process.returncode == 143


def test_others_reach_a_page_by_tls_and_with_a_login(
    tiny: Path, users: Path, tmp_path: Path
) -> None:
    changes = {"XDG_DATA_HOME": str(tmp_path)}
    with served("serve", tiny, "--host", "0.0.0.0", "--users", users, **changes) as page:  # noqa: S104
        assert page.url.startswith("https://")
        trusted = ssl.create_default_context(cafile=tmp_path / "edge-kit" / "page-certificate.pem")
        answers = []
        for headers in ({}, {"Authorization": "Bearer t"}):
            connection = HTTPSConnection(
                "127.0.0.1", urlsplit(page.url).port, timeout=PATIENCE, context=trusted
            )
            connection.request("GET", "/model", headers=headers)
            answers.append(connection.getresponse().status)
            connection.close()
    assert answers == [401, 200]


def test_help_is_printed_without_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "starlette.applications", None)
    for name in ("serve", "users", "demo-clinic"):
        assert run([name, "--help"]) == 0


def test_a_demonstration_lets_one_in_by_its_address(tmp_path: Path) -> None:
    import json

    with served(
        "demo-clinic",
        "--host",
        "0.0.0.0",  # noqa: S104
        "--no-tls",
        XDG_DATA_HOME=str(tmp_path),
    ) as page:
        token = urlsplit(page.url).fragment.removeprefix("token=")
        assert page.ask("/demo").status == 401
        reply = page.ask("/login", json.dumps({"token": token}).encode())
        assert reply.status == 204
        cookie = reply.headers["set-cookie"].partition(";")[0]
        films = page.ask("/demo", headers={"Cookie": cookie}).json["films"]
        assert films
        assert page.ask("/login", json.dumps({"token": token}).encode()).status == 401


def test_a_demonstration_of_ones_own_needs_no_login(tiny: Path) -> None:
    with served("demo-clinic", tiny) as page:
        assert page.ask("/demo").status == 200


def test_a_page_without_a_bundle_says_so() -> None:
    found = edge_run("serve", env=environment())
    assert found.returncode == 2
    assert "--bundle: none given and none found" in found.stderr
