"""Serving a page until a signal ends it."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.server import HANDLED_SIGNALS

from edge_runtime.errors import UsageError
from edge_runtime.web.protocol import PatientProtocol

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

    from starlette.types import ASGIApp

KEEP_ALIVE = 15
"""Seconds that a connection without a request is kept."""
_HANDSHAKE = 10.0  # seconds until TLS has to be agreed on
_LAST = 5  # seconds that requests have when the page ends
_HEAD = 16 << 10  # bytes of a request's head
_BACKLOG = 512
_FILES = 4096  # descriptors that are asked for, where the system gives fewer at first


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens on `host`.

    Raises:
        UsageError: `host` is no name of this machine, or `port` is taken.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        return socket.create_server(
            (str(address[0]), int(address[1])), family=family, backlog=_BACKLOG
        )
    except (OSError, OverflowError, UnicodeError) as error:
        problem = f"cannot be listened on ({getattr(error, 'strerror', None) or error})"
        raise UsageError(f"{host}:{port}", problem, "choose another --host or --port") from error


def reached_at(host: str) -> str:
    """Return an address for others to type: of a host that stands for all, the one of this machine.

    It is that by which packets would leave; none is sent.
    """
    if host not in {"0.0.0.0", "::"}:  # noqa: S104, what was asked for
        return host
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outward:
            outward.connect(("192.0.2.1", 9))  # of RFC 5737, which belongs to nobody
            return str(outward.getsockname()[0])
    except OSError:  # there is no way out: whoever asks knows the machine's name
        return host


def serve(app: ASGIApp, listener: socket.socket, context: ssl.SSLContext | None) -> None:
    """Answer requests until a signal comes, which is raised here once the page has ended."""
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "asyncio"):
        logging.getLogger(name).disabled = True  # they would name files, addresses and users
    _ask_for_descriptors()
    config = uvicorn.Config(
        app,
        http=PatientProtocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=_BACKLOG,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=_LAST,
        h11_max_incomplete_event_size=_HEAD,
    )
    _Server(config, listener, context).run()


class _Server(uvicorn.Server):
    """uvicorn's server on one socket, with a deadline for TLS."""

    def __init__(
        self, config: uvicorn.Config, listener: socket.socket, context: ssl.SSLContext | None
    ) -> None:
        super().__init__(config)
        self._listener = listener
        self._context = context

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End by the signals that uvicorn looks for; what was ignored before is ignored (nohup)."""
        ignored = [
            number for number in HANDLED_SIGNALS if signal.getsignal(number) == signal.SIG_IGN
        ]
        with super().capture_signals():
            for number in ignored:
                signal.signal(number, signal.SIG_IGN)
            yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        del sockets

        def connection() -> PatientProtocol:
            return PatientProtocol(config=self.config, server_state=self.server_state, app_state={})

        handshake = _HANDSHAKE if self._context else None
        server = await asyncio.get_running_loop().create_server(
            connection,
            sock=self._listener,
            ssl=self._context,
            ssl_handshake_timeout=handshake,
            backlog=_BACKLOG,
        )
        self.servers = [server]
        self.started = True


def _ask_for_descriptors() -> None:
    """Let this process have more connections than the usual limit of open files."""
    try:
        import resource
    except ImportError:  # Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
