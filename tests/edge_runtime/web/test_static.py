"""The page's files are answered by their own address, and nothing else of the disk is."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.applications import Starlette

from asgi import Client
from edge_runtime.web.problems import Problem, answer_problem
from edge_runtime.web.static import Static
from served import Reply


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a folder with a page, and what is none of it."""
    for name, text in (
        ("static/index.html", "index"),
        ("static/login.html", "login"),
        ("static/page.js", "script"),
        ("static/secret.py", "code"),
        ("languages/de.json", "{}"),
        ("users.json", "secret"),
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def ask(root: Path, path: str, *, asked: bool = False, **headers: str) -> Reply:
    """Return the answer of a page of these files, to one who is `asked` to log in."""
    routes = Static(root).routes(lambda _: asked)
    page = Client(Starlette(routes=routes, exception_handlers={Problem: answer_problem}))
    reply = page.ask(path, headers={name.replace("_", "-"): text for name, text in headers.items()})
    page.close()
    return reply


def test_who_has_to_log_in_gets_the_page_of_the_login(root: Path) -> None:
    assert ask(root, "/", asked=True).body == b"login"
    assert ask(root, "/").body == b"index"
    assert ask(root, "/login").body == b"login"


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/static/page.js", "text/javascript"), ("/languages/de.json", "application/json")],
)
def test_a_file_has_its_type_and_is_asked_for_once(path: str, kind: str, root: Path) -> None:
    reply = ask(root, path, asked=True)
    assert reply.status == 200
    assert reply.headers["content-type"].startswith(kind)
    again = ask(root, path, asked=True, if_none_match=reply.headers["etag"])
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize("path", ["/static/secret.py", "/static/../users.json", "/languages/.."])
def test_nothing_else_is_answered(path: str, root: Path) -> None:
    assert ask(root, path).status == 404
