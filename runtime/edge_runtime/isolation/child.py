"""Python processes of our own, for what may crash and for what has to be measured whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import edge_runtime

# What changes how Python starts, such as whether compiled modules are kept, but not where from.
_SETTINGS_KEPT = ("PYTHONPATH", "PYTHONHOME", "PYTHONPYCACHEPREFIX", "PYTHONUTF8")


def environment() -> dict[str, str]:
    """Return this process's environment without what makes Python start in an unusual way."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PYTHON") or name in _SETTINGS_KEPT
    }
    # ONNX Runtime would leave an identifier and a log of its use in the user's folders.
    return {**kept, "ORT_DISABLE_TELEMETRY": "1"}


def own_environment() -> dict[str, str]:
    """Return the same for a process that imports this very package, from a zipapp too."""
    # What this process found its modules by; a zipapp is one of the entries.
    places = [str(Path(edge_runtime.__file__).parent.parent), *filter(None, sys.path)]
    return {**environment(), "PYTHONPATH": os.pathsep.join(dict.fromkeys(places))}


def module(name: str, *arguments: str, seconds: float) -> subprocess.CompletedProcess[bytes]:
    """Run the module `name` of this package, such as `machine.probe`, to its end.

    Raises:
        subprocess.TimeoutExpired: it takes longer than `seconds`.
    """
    return subprocess.run(
        module_command(name, *arguments),
        env=own_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=seconds,
        check=False,
    )


def module_command(name: str, *arguments: str) -> list[str]:
    """Return the command line that runs the module `name` of this package.

    Not from the folder it is started in, which may hold anybody's files: a `json.py` among films.
    """
    return [sys.executable, "-P", "-m", f"edge_runtime.{name}", *arguments]


def ending(status: int) -> str:
    """Return in words how a process ended that left with `status`."""
    if status < 0:
        try:
            return f"crashed ({signal.Signals(-status).name})"
        except ValueError:
            return f"crashed (signal {-status})"
    if status >= 0xC0000000:  # NTSTATUS, by which Windows says what a process died of
        return f"crashed (0x{status:08X})"
    return f"left with status {status}"
