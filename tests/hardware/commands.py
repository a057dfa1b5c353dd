"""Run another program, or say why the box that needs it cannot be had."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class NotHad(Exception):
    """A box that cannot be built here; the message says why."""


def cleared(**changes: str) -> dict[str, str]:
    """Return this environment with `changes`, without what belongs to this machine's Python."""
    # OpenBLAS dies when it is told to use a processor that is not there.
    foreign = ("PYTHON", "OPENBLAS_CORETYPE", "EDGE_", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {**kept, **changes}


def require(
    command: Sequence[str | Path],
    purpose: str,
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> str:
    """Return what `command` prints.

    Raises:
        NotHad: there is no such program, or it failed; the message has its last words.
    """
    try:
        made = subprocess.run(
            [str(part) for part in command],
            capture_output=True, text=True, check=False, cwd=folder,
            env=cleared() if environment is None else environment,
        )  # fmt: skip
    except OSError as error:
        raise NotHad(f"{purpose}: {error.strerror} ({command[0]})") from error
    if made.returncode:
        said = [line for line in (made.stdout + made.stderr).splitlines() if line.strip()]
        errors = [line for line in said if line.lower().startswith(("error", "e:"))]
        words = (errors or said or [f"status {made.returncode}"])[0 if errors else -1]
        raise NotHad(f"{purpose}: {words.strip()[:200]}")
    return made.stdout
