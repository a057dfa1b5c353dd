"""What a process that reads films may take, and how it is held to that.

Unix has limits of memory and of processor time for each process (`setrlimit`). Windows has none
that Python's standard library knows: there only the time on the clock is limited, by the process
that waits for the answer.
"""

from __future__ import annotations

import math

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from edge_runtime.bundle.records import Preprocess

_BYTES_AN_INPUT_PIXEL = 64
"""What the graph's input takes while more than 8 bits are stretched: each level is a number of
Python (measured: 50)."""


class Limits:
    """Limits of one process that reads films, and for one film.

    `memory` is in bytes of address space: what Python, numpy and pydicom map (140 MiB on x86-64),
    256 MiB of pixels, which is the most that is decoded, and as much again while they are turned
    into others. `processor` is in seconds of work, `clock` in seconds until an answer has to be
    there, which a slow disk needs as well.
    """

    __slots__ = ("clock", "memory", "processor")

    def __init__(
        self, *, memory: int = 768 << 20, processor: float = 30.0, clock: float = 120.0
    ) -> None:
        self.memory = memory
        self.processor = processor
        self.clock = clock

    @classmethod
    def of(cls, preprocess: Preprocess) -> Limits:
        """Return limits with room for the input of a graph, which may be as large as a film."""
        limits = cls()
        limits.memory += _BYTES_AN_INPUT_PIXEL * preprocess.height * preprocess.width
        return limits

    def to_json(self) -> dict[str, float]:
        """Return the limits by their names."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Limits:
        """Return the limits of such a document."""
        return cls(**document)


def confine(limits: Limits) -> bool:
    """Limit this process from now on, for good; tell whether its memory is limited to ours.

    It may write no file, and leaves none when it crashes, which would hold a film.
    """
    try:
        import resource
    except ImportError:  # Windows
        return False
    for kind in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE):
        resource.setrlimit(kind, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY and hard < limits.memory:
        return False  # a stricter one holds, and what breaks it says nothing of the film
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory))
    return True


def allow(seconds: float) -> None:
    """Let this process work for that many seconds more, and then be ended by SIGXCPU."""
    try:
        import resource
    except ImportError:  # Windows
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = math.ceil(used.ru_utime + used.ru_stime + seconds)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    if hard == resource.RLIM_INFINITY or soft < hard:
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))
