"""The page as one ASGI application: guard, login, routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Route

from edge_runtime.web.api import Api
from edge_runtime.web.guard import Guard
from edge_runtime.web.keep import Keeper
from edge_runtime.web.login import Access, Logins
from edge_runtime.web.metrics import PageMetrics
from edge_runtime.web.problems import (
    Problem,
    answer_gone,
    answer_http,
    answer_problem,
    answer_unexpected,
)
from edge_runtime.web.record import Recorder
from edge_runtime.web.static import Static

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from starlette.types import ASGIApp

    from edge_runtime.audit_trail import AuditTrail
    from edge_runtime.web.films import FilmService
    from edge_runtime.web.settings import Settings
    from edge_runtime.web.users import UsersFile


_HANDLERS: Mapping[Any, Any] = {
    Problem: answer_problem,
    HTTPException: answer_http,
    ClientDisconnect: answer_gone,
    Exception: answer_unexpected,
}


def application(
    films: FilmService,
    settings: Settings,
    *,
    users: UsersFile | None = None,
    once: str | None = None,
    more: Sequence[Route] = (),
    trail: AuditTrail | None = None,
) -> ASGIApp:
    """Return the application that answers with `films`.

    `users` may log in, and `once` is a token for one login; `more` are routes beside ours. Each
    answer is in `trail` before it is given.

    Raises:
        CannotWrite: films are to be kept where nothing can be written.
    """
    metrics = PageMetrics()
    told = {"kept": settings.keep is not None, "demo": bool(more)}
    logins = Logins(
        metrics, required=settings.login, tls=settings.tls, users=users, once=once, told=told
    )
    keeper = Keeper(settings.keep) if settings.keep else None
    recorder = Recorder(trail, films, logins.user_of) if trail else None
    routes = [
        *Api(films, metrics, keeper=keeper, recorder=recorder).routes(),
        *logins.routes(),
        *more,
        *Static().routes(logins.needs_login),
    ]
    metrics.know(frozenset(route.path for route in routes if "{" not in route.path))
    app = Starlette(routes=routes, exception_handlers=_HANDLERS)
    app.router.redirect_slashes = False
    return Guard(Access(app, logins), settings, metrics)
