"""How much memory this machine has, and what of it this process may have."""

from __future__ import annotations

import os
import sys


def available() -> int | None:
    """Return how many bytes this process can still have, where that is known."""
    _, free = memory()
    limit = memory_limit()
    return min((size for size in (free, limit) if size is not None), default=None)


def memory() -> tuple[int | None, int | None]:
    """Return the bytes of memory in all and those that are free for use, where they are known."""
    if sys.platform == "win32":
        return _windows_memory()
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        total = None
    try:
        listed = _read("/proc/meminfo")
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
        text = _read("/sys/fs/cgroup/memory.max").strip()
        limits.extend([int(text)] if text.isdecimal() else [])
    except OSError:
        pass
    return min(limits, default=None)


def _read(path: str) -> str:
    with open(path, encoding="ascii") as file:  # noqa: PTH123, for pathlib takes its time to load
        return file.read()


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
