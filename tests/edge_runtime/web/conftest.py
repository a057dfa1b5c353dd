"""A page in this process, and one in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from asgi import Client
from edge_runtime.web.app import application
from edge_runtime.web.films import FilmService
from edge_runtime.web.passwords import fingerprint, hashed
from edge_runtime.web.settings import Settings
from edge_runtime.web.users import Users, UsersFile, write_users
from page_fixtures import browser, clinic, context, hospital, visited
from served import Served, served

__all__ = ["browser", "clinic", "context", "hospital", "visited"]  # fixtures of test_page_*

PASSWORD = "a long enough one"  # noqa: S105
TOKEN = "the token of a program"  # noqa: S105

Make = Callable[..., Client]


@pytest.fixture(scope="session")
def films(tiny: Path) -> Iterator[FilmService]:
    """Return what judges films by the tiny bundle."""
    with FilmService(str(tiny), Settings()) as opened:
        yield opened


@pytest.fixture
def make(films: FilmService) -> Iterator[Make]:
    """Return a function that makes a page with these settings."""
    clients = []

    def made(**options: object) -> Client:
        users = options.pop("users", None)
        once = options.pop("once", None)
        settings = Settings(**options)  # type: ignore[arg-type]
        clients.append(Client(application(films, settings, users=users, once=once)))  # type: ignore[arg-type]
        return clients[-1]

    yield made
    for client in clients:
        client.close()


@pytest.fixture
def page(make: Make) -> Client:
    """Return a page that nobody else reaches."""
    return make()


@pytest.fixture(scope="session")
def kept_password() -> str:
    """Return the hash of `PASSWORD`, which takes its time."""
    return hashed(PASSWORD)


@pytest.fixture
def users_path(tmp_path: Path, kept_password: str) -> Path:
    """Return a file with the user anna and the program pacs."""
    path = tmp_path / "users.json"
    write_users(path, Users({"anna": kept_password}, {"pacs": fingerprint(TOKEN)}))
    return path


@pytest.fixture
def guarded(make: Make, users_path: Path) -> Client:
    """Return a page that others reach, with the users of `users_path`."""
    return make(host="10.0.0.1", login=True, users=UsersFile(users_path))


@pytest.fixture(scope="session")
def server(tiny: Path) -> Iterator[Served]:
    """Return the page of a process of its own, which takes as little memory as it can."""
    with served("serve", tiny, "--memory", "160") as found:
        yield found
