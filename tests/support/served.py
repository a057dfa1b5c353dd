"""A page that is served by a process of its own, and what a client says to it."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tiny_bundle import command, environment

PATIENCE = 60.0
"""Seconds after which a test gives up; none passes by waiting that long."""


class Reply(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The document in the body."""
        return json.loads(self.body)


class Served:
    """A page at `url`, served by `process`."""

    def __init__(self, url: str, process: subprocess.Popen[str]) -> None:
        self.url = url
        self.process = process
        parts = urlsplit(url)
        assert parts.hostname and parts.port
        self.host, self.port = parts.hostname, parts.port

    def ask(
        self,
        path: str,
        body: bytes | None = None,
        *,
        method: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Return the answer to one request on a connection of its own."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=PATIENCE)
        try:
            method = method or ("GET" if body is None else "POST")
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return Reply(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def memory(self) -> float:
        """Return the MiB that the page and its processes take now, shared pages once."""
        return sum(_proportional(pid) for pid in self.processes()) / 1024

    def processes(self) -> list[int]:
        """Return the page's own number, and those of the processes that it started."""
        found = [self.process.pid]
        for place in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = place.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == self.process.pid:
                found.append(int(place.parent.name))
        return found


def _proportional(pid: int) -> int:
    """Return the KiB that a process takes, its part of what it shares among them."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:  # it has just ended
        return 0
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))


@contextmanager
def served(*arguments: object, **changes: str) -> Iterator[Served]:
    """Serve with these arguments of `edge-run` until the block ends."""
    process = subprocess.Popen(
        command(*arguments, "--port", "0"),
        env=environment(**changes),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        url = process.stdout.readline().strip()
        if not url:
            raise AssertionError(process.communicate(timeout=PATIENCE)[1])
        yield Served(url, process)
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)


def eventually(condition: Callable[[], bool]) -> bool:
    """Tell whether something comes true before patience ends."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


def home(folder: Path) -> dict[str, str]:
    """Return the variables of a user whose data folder lies in `folder`."""
    return {"XDG_DATA_HOME": str(folder), "HOME": str(folder), "PATH": os.environ["PATH"]}
