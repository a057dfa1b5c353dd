"""A shared training: one network that several processes train together, on one machine or many.

Every process has the same command and the same films, and its own number. Of each batch it computes
its share; the gradients are averaged over all, so that all have the same weights at all times.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.util import find_spec

from edge_runtime.errors import EdgeError, UsageError

WAIT = 120
"""Seconds for which a process waits for the others to come, and for a sign of life of each."""
GO_ON = "the same commands with --resume go on where epochs are finished"
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._-]+):(\d{1,5})")
_EVERYWHERE = {"0.0.0.0", "[::]", "[0::0]"}  # noqa: S104, they are refused


@dataclass(frozen=True, slots=True)
class SharedTraining:
    """Where the processes of a shared training meet, how many there are, and which this one is.

    Process 0 listens at `host` and `port`, and it alone writes the run. `wait` is in seconds.
    """

    host: str
    port: int
    processes: int
    process: int
    wait: int = WAIT

    @property
    def coordinator(self) -> str:
        """The address at which process 0 listens, an IPv6 address in brackets."""
        return f"{self.host}:{self.port}"

    @property
    def writes(self) -> bool:
        """Tell whether this process writes the run."""
        return self.process == 0

    def __str__(self) -> str:
        return f"process {self.process} of {self.processes}"


def address(text: str) -> tuple[str, int]:
    """Return host and port of `HOST:PORT`.

    Raises:
        ValueError: it is not the address of one machine.
    """
    match = _ADDRESS.fullmatch(text)
    if match is None or not 0 < int(match[2]) < 65536:
        raise ValueError(f"{text!r} is not HOST:PORT")
    if match[1] in _EVERYWHERE:
        raise ValueError(f"{text!r} is the address of no machine; give that of process 0")
    return match[1], int(match[2])


def require_jax() -> None:
    """Refuse to begin where the extra `jax` is not installed.

    Raises:
        UsageError: it is missing.
    """
    if find_spec("jax") is None or find_spec("jaxlib") is None:
        raise UsageError("--coordinator", "jax is not installed", "pip install 'edge-kit[jax]'")


def lost(shared: SharedTraining) -> EdgeError:
    """Return what is said where the other processes cannot be reached any more."""
    problem = (
        f"another process did not come, has ended, or gave no sign of life for {shared.wait} s"
    )
    return EdgeError(str(shared), problem, f"see what it said; {GO_ON}")
