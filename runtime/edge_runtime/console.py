"""stdout, stderr and signals, as `edge-run` needs them on any machine."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import contextmanager, suppress

from edge_runtime.silence import real_stderr, silence
from edge_runtime.text import lines, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

_STDERR = 2


class _Terminal:
    """The last line of the terminal."""

    shown = 0  # how many characters of a line without an end stand on it


_terminal = _Terminal()


class Terminated(KeyboardInterrupt):
    """SIGTERM, raised between two instructions so that files close and no line is torn."""

    exit_status = 143


def say(line: str) -> None:
    """Write one line to stderr, where there is one."""
    show("")
    _write(printable(line) + "\n")


def write(text: str) -> None:
    """Write a result to stdout, each of its lines printable."""
    sys.stdout.write(lines(text))


def show(text: str) -> None:
    """Show `text` on the terminal's last line, instead of what was last shown there."""
    if text or _terminal.shown:
        text = printable(text)
        _write("\r" + text.ljust(_terminal.shown) + ("" if text else "\r"))
        _terminal.shown = len(text)


def _write(text: str) -> None:
    if sys.stderr:  # which is None when it was closed
        with suppress(OSError), real_stderr() as descriptor:
            if descriptor is None or not _is_descriptor_2(sys.stderr):
                sys.stderr.write(text)
                sys.stderr.flush()
            else:
                os.write(descriptor, text.encode("utf-8", "backslashreplace"))


def _is_descriptor_2(stream: TextIO) -> bool:
    """Tell whether `stream` writes where `silence` does, which a host program's own may not."""
    try:
        return stream.fileno() == _STDERR
    except (OSError, ValueError, AttributeError):  # it may be closed, or no real file
        return False


def columns() -> int:
    """Return how many characters a line of the terminal takes."""
    try:
        with real_stderr() as descriptor:
            return os.get_terminal_size(_STDERR if descriptor is None else descriptor).columns or 80
    except (OSError, ValueError):  # a terminal that does not know its size
        return 80


def is_watched(*, rows_elsewhere: bool) -> bool:
    """Tell whether somebody is at a terminal who does not see the rows come.

    They go to a file (`rows_elsewhere`, or stdout is one). Where stdout is a pipe, its reader may
    be using the terminal.
    """
    try:
        if not sys.stderr.isatty():
            return False
        return rows_elsewhere or not (
            sys.stdout.isatty() or stat.S_ISFIFO(os.fstat(sys.stdout.fileno()).st_mode)
        )
    except (OSError, ValueError, AttributeError):  # closed, or no real file
        return False


@contextmanager
def silenced_stderr() -> Iterator[None]:
    """Suppress what compiled code writes to stderr in this block; `say` and `show` still write."""
    try:
        with silence():
            yield
    finally:
        show("")


def prepare() -> None:
    """Let SIGTERM end the program cleanly, and stdout and stderr print any file name."""
    import signal

    def terminate(signum: int, frame: object) -> None:
        del signum, frame
        raise Terminated

    with suppress(ValueError):  # not the main thread: a host program handles its own signals
        signal.signal(signal.SIGTERM, terminate)
    if None in (sys.stdin, sys.stdout, sys.stderr):
        _fill_what_was_closed()
    names = sys.getfilesystemencodeerrors()
    for stream, errors in ((sys.stdout, names), (sys.stderr, "backslashreplace")):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors=errors)


def _fill_what_was_closed() -> None:
    """Open something harmless as stdin, stdout or stderr, whose numbers a file of ours would get.

    Compiled code writes to them, whatever they are.
    """
    with suppress(OSError):
        while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
            pass
        os.close(descriptor)
