"""What this machine is: processor, memory, clock, and the versions that are installed.

Nothing here says whose machine it is: no name of the host or of a user, no path.
"""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from edge_runtime.engines import processor

RELEASED = datetime(2026, 1, 1, tzinfo=UTC)
"""Before this version was written; a clock that shows an earlier time is wrong."""
CENTURY_ENDS = datetime(2100, 1, 1, tzinfo=UTC)

DISTRIBUTIONS = {
    "litert": "ai-edge-litert",
    "litert-python": "ai-edge-litert",
    "tflite-runtime": "tflite-runtime",
    "onnxruntime": "onnxruntime",
}
"""Engine -> the distribution that holds it."""

# What int8 arithmetic gains from on ARM, by the names of Linux: dot products, int8 matrices.
_ARM_FEATURES = ("neon", "asimd", "asimddp", "i8mm")


def architecture() -> str:
    """Return the processor's family as the operating system names it, such as `x86_64`."""
    return platform.machine() or "unknown"


def features() -> list[str]:
    """Return which instructions that matter to the engines this processor has, sorted."""
    if processor.is_x86():
        return sorted(processor.features() or ())
    try:
        listed = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return []
    line = next((row for row in listed.splitlines() if row.startswith("Features")), "")
    return sorted(set(_ARM_FEATURES).intersection(line.split()))


def memory() -> tuple[int | None, int | None]:
    """Return the bytes of memory in all and those that are free for use, where they are known."""
    if sys.platform == "win32":
        return _windows_memory()
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        total = None
    try:
        listed = Path("/proc/meminfo").read_text(encoding="ascii")
    except OSError:
        return total, None
    line = next((row for row in listed.splitlines() if row.startswith("MemAvailable:")), "")
    return total, int(line.split()[1]) * 1024 if line else None


def memory_limit() -> int | None:
    """Return how many bytes this process may have, where its user or its container limits it."""
    limits = []
    if sys.platform != "win32":
        import resource

        for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
            soft, _ = resource.getrlimit(kind)
            if soft != resource.RLIM_INFINITY:
                limits.append(soft)
    try:
        text = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
        limits.extend([int(text)] if text.isdecimal() else [])
    except OSError:
        pass
    return min(limits, default=None)


def clock(now: datetime | None = None) -> tuple[str, bool]:
    """Return the time in UTC as ISO 8601 writes it, and whether it is plausible."""
    now = now or datetime.now(UTC)
    return now.strftime("%Y-%m-%dT%H:%M:%SZ"), RELEASED <= now < CENTURY_ENDS


def installed(distribution: str) -> str | None:
    """Return the version of a distribution, or nothing where it is not installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


if sys.platform == "win32":
    from ctypes import Structure, byref, c_uint32, c_uint64, sizeof, windll

    class _MemoryStatus(Structure):
        # MEMORYSTATUSEX of sysinfoapi.h.
        _fields_ = (
            ("length", c_uint32),
            ("load", c_uint32),
            ("total", c_uint64),
            ("available", c_uint64),
            ("others", c_uint64 * 5),
        )

    def _windows_memory() -> tuple[int | None, int | None]:
        status = _MemoryStatus(length=sizeof(_MemoryStatus))
        if not windll.kernel32.GlobalMemoryStatusEx(byref(status)):
            return None, None
        return status.total, status.available
