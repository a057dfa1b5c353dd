"""Who is asked to log in, and how: by a cookie that a login gave, or by a token of a program."""

from __future__ import annotations

import asyncio
import hmac
import json
import math
from typing import TYPE_CHECKING

from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from edge_runtime.web.body import read_body, refuse_longer
from edge_runtime.web.limiter import Limiter
from edge_runtime.web.passwords import MOST, fingerprint, matches, of_nobody
from edge_runtime.web.problems import Problem
from edge_runtime.web.sessions import Sessions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from edge_runtime.web.metrics import PageMetrics
    from edge_runtime.web.users import UsersFile

OPEN = ("/", "/login", "/logout", "/health", "/api/session")
"""What anybody may ask for; so is whatever lies below `OPEN_BELOW`."""
OPEN_BELOW = ("/static/", "/languages/")
ONE_TIME_USER = "demo"
_LARGEST = 16 << 10  # bytes of a login
_HASHES = 2  # at once: each takes memory and a processor


class Logins:
    """The logins of one page; `once` is a token for one login, where there is one.

    `told` is what the page is told beside who has logged in.
    """

    def __init__(
        self,
        metrics: PageMetrics,
        *,
        required: bool,
        tls: bool,
        users: UsersFile | None = None,
        once: str | None = None,
        told: Mapping[str, bool] | None = None,
    ) -> None:
        self.required = required
        self._told = dict(told or {})
        self.limiter = Limiter()
        self.sessions = Sessions()
        self._metrics, self._users = metrics, users
        self._once = None if once is None else fingerprint(once)
        self._is_token_login = once is not None
        self._secure = tls
        self.cookie = "__Host-edge-session" if tls else "edge-session"
        self._hashing = asyncio.Semaphore(_HASHES)
        self._nobody = of_nobody()  # so that unknown names take as long

    def routes(self) -> list[Route]:
        """Return the routes of the login."""
        return [
            Route("/login", self.login, methods=["POST"]),
            Route("/logout", self.logout, methods=["POST"]),
            Route("/api/session", self.session),
        ]

    def user_of(self, connection: HTTPConnection) -> str | None:
        """Return who has logged in, or whose token it is."""
        secret = connection.cookies.get(self.cookie)
        if secret and (user := self.sessions.user_of(secret, self._proof_of)):
            return user
        kind, _, token = connection.headers.get("authorization", "").partition(" ")
        if self._users and kind.lower() == "bearer" and token:
            return self._users.now().of_token(token.strip())
        return None

    def needs_login(self, connection: HTTPConnection) -> bool:
        """Tell whether nobody has logged in where somebody has to."""
        return self.required and self.user_of(connection) is None

    async def session(self, request: Request) -> Response:
        """Tell whether a login is needed, and who has logged in."""
        state = {
            "login_required": self.required,
            "user": self.user_of(request),
            "token_login": self._is_token_login,
            **self._told,
        }
        return JSONResponse(state)

    async def login(self, request: Request) -> Response:
        """Let somebody in by a name and a password, or by the token for one login."""
        given = await _login_of(request)
        address = request.client.host if request.client else ""
        token = given.get("token")
        user = ONE_TIME_USER if token is not None else given["user"]
        self._require_patience(user, address)
        self.limiter.failed(user, address)  # before the hash is there: many at once are not free
        if token is None:
            proof = await self._proof_of_password(user, given["password"])
        else:
            proof = self._proof_of_token(token)
        if proof is None:
            self._metrics.login("wrong")
            detail = "name or password is wrong" if token is None else "the token is used or wrong"
            raise Problem(401, "wrong_login", detail, "try again")
        self.limiter.forgive(user, address)
        self._metrics.login("ok")
        self._end(request)
        response = Response(status_code=204)
        secret = self.sessions.begin(user, proof)
        response.set_cookie(  # of no age, so that it ends with the browser; the session may earlier
            self.cookie, secret, path="/", secure=self._secure, httponly=True, samesite="strict"
        )
        return response

    async def logout(self, request: Request) -> Response:
        """End the session of a cookie: who has a copy of it has nothing."""
        self._end(request)
        response = Response(status_code=204)
        response.delete_cookie(
            self.cookie, path="/", secure=self._secure, httponly=True, samesite="strict"
        )
        return response

    def _end(self, request: Request) -> None:
        if secret := request.cookies.get(self.cookie):
            self.sessions.end(secret)

    def _require_patience(self, user: str, address: str) -> None:
        wait = self.limiter.wait(user, address)
        if wait > 0:
            self._metrics.login("limited")
            headers = {"Retry-After": str(math.ceil(wait))}
            raise Problem(429, "locked_out", "too many failures", "wait", headers=headers)

    async def _proof_of_password(self, user: str, password: str) -> str | None:
        """Return what is kept of the password, if it is the user's."""
        kept = self._users.now().passwords.get(user) if self._users else None
        async with self._hashing:
            right = await asyncio.to_thread(matches, password, kept or self._nobody)
        return kept if right else None

    def _proof_of_token(self, token: str) -> str | None:
        """Return the proof of the token for one login, which is used up by that."""
        if self._once and hmac.compare_digest(fingerprint(token), self._once):
            self._once = None
            return ONE_TIME_USER
        return None

    def _proof_of(self, user: str) -> str | None:
        """Return what a session of `user` has to have been begun with."""
        if self._is_token_login and user == ONE_TIME_USER:
            return ONE_TIME_USER
        return self._users.now().passwords.get(user) if self._users else None


async def _login_of(request: Request) -> dict[str, str]:
    """Return the texts of a login's body.

    Raises:
        Problem: it is none.
    """
    refuse_longer(request, _LARGEST)
    try:
        given = json.loads(await read_body(request, _LARGEST))
    except (ValueError, RecursionError):
        given = None
    names = ({"user", "password"}, {"token"})
    if not isinstance(given, dict) or given.keys() not in names:
        raise Problem(400, "bad_request", "it is no login", "send user and password, or a token")
    if not all(isinstance(text, str) and 0 < len(text) <= MOST for text in given.values()):
        raise Problem(400, "bad_request", "it is no login", f"send texts of 1 to {MOST} characters")
    return given


class Access:
    """Answers what anybody may ask for, and the rest to those who have logged in."""

    def __init__(self, app: ASGIApp, logins: Logins) -> None:
        self._app = app
        self._logins = logins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or ask for a login."""
        asked = scope["type"] == "http" and not _is_open(scope["path"])
        if asked and self._logins.needs_login(HTTPConnection(scope)):
            headers = {"WWW-Authenticate": "Bearer"}
            cure = "log in, or send a token: Authorization: Bearer TOKEN"
            raise Problem(401, "login_needed", "nobody has logged in", cure, headers=headers)
        await self._app(scope, receive, send)


def _is_open(path: str) -> bool:
    return path in OPEN or path.startswith(OPEN_BELOW)
