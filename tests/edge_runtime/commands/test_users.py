"""Users are added, listed and removed, and no password is ever shown."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from edge_runtime.cli import run
from edge_runtime.web.passwords import matches
from edge_runtime.web.users import read_users

pytestmark = pytest.mark.usefixtures("own_signals")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "users.json"


def users(path: Path, *words: str) -> int:
    return run(["users", *words, "--users", str(path)])


def typed(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_a_password_is_read_and_kept_as_a_hash(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed("a long enough one\n", monkeypatch)
    assert users(path, "add", "anna") == 0
    assert matches("a long enough one", read_users(path).passwords["anna"])
    said = capsys.readouterr()
    assert "long enough" not in path.read_text() + said.out + said.err


def test_a_token_is_printed_once(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert users(path, "add", "pacs", "--token") == 0
    token = capsys.readouterr().out.strip()
    assert read_users(path).of_token(token) == "pacs"
    assert token not in path.read_text()


def test_users_are_listed_and_removed(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed("a long enough one\n", monkeypatch)
    users(path, "add", "anna")
    users(path, "add", "pacs", "--token")
    capsys.readouterr()
    assert users(path, "list") == 0
    assert capsys.readouterr().out == "password  anna\ntoken     pacs\n"
    assert users(path, "remove", "anna") == 0
    assert users(path, "remove", "pacs") == 0
    assert not read_users(path)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "one of: add, remove, list"),
        (["add"], "not an action with its name"),
        (["list", "anna"], "not an action with its name"),
        (["remove", "anna"], "anna: is no user"),
        (["list", "--token"], "is for add"),
        (["add", "anna"], "has 5 characters; give 12 to 1024"),
        (["add", "a\x1b[2Jb"], "is no name of a user"),
    ],
)
def test_what_makes_no_sense_is_refused(
    words: list[str],
    said: str,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    typed("short\n", monkeypatch)
    assert users(path, *words) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "\x1b" not in error
    assert not path.exists()


def test_a_mistyped_password_is_asked_for_again(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = iter(["a long enough one", "another"])
    monkeypatch.setattr("getpass.getpass", lambda _: next(answers))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    assert users(path, "add", "anna") == 2
    assert "the two differ" in capsys.readouterr().err
