"""A repository and a box in one folder, with whatever an attacker between them may do."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata
from tuf.api.serialization.json import JSONSerializer

from edge_export.repository.keys import KeyFolder
from edge_export.repository.repository import ModelRepository
from edge_runtime.errors import EdgeError
from edge_runtime.installation.record import Following
from edge_runtime.installation.store import ModelStore
from edge_runtime.updates import client
from edge_runtime.updates.fetching import BoundedFetcher, reading_folder, reading_http
from edge_runtime.updates.trusted import TRUST, Trusted
from edge_runtime.updates.update import update
from update_bed import model

NOW = datetime(2026, 12, 1, tzinfo=UTC)
Body = Callable[[str], Iterator[bytes]]
"""What a server says for a path: pieces of a body, of which no length is told."""


class Simulated:
    """A maker's repository, what a server or a stick has of it, and a box, by one clock.

    `days` is how far the clock has gone. `body` answers in place of the server's files where it
    gives something.
    """

    def __init__(self, folder: Path, monkeypatch: Any, *, http: bool) -> None:
        self.folder, self.http, self.days = folder, http, 0.0
        self.body: dict[str, Body] = {}
        self.maker = ModelRepository(folder / "maker", folder / "keys", self.clock)
        self.root = self.maker.init()
        self.mirror = folder / "mirror"
        self.said: list[str] = []
        self._patch = monkeypatch
        self.box_clock: Callable[[], datetime] = self.clock
        self.patience, self.least_rate = 20.0, 1024.0
        trusted = Trusted.beginning(self.root.read_bytes(), self.root)
        self.store = ModelStore.made(str(folder / "store"), {TRUST: trusted.to_bytes()})

    def clock(self) -> datetime:
        """Return the time of the maker."""
        return NOW + timedelta(days=self.days)

    def publish(self, *numbers: int, channel: str = "stable", percent: int = 100) -> None:
        """Publish the tiny models of these numbers."""
        for number in numbers:
            path = model(self.folder, number)
            self.maker.add(path, channel=channel, percent=percent)
        self.maker.publish()

    def copy(self) -> None:
        """Bring the mirror to what the maker published."""
        shutil.rmtree(self.mirror, ignore_errors=True)
        shutil.copytree(self.maker.folder, self.mirror)

    def file(self, name: str) -> Path:
        """Return a file of the mirror's metadata."""
        return self.mirror / "metadata" / name

    def update(self, *, again: bool = False) -> None:
        """Let the box update from the mirror."""
        with self._source() as (address, fetcher), self.store.writing():
            self._patch.setattr("edge_runtime.updates.update.opened", _opened_at(self.box_clock))
            update(self.store, address, fetcher, self.said.append, again=again)

    def follow(self, **changes: Any) -> None:
        """Let the box follow another channel, region or model."""
        following = replace(Following(), **changes)
        self.store.change(replace(self.store.state, following=following))

    @property
    def release(self) -> int:
        """The release that answers on the box, 0 for none."""
        current = self.store.state.current
        return current.release if current else 0

    @contextmanager
    def _source(self) -> Iterator[tuple[str, BoundedFetcher]]:
        options = {"patience": self.patience, "least_rate": self.least_rate}
        if self.http:
            with serving(self.mirror, self.body) as address:
                yield address, BoundedFetcher(reading_http(5.0), **options)
            return
        address = str(self.mirror)

        def read(url: str) -> Iterator[bytes]:
            told = self.body.get(url.removeprefix(address))
            return told(url) if told else reading_folder(address)(url)

        yield address, BoundedFetcher(read, **options)


def _opened_at(clock: Callable[[], datetime]) -> Any:
    @contextmanager
    def opened(address: str, fetcher: Any, trusted: Trusted) -> Iterator[client.Repository]:
        from tempfile import TemporaryDirectory

        with TemporaryDirectory() as name:
            yield client.Repository(address, fetcher, trusted, Path(name), clock)

    return opened


def forged(path: Path, signers: list[Any], change: Callable[[Any], None] | None = None) -> None:
    """Sign a file of metadata with these keys, after `change` if there is one."""
    metadata: Metadata[Any] = Metadata.from_file(str(path))
    if change:
        change(metadata.signed)
    metadata.signatures.clear()
    for signer in signers:
        metadata.sign(signer, append=True)
    path.write_bytes(metadata.to_bytes(JSONSerializer(compact=False)))


@contextmanager
def serving(folder: Path, body: dict[str, Body]) -> Iterator[str]:
    """Serve a folder on this machine alone; `body` has what is said instead, by path."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told = body.get(self.path)
            path = folder / self.path.lstrip("/")
            if not told and not path.is_file():
                self.send_error(404)
                return
            self.send_response(200)
            if not told:
                self.send_header("Content-Length", str(path.stat().st_size))
            self.end_headers()
            try:
                for piece in told(self.path) if told else iter([path.read_bytes()]):
                    self.wfile.write(piece)
            except OSError:  # whoever asked has gone
                return

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def endless(_: str) -> Iterator[bytes]:
    """Give 32 MiB of spaces: eight times what any bound allows, and an end for who has none."""
    yield from [b" " * 65536] * 512


def dripping(_: str) -> Iterator[bytes]:
    """Give a byte now and then, for ten seconds, in which patience has to end."""
    for piece in [b" "] * 200:
        time.sleep(0.05)
        yield piece


def keys_of(simulated: Simulated, role: str) -> list[CryptoSigner]:
    """Return the newest key of a role, as a thief has it."""
    folder = simulated.maker.keys.folder
    newest = max(folder.glob(f"{role}-*.pem"), key=lambda path: int(path.stem.rpartition("-")[2]))
    alone = folder.parent / f"stolen-{newest.name}"
    alone.mkdir(mode=0o700, exist_ok=True)
    shutil.copy(newest, alone)
    return [*KeyFolder(alone).signers().values()]


def refused(simulated: Simulated, kind: type[EdgeError], match: str) -> None:
    """Update, which has to be refused so, and leave the box with the release that it had."""
    before = simulated.store.state.current
    with pytest.raises(kind, match=match):
        simulated.update()
    state = simulated.store.state
    assert state.current == before
    assert state.pending is None
    assert before is None or simulated.store.is_whole(before.identity)


def version(simulated: Simulated, role: str) -> int:
    return simulated.maker.metadata.version(role)
