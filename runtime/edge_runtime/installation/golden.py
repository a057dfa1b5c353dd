"""The golden films of a model, replayed on this machine by a process of its own.

In a process of its own, because a graph may end the one that runs it: an update must not do that to
whoever installs it.
"""

from __future__ import annotations

import signal
import subprocess

from edge_runtime.isolation.child import ending, module

PATIENCE = 900.0
"""Seconds for a check; a slow box takes some."""
_ENDED_BY_OTHERS = {getattr(signal, name, 0) for name in ("SIGKILL", "SIGTERM", "SIGINT", "SIGHUP")}
_INTERRUPTED = (130, 143)


class Unfinished(Exception):
    """The check was ended by somebody or something else, and says nothing of the model."""


def replayed_here(path: str) -> str:
    """Return why the model at `path` does not answer here as its maker says; nothing if it does.

    Every byte is checked, and every golden film answered, as `edge-run check` does.

    Raises:
        Unfinished: the check was ended from outside.
    """
    try:
        done = module("__main__", "check", "--", path, seconds=PATIENCE)
    except subprocess.TimeoutExpired:
        return f"its check takes longer than {PATIENCE:g} seconds"
    except OSError as error:
        raise Unfinished(f"no process can be started ({error.strerror or error})") from error
    if done.returncode == 0:
        return ""
    if -done.returncode in _ENDED_BY_OTHERS or done.returncode in _INTERRUPTED:
        raise Unfinished(f"its check {ending(done.returncode)}")
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    line = said[-1].removeprefix("edge-run: ") if said else ending(done.returncode)
    return line.removeprefix(f"{path}: ")
