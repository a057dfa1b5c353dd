"""Whatever is sent, the page answers honestly, its memory stays flat, and it goes on."""

from __future__ import annotations

import json
import socket
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest

from fuzz.hostile import KINDS
from served import Reply, Served, served
from tiny_bundle import encoded, film_image

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc"),
]

MOST = 400.0
"""MiB that the page and its processes may take, whatever is sent, in a gigabyte of memory."""
FEW = 48.0
"""MiB that a body may cost that nobody keeps."""
HOSTILE = (
    *("text of 1.6 GB unpacked, in 8 chunks.png", "a million chunks.png"),
    *("20,000 scans of 2,000 pixels.jpg", "a million chunks.webp", "runs that go nowhere.bmp"),
    *("a million directories.tif", "10 million offsets of strips.tif", "a view of 30 MB.dcm"),
    *("10 million window centres.dcm", "2.5 million tiny elements.dcm", "deflated 512 MB.dcm"),
    *("100,000 sequences in each other.dcm", "RLE of 6 MB that unpacks to 400 MB.dcm"),
)
"""Those of `tests/fuzz/hostile.py` that cost a reader the most."""
GIGABYTE = 1 << 30
BUNDLE = Path(__file__).parents[3] / "models" / "clinic-xray-0.2.2.edge"


@pytest.fixture(scope="module")
def small() -> Iterator[Served]:
    """Return a page of the shipped bundle on a machine of one gigabyte."""
    with served("serve", BUNDLE, "--memory", "160") as found:
        yield found


@contextmanager
def peak(page: Served) -> Iterator[list[float]]:
    """Yield a list that has the most MiB at its end, once the block has ended."""
    seen, end = [page.memory()], Event()

    def watch() -> None:
        while not end.wait(0.02):
            seen.append(page.memory())

    thread = Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        end.set()
        thread.join()
        seen.append(max(seen))


def answer_of(connection: socket.socket) -> int:
    """Return the status that came, 0 where the connection was cut off before."""
    try:
        found = connection.recv(64)
    except OSError:
        return 0
    return int(found.split()[1]) if found.startswith(b"HTTP/1.1") else 0


def head(page: Served, extra: str) -> bytes:
    return (
        f"POST /api/classify HTTP/1.1\r\nHost: {page.host}:{page.port}\r\n{extra}\r\n\r\n"
    ).encode()


@pytest.mark.parametrize("way", ["length", "chunked"])
def test_two_gigabytes_are_refused_and_cost_no_memory(way: str, small: Served) -> None:
    part = bytes(1 << 20)
    framed = b"%x\r\n%b\r\n" % (len(part), part) if way == "chunked" else part
    extra = "Transfer-Encoding: chunked"
    if way == "length":
        extra = f"Content-Length: {2 * GIGABYTE}"
    before = small.memory()
    address = (small.host, small.port)
    with peak(small) as seen, closing(socket.create_connection(address, timeout=60)) as sent:
        sent.sendall(head(small, extra))
        for _ in range(2 * GIGABYTE // len(part)):
            sent.sendall(framed)
        if way == "chunked":
            sent.sendall(b"0\r\n\r\n")
        assert answer_of(sent) == 413
    largest = 0 if way == "length" else 160 / 4
    assert seen[-1] < before + largest * 2 + FEW


def test_hostile_files_are_answered_within_the_memory_of_a_small_machine(
    small: Served, tmp_path: Path
) -> None:
    for name in HOSTILE:
        KINDS[name](tmp_path / name)
    films = [tmp_path / name for name in HOSTILE for _ in range(2)]

    def ask(film: Path) -> Reply:
        return small.ask("/api/classify", film.read_bytes())

    with peak(small) as seen, ThreadPoolExecutor(8) as threads:
        statuses = Counter(reply.status for reply in threads.map(ask, films))
    assert statuses.keys() <= {200, 413, 422, 503}
    assert seen[-1] < MOST
    good = small.ask("/api/classify", encoded(film_image(400, 400)))
    assert good.status == 200


def test_five_hundred_uploads_at_once_get_answers_or_honest_refusals(small: Served) -> None:
    film = encoded(film_image(700, 700))

    def ask(number: int) -> Reply:
        return small.ask("/api/classify", film, headers={"X-Film-Name": f"{number}.png"})

    with peak(small) as seen, ThreadPoolExecutor(500) as threads:
        replies = list(threads.map(ask, range(500)))
    assert {reply.status for reply in replies} <= {200, 429, 503}
    assert sum(reply.status == 200 for reply in replies) >= 32
    for reply in replies:
        if reply.status == 200:
            assert reply.json["file"].endswith(".png")
        else:
            assert int(reply.headers["retry-after"]) > 0
            assert reply.json["reason"] == "busy"
    names = {reply.json["file"] for reply in replies if reply.status == 200}
    assert len(names) == sum(reply.status == 200 for reply in replies)  # nobody has another's
    assert seen[-1] < MOST


def test_large_films_at_once_wait_with_their_clients(small: Served) -> None:
    film = bytes(30 << 20)
    with peak(small) as seen, ThreadPoolExecutor(12) as threads:
        replies = list(threads.map(lambda _: small.ask("/api/view", film).status, range(12)))
    assert {*replies} <= {422, 503}
    assert seen[-1] < MOST


def test_many_slow_heads_keep_nobody_out(small: Served) -> None:
    address = (small.host, small.port)
    slow = [socket.create_connection(address, timeout=60) for _ in range(300)]
    try:
        for connection in slow:
            connection.sendall(b"POST /api/classify HTTP/1.1\r\nX-Slow: ")
        assert small.ask("/api/classify", encoded(film_image())).status == 200
    finally:
        for connection in slow:
            connection.close()


def test_a_slow_body_is_given_up_and_its_place_is_free_again(tiny: Path, tmp_path: Path) -> None:
    hurry = tmp_path / "sitecustomize.py"
    hurry.write_text("import edge_runtime.web.body as body\nbody.PAUSE = 0.3\n")
    runtime = Path(__file__).parents[3] / "runtime"
    with served("serve", tiny, PYTHONPATH=f"{tmp_path}:{runtime}") as page:
        address = (page.host, page.port)
        slow = [socket.create_connection(address, timeout=60) for _ in range(40)]
        for connection in slow:
            connection.sendall(head(page, "Content-Length: 1000") + b"x")
        statuses = {answer_of(connection) for connection in slow}
        for connection in slow:
            connection.close()
        assert statuses == {408}
        assert page.ask("/api/classify", encoded(film_image())).status == 200


@pytest.mark.parametrize(
    "name",
    ["=cmd|' /C calc'!A0", "../../../etc/passwd", "\x1b]0;owned\x07", "a\r\nSet-Cookie: x=1"],
)
def test_a_hostile_name_is_harmless_and_nowhere_but_in_the_answer(
    name: str, tiny: Path, tmp_path: Path
) -> None:
    from urllib.parse import quote

    changes = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    with served("serve", tiny, **changes) as page:
        reply = page.ask(
            "/api/classify", encoded(film_image()), headers={"X-Film-Name": quote(name)}
        )
        assert reply.status == 200
        assert "set-cookie" not in {header.lower() for header in reply.headers}
        told = reply.json["file"]
        assert told.isprintable()
        assert told[0] not in "=+-@"
        page.process.terminate()
        said = page.process.communicate()[1]
    assert not [*tmp_path.rglob("*")]
    assert name not in said
    assert told not in said


def test_two_requests_in_one_are_no_request_for_somebody_else(small: Served) -> None:
    body = b"0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
    extra = f"Content-Length: {len(body)}\r\nTransfer-Encoding: chunked"
    with closing(socket.create_connection((small.host, small.port), timeout=60)) as sent:
        sent.sendall(head(small, extra) + body)
        parts = []
        sent.settimeout(60)
        while part := sent.recv(1 << 16):
            parts.append(part)
    heard = b"".join(parts)
    assert heard.startswith(b"HTTP/1.1 400")
    assert heard.count(b"HTTP/1.1") == 1


def test_the_page_goes_on_after_all_that(small: Served) -> None:
    assert small.process.poll() is None
    assert json.loads(small.ask("/health").body)["status"] == "ok"
    assert small.memory() < MOST
