"""A client that sends or reads too slowly is cut off, and the page goes on."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, cast

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from edge_runtime.web import protocol
from edge_runtime.web.server import _Server, listening
from served import eventually

LARGE = 16 << 20
Served = Callable[[], socket.socket]


async def _little(request: Request) -> Response:
    del request
    return Response("yes")


async def _much(request: Request) -> Response:
    del request
    return Response(b"x" * LARGE)


@contextmanager
def serving() -> Iterator[tuple[Served, _Server]]:
    """Serve two routes in a thread; yield what connects to them."""
    routes = [Route("/", _little, methods=["GET", "POST"]), Route("/much", _much)]
    config = uvicorn.Config(
        Starlette(routes=routes),
        http=protocol.PatientProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=1,
    )
    listener = listening("127.0.0.1", 0)
    port = listener.getsockname()[1]
    server = _Server(config, listener, None)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield lambda: socket.create_connection(("127.0.0.1", port), timeout=20), server
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """Return what connects to a page of little patience."""
    for name in ("HEADERS", "REST", "READER", "ENDING"):
        monkeypatch.setattr(protocol, name, 0.3)
    with serving() as (found, _):
        yield found


def all_of(connection: socket.socket) -> bytes:
    """Return what comes until the other side ends the connection, which it has to."""
    parts = []
    try:
        while part := connection.recv(1 << 16):
            parts.append(part)
    except ConnectionResetError:
        pass
    except TimeoutError:
        pytest.fail("nobody ended the connection")
    return b"".join(parts)


@pytest.mark.parametrize(
    "sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: 1\r\n"]
)
def test_a_head_that_does_not_end_is_cut_off(sent: bytes, connect: Served) -> None:
    with closing(connect()) as connection:
        connection.sendall(sent)
        assert all_of(connection) == b""


def test_a_second_head_that_does_not_end_is_cut_off(connect: Served) -> None:
    with closing(connect()) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HT")
        answer = all_of(connection)
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.count(b"HTTP/1.1") == 1


def test_a_body_that_nobody_reads_ends_in_time(connect: Served) -> None:
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
    with closing(connect()) as connection:
        connection.sendall(head + b"x")
        assert all_of(connection).endswith(b"yes")


def test_an_answer_that_nobody_takes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "READER", 0.3)
    for name in ("HEADERS", "ENDING"):  # which would do it as well, later
        monkeypatch.setattr(protocol, name, 3600.0)
    with serving() as (connect, server), closing(connect()) as connection:
        connection.sendall(b"GET /much HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(1) == b"H"
        assert eventually(lambda: not server.server_state.connections)


def test_what_is_no_http_is_refused(connect: Served) -> None:
    with closing(connect()) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n")
        assert all_of(connection).startswith(b"HTTP/1.1 400")


def test_a_full_page_drops_who_has_asked_for_nothing_the_longest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(protocol, "MOST", 3)
    monkeypatch.setattr(protocol, "HEADERS", 3600.0)  # which would do it as well, later
    with serving() as (connect, server):
        idle = [connect() for _ in range(3)]
        while len(server.server_state.connections) < 3:
            threading.Event().wait(0.01)
        with closing(connect()) as late:
            late.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert all_of(late).startswith(b"HTTP/1.1 200")
        assert all_of(idle[0]) == b""
        for connection in idle:
            connection.close()


def test_a_patient_client_keeps_its_connection(connect: Served) -> None:
    request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with closing(connect()) as connection:
        for _ in range(5):
            connection.sendall(request)
            answer = b""
            while not answer.endswith(b"yes"):
                answer += connection.recv(1 << 16)
            assert answer.startswith(b"HTTP/1.1 200")


def test_a_client_that_takes_its_answer_slowly_is_waited_for() -> None:
    class Connection:
        """A connection whose timers are run by hand."""

        left, was_cut = 30, False

        def __init__(self) -> None:
            self.transport = self.loop = self
            self.due: list[Callable[[], None]] = []

        def get_write_buffer_size(self) -> int:
            return self.left

        def call_later(self, seconds: float, work: Any, *arguments: Any) -> Any:
            del seconds
            self.due.append(lambda: work(*arguments))
            return self

        def cancel(self) -> None:
            pass

        def cut(self) -> None:
            self.was_cut = True

    connection = Connection()
    protocol.Deadline(cast("Any", connection)).start(10)
    for left in (20, 10):
        connection.left = left
        connection.due.pop()()
        assert not connection.was_cut
    connection.due.pop()()  # nothing was taken meanwhile
    assert connection.was_cut
