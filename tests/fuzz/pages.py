"""Damaged requests in HTTP/1.1, put to the page's protocol and application without a socket."""

from __future__ import annotations

import asyncio
import atexit
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, cast

import h11
import uvicorn
from uvicorn.server import ServerState

from edge_runtime.web.app import application
from edge_runtime.web.films import FilmService
from edge_runtime.web.guard import HEADERS
from edge_runtime.web.passwords import fingerprint, hashed
from edge_runtime.web.protocol import PatientProtocol
from edge_runtime.web.settings import Settings
from edge_runtime.web.users import Users, UsersFile, write_users
from fuzz.mutate import ANY, damaged
from tiny_bundle import encoded, film_image, write_tiny_bundle

_TOKEN = "the token of a program"  # noqa: S105
_METHODS = (b"GET", b"POST", b"HEAD", b"OPTIONS", b"PUT", b"TRACE", b"CONNECT", b"GE T", b"")
_PATHS = (
    *(b"/", b"/login", b"/logout", b"/api/session", b"/api/classify", b"/api/pixels", b"/api/view"),
    *(b"/api/heatmap", b"/health", b"/metrics", b"/model", b"/card", b"/openapi.json", b"*"),
    *(b"/static/../../etc/passwd", b"/static/%2e%2e/x", b"/static/page.js", b"//x/", b"/%00"),
    *(b"http://localhost/health", b"/health?x=%ff", b"/api/classify;x", b"/\xff", b"/a" * 9000),
)
_FIELDS = (
    *(b"Host: localhost", b"Host: elsewhere", b"Host: [::1", b"Host: a@localhost", b"Host:"),
    *(b"Origin: http://localhost", b"Origin: http://[", b"Origin: null", b"Expect: 100-continue"),
    *(b"Sec-Fetch-Site: cross-site", b"Content-Length: 5", b"Content-Length: -1", b"X: \xff\xfe"),
    *(b"Content-Length: 1, 1", b"Content-Length: 99999999999999999999", b"Upgrade: h2c"),
    *(b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip", b"Connection: close"),
    *(b"X-Film-Name: %00%ff", b"X-Film-Name: a%2fb.png", b"X-Film-Name: " + b"a" * 5000),
    *(b"Cookie: edge-session=x", b"Cookie: edge-session=" + b"\xff" * 40, b"Cookie: ;;=;"),
    *(b"Authorization: Bearer " + _TOKEN.encode(), b"Authorization: Basic x", b"Range: bytes=9-"),
    *(b"Authorization: Bearer \xe9", b"If-None-Match: *", b"Accept: */*;q=x", b" folded: yes"),
    *(b"Content-Type: application/json", b"Content-Type: multipart/form-data; boundary=x"),
)
_BODIES = (
    *(b"", b"hello", b"{}", b'{"user": "anna", "password": 1}', b'{"token": "x"}', b"[" * 9000),
    *(b'{"token": null}', b'{"user": "a", "password": "\\ud800"}', b"5\r\nhello\r\n0\r\n\r\n"),
    *(b"fffffffff\r\n", b"5;x=y\r\nhello\r\n0\r\nA: b\r\n\r\n"),
)
_ROUNDS = 2000
"""Turns of the loop, 5 ms each at most, after which a request counts as waiting for more."""


class _Wire:
    """A transport that keeps what is written to it."""

    def __init__(self) -> None:
        self.sent = bytearray()
        self.closed = False

    def write(self, data: bytes) -> None:
        self.sent += data

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def get_write_buffer_size(self) -> int:
        return 0

    def get_extra_info(self, name: str, default: object = None) -> object:
        return {"peername": ("127.0.0.1", 5000), "sockname": ("127.0.0.1", 80)}.get(name, default)

    def pause_reading(self) -> None:
        """Go on: all that comes is here."""

    resume_reading = pause_reading


class _Page:
    """The application that serves one request after the other, each on a connection of its own."""

    def __init__(self, films: FilmService, settings: Settings, users: UsersFile | None) -> None:
        app = application(films, settings, users=users)
        self._config = uvicorn.Config(
            app, http=PatientProtocol, ws="none", lifespan="off", log_config=None,
            proxy_headers=False, server_header=False, h11_max_incomplete_event_size=16 << 10,
        )  # fmt: skip
        self._config.load()

    async def answer(self, data: bytes) -> tuple[bytes, bool, list[str]]:
        """Return what is answered, whether the page hung up, and failures that nobody caught."""
        failures: list[str] = []
        loop, wire, state = asyncio.get_running_loop(), _Wire(), ServerState()
        loop.set_exception_handler(lambda _, told: failures.append(repr(told)))
        protocol = PatientProtocol(config=self._config, server_state=state, app_state={})
        protocol.connection_made(cast("asyncio.Transport", wire))
        protocol.data_received(data)
        for _ in range(_ROUNDS):
            if wire.closed or not state.tasks:
                break
            if _waits(protocol):  # for a body that does not come
                break
            await asyncio.sleep(0.005)
        hung_up = wire.closed
        protocol.connection_lost(None)
        if state.tasks:
            await asyncio.wait(set(state.tasks), timeout=30)
        return bytes(wire.sent), hung_up, failures


def _waits(protocol: PatientProtocol) -> bool:
    cycle = protocol.cycle
    return cycle is not None and cycle.more_body and not cycle.response_complete


def page_case() -> Callable[[Random], tuple[bytes, Callable[[bytes], str]]]:
    """Return what writes requests, right and wrong ones, and has them answered by two pages."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    users = folder / "users.json"
    write_users(users, Users({"anna": hashed("a long enough one")}, {"pacs": fingerprint(_TOKEN)}))
    films = FilmService(str(write_tiny_bundle(folder / "tiny.edge")), Settings())
    pages = [
        _Page(films, Settings(), None),
        _Page(films, Settings(host="10.0.0.1", login=True), UsersFile(users)),
    ]
    runner = asyncio.Runner()
    atexit.register(runner.close)
    atexit.register(films.close)

    def judge(data: bytes) -> str:
        page = pages[zlib.crc32(data) % 4 == 0]  # most go to the page that lets everybody in
        said, hung_up, failures = runner.run(page.answer(data))
        assert not failures, failures
        # It hangs up on what follows a request that it has not answered yet, and is no request.
        return _status(said) or ("hung up" if hung_up else "waits for more")

    film = encoded(film_image())

    def case(chance: Random) -> tuple[bytes, Callable[[bytes], str]]:
        data = b"".join(_request(chance, film) for _ in range(chance.choice((1, 1, 1, 2, 3))))
        return (bytes(damaged(data, chance, [data], ANY)) if chance.random() < 0.5 else data), judge

    return case


def _request(chance: Random, film: bytes) -> bytes:
    """Return a request: half of them might come from a client of ours."""
    body = chance.choice((film, film, *_BODIES))
    usual = chance.random() < 0.5
    method = chance.choice(_METHODS[:2] if usual else _METHODS)
    fields = [b"Host: localhost"] if usual or chance.random() < 0.7 else []
    if usual or chance.random() < 0.5:
        fields.append(b"Content-Length: %d" % len(body))
    fields += chance.choices(_FIELDS, k=chance.choice((0, 0, 1, 2, 5)))
    version = b"1.1" if usual else chance.choice((b"1.1", b"1.0", b"2", b"1.1 "))
    head = b"%b %b HTTP/%b" % (method, chance.choice(_PATHS), version)
    return b"\r\n".join([head, *fields, b"", body])


def _status(said: bytes) -> str:
    """Return the status of the first answer, which has to be hardened; nothing for none."""
    reader = h11.Connection(h11.CLIENT)
    reader.send(h11.Request(method="GET", target="/", headers=[("Host", "localhost")]))
    if not said:
        return ""
    reader.receive_data(said)
    event: Any = reader.next_event()
    while isinstance(event, h11.InformationalResponse):
        event = reader.next_event()
    if event is h11.NEED_DATA:
        return ""
    status, names = event.status_code, {name.decode() for name, _ in event.headers}
    assert status != 500, said[:2000]
    # What is no HTTP is refused by the protocol itself, which has no headers of ours.
    assert status == 400 or {name.lower() for name in HEADERS} <= names, said[:2000]
    assert b"Traceback" not in said
    return str(status)
