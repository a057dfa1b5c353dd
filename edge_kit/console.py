"""Lines to stderr, results to stdout."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from time import monotonic
from typing import TextIO

from edge_runtime.errors import CannotWrite, EdgeError
from edge_runtime.text import lines, printable


def say(line: str) -> None:
    """Write one line to stderr."""
    print(printable(line), file=sys.stderr, flush=True)  # noqa: T201


def saying(modality: str, *kept: str) -> Callable[[str], None]:
    """Return `say` in the words for films of `modality`; what is in `kept` stays as it is."""
    from edge_export.words import words

    told = words(modality, *kept)
    return lambda line: say(told(line))


@contextmanager
def refusing(modality: str | None, *kept: str | None) -> Iterator[None]:
    """Tell what the block refuses in the words for films of `modality`.

    What is in `kept`, as names of classes, stays as it is; a name may be several, with commas. What
    the block says of its progress is told likewise.
    """
    from edge_export.words import speaking, words

    names = (part.strip() for name in kept if name for part in (name, *name.split(",")))
    told = words(modality or "", *names)
    try:
        with speaking(told):
            yield
    except EdgeError as error:
        error.problem, error.cure = told(error.problem), told(error.cure)
        raise


def write(text: str) -> None:
    """Write a result to stdout, each of its lines printable.

    Raises:
        BrokenPipeError: nobody reads on.
        CannotWrite: the disk behind it refuses.
    """
    try:
        sys.stdout.write(lines(text))
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        discard_output()
        raise CannotWrite("stdout", error.strerror or str(error), "free some space") from error


def discard_output() -> None:
    """Redirect stdout to nowhere, so that nothing is written again at exit."""
    with suppress(OSError, ValueError):  # it may be no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


LONGEST_SILENCE = 4.0
"""Seconds after which `elapsed_shown` writes a line at first; with what that takes, under five."""
_LOOK = 0.25  # seconds between two looks at the clock


def longest_silence(elapsed: float) -> float:
    """Return the seconds after which a step that has gone on for `elapsed` seconds says so again.

    From 100 s on they grow with it, so that the log of a day has 200 lines and not 20,000.
    """
    return max(LONGEST_SILENCE, elapsed / 25)


@contextmanager
def elapsed_shown(step: str) -> Iterator[None]:
    """Write "`step`: N s so far" to stderr wherever the block has shown nothing for a while.

    So that somebody who waits, or a log of CI, sees that the work goes on. It writes to what stderr
    is as the block begins: inside, converters have theirs held back.
    """
    done, began, plain = Event(), monotonic(), sys.stderr
    descriptor = _duplicate(plain)
    stream = _Timed(plain, descriptor)

    def watch() -> None:
        while not done.wait(_LOOK):
            elapsed = monotonic() - began
            if monotonic() - stream.written >= longest_silence(elapsed):
                line = f"    {step}: {elapsed:.0f} s so far\n"
                stream.written = monotonic()
                with suppress(OSError, ValueError):  # nobody reads on
                    _write_line(line, descriptor, plain)

    thread = Thread(target=watch, daemon=True)
    sys.stderr = stream
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        sys.stderr = plain
        if descriptor is not None:
            os.close(descriptor)


class _Timed:
    """A stream that notes when something was last shown by it: not what a converter is kept from.

    `descriptor` is another one of the file that it showed things in at first.
    """

    def __init__(self, stream: TextIO, descriptor: int | None) -> None:
        self._stream, self._descriptor, self.written = stream, descriptor, monotonic()

    def write(self, text: str) -> int:
        if text and not self._is_held_back():
            self.written = monotonic()
        return self._stream.write(text)

    def _is_held_back(self) -> bool:
        if self._descriptor is None:
            return False
        now, shown = os.fstat(self._stream.fileno()), os.fstat(self._descriptor)
        return not os.path.samestat(now, shown)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


def _duplicate(stream: TextIO) -> int | None:
    """Return a descriptor of its own for the file of `stream`, None where it has none."""
    try:
        return os.dup(stream.fileno())
    except (OSError, ValueError):
        return None


def _write_line(line: str, descriptor: int | None, stream: TextIO) -> None:
    """Write a whole line, over a bar where there is a terminal with one."""
    if descriptor is None:
        stream.write(line)
        stream.flush()
        return
    erase = "\r\x1b[K" if os.isatty(descriptor) else ""
    os.write(descriptor, (erase + line).encode())
