"""One process that reads films, from the side of the classifier: asked, watched and ended."""

from __future__ import annotations

import os
import signal
import subprocess
from threading import Lock, Timer
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

from edge_runtime.isolation.child import ending, module_command, own_environment
from edge_runtime.isolation.messages import MOST_PIXELS, Broken, receive, send
from edge_runtime.memory.reserve import reserve

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO

    from edge_runtime.isolation.limits import Limits

MODULE = "isolation.worker"
_OF_FILMS = ("SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV", "SIGSYS", "SIGTRAP")
"""Signals that a process is ended by for what its decoder did; others come from somebody else."""
_PIPE = 1 << 20
"""Bytes that a pipe holds, where the system lets it: a film in a few parts instead of many."""
_PATIENCE = 5.0  # seconds in which a process ends that was asked to, or was killed


class Process:
    """A process that reads films, one at a time.

    `overdue` tells that it was killed because an answer took too long.
    """

    def __init__(self, setup: Mapping[str, object], limits: Limits) -> None:
        """Start the process, which takes as long as Python does.

        Raises:
            OSError: the machine starts no process.
            RuntimeError: it starts no thread.
            Broken: it ended before it was ready, or was ended because that took too long.
        """
        self._clock = limits.clock
        self._deadline: float | None = None
        self._guard = Lock()  # of the two that follow the clock
        self.overdue = False
        self._popen = subprocess.Popen(
            module_command(MODULE),
            # Memory for threads that one film at a time never uses.
            env={**own_environment(), "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pipesize=_PIPE,
            process_group=None if os.name == "nt" else 0,  # Ctrl-C is not for it
        )
        patience = Timer(limits.clock, self._popen.kill)
        patience.daemon = True
        try:
            patience.start()
            self._send({**setup, "limits": limits.to_json()})
            self._receive()
        except BaseException:
            self.close()
            raise
        finally:
            patience.cancel()

    @property
    def identifier(self) -> int:
        """The number by which the system knows the process."""
        return self._popen.pid

    def is_alive(self) -> bool:
        """Tell whether the process has not ended, as one may while nothing is asked of it."""
        return self._popen.poll() is None

    def ask(self, request: Mapping[str, object], data: bytes = b"") -> tuple[dict[str, Any], bytes]:
        """Return the answer to a request, and its bytes; memory is waited for in this thread.

        Raises:
            Broken: the process ended instead, or was ended because it took too long.
        """
        with self._guard:
            self._deadline = monotonic() + self._clock
        try:
            self._send(request, data)
            while True:
                answer, pixels = self._receive()
                if answer.get("kind") != "needs":
                    return answer, pixels
                self._wait_for_memory(answer.get("bytes"))
        finally:
            with self._guard:
                self._deadline = None

    def _wait_for_memory(self, size: object) -> None:
        """Ask for the memory that the film needs, while the clock stands still."""
        if type(size) is not int or size < 0:
            raise Broken("it needs no number of bytes")
        with self._guard:
            left = (self._deadline or 0) - monotonic()
            self._deadline = None
        reserve(size)
        with self._guard:
            self._deadline = monotonic() + left
        self._send({})

    def end_if_overdue(self) -> None:
        """Kill the process if its answer should have been there."""
        with self._guard:
            if self._deadline is not None and monotonic() > self._deadline:
                self.overdue = True
                self._deadline = None
                self._popen.kill()

    def close(self) -> int:
        """Let the process end, or end it, and return its exit status."""
        for stream in (self._popen.stdin, self._popen.stdout):
            if stream:
                try:
                    stream.close()
                except OSError:  # what was left to write has no reader
                    continue
        try:
            return self._popen.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            return self._popen.wait()

    def how_it_ended(self) -> tuple[str, bool]:
        """Return in words how the process ended, and whether what it read is to blame.

        One that was killed by the system, as where memory runs out, or was ended by a person, may
        be no fault of the film.
        """
        status = self.close()
        if self.overdue or status == -getattr(signal, "SIGXCPU", 0):
            return "takes too long to read", True
        if status == -getattr(signal, "SIGKILL", 0):
            return "the process that read it was killed, as where memory runs out", False
        blamed = -status in {getattr(signal, name, 0) for name in _OF_FILMS}
        return f"the process that read it {ending(status)}", blamed

    def _send(self, message: Mapping[str, object], data: bytes = b"") -> None:
        send(cast("BinaryIO", self._popen.stdin), message, data)

    def _receive(self) -> tuple[dict[str, Any], bytes]:
        return receive(cast("BinaryIO", self._popen.stdout), MOST_PIXELS)
