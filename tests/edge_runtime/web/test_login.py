"""Nobody is let in but by a password, a token or a session, and no session outlives its logout."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from http.cookies import SimpleCookie
from pathlib import Path
from threading import Lock
from typing import Any

import pytest

from asgi import Client
from edge_runtime.web import limiter, login
from edge_runtime.web.passwords import fingerprint
from edge_runtime.web.users import Users, UsersFile, read_users, write_users
from served import Reply

Make = Callable[..., Client]
PASSWORD = "a long enough one"  # noqa: S105
TOKEN = "the token of a program"  # noqa: S105


def log_in(page: Client, user: str = "anna", password: str = PASSWORD) -> Reply:
    return page.ask("/login", json.dumps({"user": user, "password": password}).encode())


def cookie_of(reply: Reply) -> str:
    """Return what a browser sends after a login."""
    found = SimpleCookie(reply.headers["set-cookie"])
    return "; ".join(f"{name}={morsel.value}" for name, morsel in found.items())


def health_of(page: Client, path: str = "/model", **headers: str) -> int:
    return page.ask(path, headers=headers).status


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the passwords that are hashed from now on, none of which is right."""
    asked: list[str] = []

    def noted(password: str, kept: str) -> bool:
        del kept
        asked.append(password)
        return False

    monkeypatch.setattr(login, "matches", noted)
    return asked


@pytest.mark.parametrize(
    "path", ["/model", "/card", "/metrics", "/openapi.json", "/nothing", "/demo", "//", "/api/"]
)
def test_without_a_login_there_is_nothing(path: str, guarded: Client) -> None:
    reply = guarded.ask(path)
    assert (reply.status, reply.json["reason"]) == (401, "login_needed")


@pytest.mark.parametrize("path", ["/api/classify", "/api/pixels", "/api/view", "/api/heatmap"])
def test_without_a_login_no_film_is_read(path: str, guarded: Client) -> None:
    assert guarded.ask(path, b"film").status == 401


def test_the_page_itself_and_its_health_are_for_anybody(guarded: Client) -> None:
    assert guarded.ask("/health").status == 200
    assert guarded.ask("/api/session").json == {
        "login_required": True,
        "user": None,
        "token_login": False,
        "kept": False,
        "demo": False,
    }


def test_a_login_gives_a_session(guarded: Client) -> None:
    reply = log_in(guarded)
    assert reply.status == 204
    assert health_of(guarded, Cookie=cookie_of(reply)) == 200
    assert guarded.ask("/api/session", headers={"Cookie": cookie_of(reply)}).json["user"] == "anna"


def test_a_cookie_is_for_this_site_and_no_script_and_ends_with_the_browser(
    make: Make, users_path: Path
) -> None:
    users = UsersFile(users_path)
    plain = log_in(make(host="10.0.0.1", login=True, users=users)).headers["set-cookie"].lower()
    assert "httponly" in plain
    assert "samesite=strict" in plain
    assert "path=/" in plain
    assert not {"max-age", "expires"} & {
        part.partition("=")[0].strip() for part in plain.split(";")
    }
    assert "secure" not in plain
    safe = log_in(make(host="10.0.0.1", login=True, tls=True, users=users)).headers["set-cookie"]
    assert safe.startswith("__Host-")
    assert "secure" in safe.lower()


def test_a_stolen_cookie_is_worth_nothing_after_the_logout(guarded: Client) -> None:
    stolen = cookie_of(log_in(guarded))
    assert health_of(guarded, Cookie=stolen) == 200
    assert guarded.ask("/logout", b"", headers={"Cookie": stolen}).status == 204
    assert health_of(guarded, Cookie=stolen) == 401


def test_a_login_ends_the_session_before_it(guarded: Client) -> None:
    before = cookie_of(log_in(guarded))
    body = json.dumps({"user": "anna", "password": PASSWORD}).encode()
    guarded.ask("/login", body, headers={"Cookie": before})
    assert health_of(guarded, Cookie=before) == 401


@pytest.mark.parametrize("change", ["removed", "another password"])
def test_a_session_ends_when_its_user_does(change: str, guarded: Client, users_path: Path) -> None:
    cookie = cookie_of(log_in(guarded))
    users = read_users(users_path)
    users.remove("anna")
    if change != "removed":
        users.passwords["anna"] = "another hash"
    write_users(users_path, users)
    assert health_of(guarded, Cookie=cookie) == 401


@pytest.mark.parametrize(
    "cookie", ["edge-session=", "edge-session=x", "edge-session=" + "x" * 5000, "x", "=;;="]
)
def test_what_is_no_session_is_none(cookie: str, guarded: Client) -> None:
    assert health_of(guarded, Cookie=cookie) == 401


def test_a_program_has_a_token(guarded: Client) -> None:
    assert health_of(guarded, Authorization=f"Bearer {TOKEN}") == 200
    for wrong in ("Bearer ", "Bearer x", f"Basic {TOKEN}", fingerprint(TOKEN), f"Bearer {TOKEN}x"):
        assert health_of(guarded, Authorization=wrong) == 401


def test_a_wrong_password_says_no_more_than_a_wrong_name(guarded: Client) -> None:
    replies = [log_in(guarded, "anna", "wrong"), log_in(guarded, "nobody", "wrong")]
    assert {reply.status for reply in replies} == {401}
    assert replies[0].body == replies[1].body


def test_a_name_that_nobody_has_takes_a_hash_as_well(guarded: Client, hashes: list[str]) -> None:
    log_in(guarded, "nobody", "wrong")
    assert hashes == ["wrong"]


def test_of_ten_thousand_guesses_a_handful_is_looked_at(guarded: Client, hashes: list[str]) -> None:
    replies = [log_in(guarded, "anna", f"guess {number}") for number in range(10_000)]
    assert len(hashes) == limiter.FREE["pair"]
    refused = replies[len(hashes) :]
    assert {reply.status for reply in refused} == {429}
    assert all(int(reply.headers["retry-after"]) > 0 for reply in refused)


def test_guesses_from_everywhere_at_everybody_are_limited_too(
    guarded: Client, hashes: list[str]
) -> None:
    for number in range(2000):
        guarded.address = f"10.{number >> 8}.{number & 255}.7"
        log_in(guarded, f"user {number}", "a guess")
    assert len(hashes) == limiter.FREE["all"]


def test_guesses_at_once_are_not_free(guarded: Client, hashes: list[str]) -> None:
    body = json.dumps({"user": "anna", "password": "a guess"}).encode()

    async def many() -> list[Reply]:
        return await asyncio.gather(*(guarded.asked("/login", body) for _ in range(200)))

    replies = guarded._runner.run(many())
    assert len(hashes) == limiter.FREE["pair"]
    assert sum(reply.status == 429 for reply in replies) == 200 - len(hashes)


def test_few_hashes_are_computed_at_once(guarded: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    running, most, lock = 0, 0, Lock()
    go = asyncio.Event()

    def slow(password: str, kept: str) -> bool:
        nonlocal running, most
        del password, kept
        with lock:
            running += 1
            most = max(most, running)
        with lock:
            running -= 1
        return False

    monkeypatch.setattr(login, "matches", slow)
    bodies = [json.dumps({"user": f"u{n}", "password": "x"}).encode() for n in range(15)]

    async def many() -> Any:
        go.set()
        return await asyncio.gather(*(guarded.asked("/login", body) for body in bodies))

    guarded._runner.run(many())
    assert 1 <= most <= login._HASHES


def test_a_session_goes_on_while_others_guess(guarded: Client) -> None:
    cookie = cookie_of(log_in(guarded))
    for _ in range(20):
        log_in(guarded, "anna", "a guess")
    assert health_of(guarded, Cookie=cookie) == 200


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b"null", b"[" * 9000, b'{"user": "anna"}', b'{"token": 1}'),
        *(b'{"user": "", "password": "x"}', b'{"user": "a", "password": "x", "token": "y"}'),
        b'{"user": "' + b"a" * 1025 + b'", "password": "x"}',
    ],
)
def test_what_is_no_login_is_refused_without_a_hash(
    body: bytes, guarded: Client, hashes: list[str]
) -> None:
    assert guarded.ask("/login", body).status == 400
    assert not hashes


def test_a_login_is_short(guarded: Client, hashes: list[str]) -> None:
    assert guarded.ask("/login", b"x" * (17 << 10)).status == 413
    assert not hashes


def test_a_token_for_one_login_is_for_one(make: Make) -> None:
    page = make(host="10.0.0.1", login=True, once="the token")
    assert page.ask("/api/session").json["token_login"]
    assert page.ask("/login", b'{"token": "another"}').status == 401
    reply = page.ask("/login", b'{"token": "the token"}')
    assert reply.status == 204
    assert health_of(page, Cookie=cookie_of(reply)) == 200
    assert page.ask("/login", b'{"token": "the token"}').status == 401


def test_a_user_called_demo_is_not_let_in_by_a_token_of_no_demonstration(
    make: Make, tmp_path: Path
) -> None:
    path = tmp_path / "demo.json"
    write_users(path, Users({"demo": "hash"}, {}))
    page = make(host="10.0.0.1", login=True, users=UsersFile(path))
    assert page.ask("/login", b'{"token": "demo"}').status == 401
