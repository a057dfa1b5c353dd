"""The file of users is for its owner's eyes alone, and is read again when it has changed."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from edge_runtime.errors import CannotWrite, UsageError
from edge_runtime.web.passwords import fingerprint
from edge_runtime.web.users import Users, UsersFile, read_users, users_path, write_users

posix = pytest.mark.skipif(os.name != "posix", reason="modes are of Unix")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "new" / "users.json"
    write_users(path, Users({"anna": "hash"}, {"pacs": fingerprint("t")}))
    found = read_users(path)
    assert found.passwords == {"anna": "hash"}
    assert found.of_token("t") == "pacs"
    assert found.of_token("u") is None
    assert [*path.parent.iterdir()] == [path]


@posix
def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "users.json"
    before = os.umask(0)
    try:
        write_users(path, Users({}, {}))
        path.chmod(0o644)
        write_users(path, Users({}, {}))  # whatever its mode was
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@posix
def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "users.json"
    write_users(path, Users({}, {}))
    path.chmod(0o640)
    with pytest.raises(UsageError, match=r"can be read by other users \(mode 0640\); .*chmod 600"):
        read_users(path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"passwords": [], "tokens": {}}',
        '{"passwords": {"a": 1}, "tokens": {}}',
    ],
)
def test_a_damaged_file_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "users.json"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(UsageError, match="is no file of users"):
        read_users(path)


def test_without_a_file_there_is_nobody(tmp_path: Path) -> None:
    assert not read_users(tmp_path / "users.json")


def test_where_it_cannot_be_written_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite):
        write_users(tmp_path / "file" / "users.json", Users({}, {}))


def test_a_changed_file_is_read_again_and_a_damaged_one_lets_nobody_in(tmp_path: Path) -> None:
    path = tmp_path / "users.json"
    write_users(path, Users({"anna": "hash"}, {}))
    users = UsersFile(path)
    assert users.now().passwords == {"anna": "hash"}
    write_users(path, Users({"anna": "hash", "bert": "hash"}, {}))
    assert "bert" in users.now().passwords
    path.write_text(json.dumps({"passwords": "none at all"}))
    assert not users.now()
    path.unlink()
    assert not users.now()


@pytest.mark.parametrize("name", ["", " anna", "an\nna", "\x1b[2J", "x" * 65])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="is no name of a user"):
        Users({}, {}).require_new(name)


def test_a_name_is_taken_once() -> None:
    with pytest.raises(UsageError, match="is there already"):
        Users({"anna": "hash"}, {}).require_new("anna")


def test_without_a_home_a_file_has_to_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_runtime.web.users.data_folder", lambda: None)
    with pytest.raises(UsageError, match="name a file"):
        users_path()
    assert users_path("here.json") == Path("here.json")
