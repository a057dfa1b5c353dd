"""Measures whole processes, in turn, from a process that is small itself.

`python -m edge_runtime.bench.meter` reads `{"commands": {name: command line}, "rounds": n,
"environment": {...}}` from stdin and writes `{"runs": {name: [[wall ms, processor ms, peak MiB],
...]}, "failed": {name: why}}`. A process begins with the peak of the one that made it, as far as
the kernel counts, so nothing may be imported here that is large; what cannot be told from that
beginning, or on this system, is null.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from time import perf_counter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Run = tuple[float, float | None, float | None]
    """Wall and processor time in milliseconds, peak resident memory in MiB."""

ANSWERED = (0, 5)  # 5: the film was refused, after all the work
WARM_UPS = 2


def main() -> None:
    """Measure what stdin asks for."""
    asked = json.load(sys.stdin)
    os.environ.clear()
    os.environ.update(asked["environment"])
    json.dump(in_turn(asked["commands"], asked["rounds"]), sys.stdout)


def in_turn(commands: Mapping[str, Sequence[str]], rounds: int) -> dict[str, object]:
    """Run A B C A B C ..., so that a slow moment of the machine hits them all."""
    failed = {}
    for name, command in commands.items():
        for _ in range(WARM_UPS):
            if problem := rehearse(command):
                failed[name] = problem
                break
    left = {name: command for name, command in commands.items() if name not in failed}
    runs: dict[str, list[Run]] = {name: [] for name in left}
    for turn in range(rounds):
        for name in rotated(list(left), turn):
            runs[name].append(measure(left[name]))
    return {"runs": runs, "failed": failed}


def rotated(names: Sequence[str], turn: int) -> list[str]:
    """Return `names` beginning with another each turn: one that follows a heavy one is slower."""
    first = turn % len(names) if names else 0
    return [*names[first:], *names[:first]]


def rehearse(command: Sequence[str]) -> str:
    """Return why the command cannot be measured, or nothing."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except OSError as error:
        return f"cannot be started ({error.strerror})"
    if done.returncode in ANSWERED:
        return ""
    said = done.stderr.decode(errors="replace").strip().splitlines() or ["without a word"]
    return f"left with status {done.returncode}: {said[-1]}"


def measure(command: Sequence[str]) -> Run:
    """Run a command to its end and return what the operating system says of it."""
    started = perf_counter()
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    if sys.platform == "win32":
        process.wait()
        return 1000 * (perf_counter() - started), None, None
    _, status, usage = os.wait4(process.pid, 0)
    wall = perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    peak = _mebibytes(usage.ru_maxrss)
    cpu = usage.ru_utime + usage.ru_stime
    return 1000 * wall, 1000 * cpu, peak if peak > _own_peak() else None


def _own_peak() -> float:
    """Return this process's peak in MiB, without what it inherited, which goes no further."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123
            line = next(line for line in status if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return 0.0
    return int(line.split()[1]) / 1024


def _mebibytes(maxrss: int) -> float:
    return maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


if __name__ == "__main__":
    main()
