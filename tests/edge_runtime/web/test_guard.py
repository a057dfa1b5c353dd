"""A page answers by its own names alone, to its own site alone, and says so in every answer."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from asgi import Client

Make = Callable[..., Client]

OWN = ["127.0.0.1:8417", "localhost", "LOCALHOST:9000", "[::1]:8417", "127.8.9.1"]
FOREIGN = [
    *("evil.example", "evil.example:8417", "127.0.0.1.evil.example", "10.0.0.1", "localhost."),
    *("", "localhost@evil.example", "evil.example/localhost", "[", "localhost:x@y", "0x7f.1"),
]


@pytest.mark.parametrize("host", OWN)
def test_its_own_names_are_answered(host: str, page: Client) -> None:
    assert page.ask("/health", headers={"Host": host}).status == 200


@pytest.mark.parametrize("host", FOREIGN)
def test_a_foreign_name_is_refused(host: str, page: Client) -> None:
    """Otherwise a name of another site could be made to lead here (DNS rebinding)."""
    for path in ("/", "/health", "/static/page.js"):
        reply = page.ask(path, headers={"Host": host})
        assert reply.status == 421
        assert reply.json["reason"] == "wrong_host"


def test_two_names_are_none(page: Client) -> None:
    both = [("Host", "localhost"), ("Host", "evil.example")]
    assert page.ask("/health", headers=both).status == 421


def test_a_body_with_two_ends_is_refused_and_its_connection_closed(page: Client) -> None:
    reply = page.ask("/api/classify", b"film", headers={"Transfer-Encoding": "chunked"})
    assert (reply.status, reply.json["reason"]) == (400, "bad_request")
    assert reply.headers["connection"] == "close"


def test_a_page_that_others_reach_has_addresses_and_the_names_it_is_given(make: Make) -> None:
    page = make(host="0.0.0.0", hosts=("films.clinic",))  # noqa: S104
    for host in ("10.1.2.3:8417", "films.clinic", "FILMS.clinic:443", "[2001:db8::1]"):
        assert page.ask("/health", headers={"Host": host}).status == 200
    assert page.ask("/health", headers={"Host": "evil.example"}).status == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "http://["},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/api/classify", "/api/view", "/login", "/logout"])
def test_a_post_of_another_site_is_refused(
    headers: dict[str, str], path: str, page: Client
) -> None:
    reply = page.ask(path, b"film", headers=headers)
    assert (reply.status, reply.json["reason"]) == (403, "cross_site")


@pytest.mark.parametrize(
    "headers", [{}, {"Origin": "http://127.0.0.1:8417", "Sec-Fetch-Site": "same-origin"}]
)
def test_a_post_of_its_own_or_of_no_site_is_answered(headers: dict[str, str], page: Client) -> None:
    assert page.ask("/logout", b"", headers=headers).status == 204


@pytest.mark.parametrize(
    ("path", "host"), [("/health", "localhost"), ("/nothing", "localhost"), ("/", "evil.example")]
)
def test_every_answer_says_what_a_browser_may_do(path: str, host: str, page: Client) -> None:
    headers = page.ask(path, headers={"Host": host}).headers
    policy = dict(rule.split(" ", 1) for rule in headers["content-security-policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' blob:",
        "connect-src": "'self'",
        "form-action": "'none'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert not [name for name in headers if name.startswith("access-control-")]


def test_a_browser_that_was_told_of_tls_stays_there(make: Make) -> None:
    assert "strict-transport-security" in make(tls=True).ask("/health").headers
    assert "strict-transport-security" not in make().ask("/health").headers
