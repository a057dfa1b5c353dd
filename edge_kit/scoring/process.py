"""A worker from the side of who gives it parts: started, watched, and started anew where it dies.

A film that ends its worker is tried once more. One that does it twice is not read again: its row is
an error, and the other films of the part have theirs.
"""

from __future__ import annotations

import select
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from time import monotonic
from typing import Any, BinaryIO, cast

from edge_kit.scoring.board import IDLE, At, Board
from edge_kit.scoring.manifest import ArchivePart
from edge_runtime import errors
from edge_runtime.errors import EdgeError
from edge_runtime.isolation.child import ending, own_environment
from edge_runtime.isolation.messages import Broken, receive, send

CLOCK = 300.0
"""Seconds that one film may take, a slow store and all, before its worker is ended."""
_STARTS = 3  # failures in a row before a worker has come to its first film
_LOOK = 1.0  # seconds between two looks at the clock


@dataclass(frozen=True, slots=True)
class Setup:
    """What a worker needs to know before its first part; `results` is a folder."""

    bundle: str
    identity: str
    engine: str
    results: str
    manifest: str


class Worker:
    """A process that scores one part at a time, as often replaced as films end it."""

    def __init__(self, setup: Setup, clock: float = CLOCK) -> None:
        """Start the process.

        Raises:
            EdgeError: it does not start, or cannot open the bundle.
        """
        self._setup, self._clock = setup, clock
        self._file = tempfile.TemporaryFile()  # noqa: SIM115, closed with the worker
        self._board = Board(self._file.fileno())
        self._before = At()  # of the processes that were replaced
        self._closed = False
        self._process = self._started()

    def at(self) -> At:
        """Return the row that the worker is at, and what it has done, its predecessors included."""
        now = self._board.read()
        films, *seconds = (a + b for a, b in zip(now[1:], self._before[1:], strict=True))
        return At(now.row, int(films), *seconds)

    def score(self, part: ArchivePart) -> dict[str, Any]:
        """Return what the worker tells of its answers to `part`.

        Raises:
            EdgeError: the part or the disk is at fault, or the worker ends again and again without
                coming to a film.
        """
        deaths = Counter[int]()
        while True:
            killers = [row for row, times in deaths.items() if times > 1]
            try:
                return self._asked(part, killers)
            except Broken:
                row = self._board.read().row
                status = self._ended()
                deaths[row] += 1
                # What a film does to a decoder is a signal; a status is a fault of ours.
                if self._closed or status > 0 or (row == IDLE and deaths[row] >= _STARTS):
                    raise EdgeError("worker", ending(status), "go on with --resume") from None
                self._process = self._started()

    def kill(self) -> None:
        """End the process, in the middle of a film if it is at one, and start none again."""
        self._closed = True
        self._process.kill()

    def close(self) -> None:
        """End the process, once no other thread asks anything of this worker."""
        self.kill()
        self._ended()
        self._file.close()

    def _asked(self, part: ArchivePart, killers: list[int]) -> dict[str, Any]:
        task = {**asdict(part), "path": str(part.path), "killers": killers}
        send(cast("BinaryIO", self._process.stdin), task)
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        """Wait for an answer, and end a process that has been at one film for too long.

        Raises:
            Broken: there is none.
            EdgeError: it tells of one.
        """
        stream = cast("BinaryIO", self._process.stdout)
        row, since = self._board.read().row, monotonic()
        while not select.select([stream], [], [], _LOOK)[0]:
            now = self._board.read().row
            if now != row:
                row, since = now, monotonic()
            elif monotonic() - since > self._clock:
                self._process.kill()
        message, _ = receive(stream, 0)
        if "words" in message:
            raise error_of(message)
        return message

    def _started(self) -> subprocess.Popen[bytes]:
        self._before = self.at() if hasattr(self, "_process") else At()
        self._board.write(At())
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "edge_kit.scoring.worker", str(self._file.fileno())],
            env={**own_environment(), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=[self._file.fileno()],
            process_group=0,  # Ctrl-C is not for it
        )
        self._process = process
        if self._closed:  # meanwhile
            process.kill()
        try:
            send(cast("BinaryIO", process.stdin), asdict(self._setup))
            self._answer()
        except Broken:
            problem = f"did not start: {ending(self._ended())}"
            raise EdgeError("worker", problem, "see `edge-run doctor`") from None
        except BaseException:
            self._process.kill()
            self._ended()
            raise
        return process

    def _ended(self) -> int:
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                try:
                    stream.close()
                except OSError:  # what was left to write has no reader
                    continue
        return self._process.wait()


def error_of(message: Mapping[str, Any]) -> EdgeError:
    """Return the error that a worker tells of, of the same kind."""
    kind = getattr(errors, str(message["kind"]), EdgeError)
    plain = isinstance(kind, type) and issubclass(kind, EdgeError)
    subject, problem, cure = map(str, message["words"])
    return (kind if plain else EdgeError)(subject, problem, cure)
