"""What this machine is: processor, memory, clock, and the versions that are installed.

Nothing here says whose machine it is: no name of the host or of a user, no path.
"""

from __future__ import annotations

import platform
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


def processor_name(path: Path = Path("/proc/cpuinfo")) -> str:
    """Return what the processor calls itself, as Linux tells it in `path`; empty where none does.

    x86 has a name and a Raspberry Pi a `Model`; other ARM has the numbers of its maker and part.
    """
    try:
        listed = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor()
    rows = (row.partition(":") for row in listed.splitlines())
    told = {key.strip(): text.strip() for key, _, text in rows}
    numbers = (told[key] for key in ("CPU implementer", "CPU part") if key in told)
    return told.get("model name") or told.get("Model") or " ".join(numbers)


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
