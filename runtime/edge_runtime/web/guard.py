"""What every request has to be, and what every answer says: against other sites and other names.

A page on another site can let a browser send requests to this one, and a name of its own can be
made to lead here (DNS rebinding). So the name that a request calls this page by has to be one of
its own, and a request that changes or costs something may not come from elsewhere.
"""

from __future__ import annotations

import ipaddress
import socket
from time import perf_counter
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders

from edge_runtime.web.problems import Problem
from edge_runtime.web.settings import is_loopback

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from edge_runtime.web.metrics import PageMetrics
    from edge_runtime.web.settings import Settings

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_HARMLESS = ("GET", "HEAD", "OPTIONS")
_YEAR = 31_536_000  # seconds


class Guard:
    """Looks at each request before anything else does, and counts it."""

    def __init__(self, app: ASGIApp, settings: Settings, metrics: PageMetrics) -> None:
        self._app = app
        self._metrics = metrics
        self._only_here = is_loopback(settings.host)
        names = {"localhost", *(name.lower().rstrip(".") for name in settings.hosts)}
        if not self._only_here:
            own = socket.gethostname().lower()
            names |= {own, own.partition(".")[0], f"{own.partition('.')[0]}.local"}
            names |= {settings.host.lower(), socket.getfqdn().lower()}
        self._names = frozenset(names)
        self._headers = dict(HEADERS)
        if settings.tls:
            self._headers["Strict-Transport-Security"] = f"max-age={_YEAR}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = perf_counter(), 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            headers = Headers(scope=scope)
            require_one_length(headers)
            self.require_own(scope["method"], headers)
            await self._app(scope, receive, send_with_headers)
        except Problem as problem:
            await problem.response()(scope, receive, send_with_headers)
        finally:
            self._metrics.request(scope["path"], status, perf_counter() - started)

    def require_own(self, method: str, headers: Headers) -> None:
        """Refuse a request that calls this page by a foreign name, or comes from another site.

        Raises:
            Problem: it does.
        """
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._is_own(hosts[0]):
            cure = "use its address, or name it with --name where it is started"
            raise Problem(421, "wrong_host", "the page has no such name", cure)
        if method in _HARMLESS:
            return
        origins = headers.getlist("origin")
        foreign = any(_netloc(origin) != hosts[0].lower() for origin in origins)
        if foreign or headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise Problem(403, "cross_site", "it comes from another site")

    def _is_own(self, host: str) -> bool:
        """Tell whether `host` is a name of this page; an address cannot be turned to lead here."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if "@" in host or "/" in host:
            return False
        if name in self._names:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or not self._only_here


def require_one_length(headers: Headers) -> None:
    """Refuse a body with two ends: a proxy may believe in the other one (RFC 9112, 6.3).

    Raises:
        Problem: it has both a length and parts of their own lengths.
    """
    if "transfer-encoding" in headers and "content-length" in headers:
        detail = "the body has a length and parts as well"
        raise Problem(400, "bad_request", detail, headers={"Connection": "close"})


def _netloc(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:
        return None
