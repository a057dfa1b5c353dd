"""Starts this process's part of a shared training in a process of its own, and tells its end.

Keras has one backend in a process. And JAX ends a process by an abort, in the
middle of C++, where another one is lost: nothing within it could say so in a line.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Timer
from typing import IO, NoReturn

from edge_kit.console import say
from edge_kit.training.shared_training import GO_ON, SharedTraining, lost
from edge_runtime.errors import EdgeError
from edge_runtime.isolation.child import ending, own_environment

MEMBER = "EDGE_KIT_MEMBER"
"""The variable by which a process knows that it was started so: its true stdout and stderr."""
_GRACE = 5.0
_CLUE = 20  # lines of a crash that are shown


def is_member() -> bool:
    """Tell whether this process was started by `supervise`."""
    return MEMBER in os.environ


def supervise(shared: SharedTraining, arguments: Sequence[str]) -> NoReturn:
    """Run `edge-kit` with `arguments` as a member of `shared`, and leave with its status.

    Raises:
        EdgeError: another process is lost, or the member crashed, whose last words are printed.
    """
    sys.stdout.flush()
    with tempfile.TemporaryFile() as held:
        status = _ended(arguments, held)
        held.seek(0)
        words = held.read().decode("utf-8", "replace")
    if status == -signal.SIGABRT and "distributed service" in words:
        raise lost(shared)
    if status < 0:
        for line in words.splitlines()[-_CLUE:] if status != -signal.SIGKILL else ():
            say(line)
        raise EdgeError(str(shared), ending(status), GO_ON)
    raise SystemExit(status)


def _ended(arguments: Sequence[str], held: IO[bytes]) -> int:
    """Return the status of a member after its end; what C++ prints of it goes to `held`.

    The member ends as well if this process does, and reads of that from its stdin.
    """
    shown = [os.dup(stream.fileno()) for stream in (sys.stdout, sys.stderr)]
    # gRPC would look for the coordinator behind a proxy.
    settings = own_environment().items()
    kept = {name: text for name, text in settings if not name.lower().endswith("_proxy")}
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "edge_kit.member", *arguments],
        env={**kept, MEMBER: ",".join(map(str, shown))},
        stdin=subprocess.PIPE,
        stdout=held,
        stderr=held,
        pass_fds=shown,
        process_group=0,  # it gets Ctrl-C from here, once
    )
    with process, _passed_on(process):
        for descriptor in shown:
            os.close(descriptor)
        return process.wait()


@contextmanager
def _passed_on(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Pass signals on to `process`, and end it where it does not end for `_GRACE` seconds.

    It does not while it waits for the others in C++. Where it could say nothing, the signal is
    this process's own.
    """
    passed: list[int] = []

    def pass_on(number: int, frame: object) -> None:
        del frame
        passed.append(number)
        process.send_signal(number)
        timer = Timer(_GRACE, process.kill)
        timer.daemon = True
        timer.start()

    signals = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, pass_on) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if passed and process.wait() < 0:
        say(GO_ON)
        signal.raise_signal(passed[0])
