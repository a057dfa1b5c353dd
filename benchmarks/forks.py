"""A fork of this process with limits, that gives one JSON document back."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn, Self

LARGEST = 512 << 20
"""Bytes that a fork may leave in its folder: some changes write without end."""
MOST_MEMORY = 8 << 30
_LOOK_EVERY = 0.02  # seconds


class Fork:
    """One fork; `folder` is what it may write into, and is removed afterwards.

    `limits` are seconds of the clock, and those of the processor, after which it is ended.
    """

    def __init__(self, limits: tuple[float, int]) -> None:
        self._limits = limits
        self.folder = Path(tempfile.mkdtemp(prefix="mutants-"))
        self._report = self.folder / "report"
        self._ended: str | None = None
        self._child = os.fork()
        self.is_child = self._child == 0

    def end(self, work: Callable[[], dict[str, Any]]) -> NoReturn:
        """Do the work in the fork, write what it returns, and end."""
        try:
            os.setpgid(0, 0)
            os.chdir(self.folder)  # a change may take a name for a path
            resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
            _, processor = self._limits
            spent = int(time.process_time())
            resource.setrlimit(resource.RLIMIT_CPU, (spent + processor, spent + processor))
            nothing = os.open(os.devnull, os.O_RDWR)
            for descriptor in range(3):
                os.dup2(nothing, descriptor)
            report = json.dumps(work())
            self._report.write_text(report)
        finally:
            (self.folder / "trace").write_text(traceback.format_exc())
            os._exit(0)

    def failure(self) -> str:
        """Wait for the fork; return why it gave nothing back, or nothing."""
        if self._ended is None:
            self._ended = self._waited()
        if not self._ended and not self._report.exists():
            return "the process ended"
        return self._ended

    def result(self) -> dict[str, Any]:
        """Return what the fork gave back.

        Raises:
            RuntimeError: nothing.
        """
        if problem := self.failure():
            trace = self.folder / "trace"
            raise RuntimeError(problem + (trace.read_text() if trace.exists() else ""))
        document: dict[str, Any] = json.loads(self._report.read_bytes())
        return document

    def _waited(self) -> str:
        until, look, problem = time.monotonic() + self._limits[0], time.monotonic() + 1, ""
        while os.waitpid(self._child, os.WNOHANG) == (0, 0):
            now = time.monotonic()
            if now > until:
                problem = "it takes without end"
            elif now > look:
                problem, look = _overflow(self.folder), now + 1
            if problem:
                break
            time.sleep(_LOOK_EVERY)
        with suppress(ProcessLookupError, PermissionError):  # also what the tests have started
            os.killpg(self._child, signal.SIGKILL)
        if problem:
            os.waitpid(self._child, 0)
        return problem

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.failure()
        shutil.rmtree(self.folder, ignore_errors=True)


def _overflow(folder: Path) -> str:
    """Return that the files of a run have become too large, if they have."""
    room = 0
    for place, _, names in os.walk(folder):  # which takes no offence at folders that go
        for name in names:
            with suppress(OSError):
                room += Path(place, name).lstat().st_blocks * 512
    return "it writes without end" if room > LARGEST else ""
