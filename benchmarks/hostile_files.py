"""What hostile files cost: each has to be answered in a line, in 2 s and 300 MiB.

The files are those of `tests/fuzz/hostile.py`, or those in the folders that are named. Each is
classified by a process of its own, whose time on the clock and peak memory are printed; a good
film stands first. Status 1 where a file breaks a limit or gets no answer.

    python benchmarks/hostile_files.py --bundle models/model3-xray-0.2.2.edge [FOLDER...]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from threading import Timer

HERE = Path(__file__).resolve().parent
WRITER = HERE.parent / "tests" / "fuzz" / "hostile.py"
BUNDLE = HERE.parent / "models" / "model3-xray-0.2.2.edge"
SECONDS, MEMORY = 2.0, 300.0
"""The most that a file may take: seconds, and MiB of a process."""
PATIENCE = 60  # seconds after which a process is ended
ROOM = 3 << 30  # bytes of address space, so that this machine survives
MEBI = 1 << 20
RSS_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes that ru_maxrss counts by


def main() -> None:
    """Write the files, measure each, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    parser.add_argument("folders", type=Path, nargs="*")
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (ROOM, ROOM))  # and so in what this process starts
    broken = []
    print("| file | bytes | answer | seconds | MiB |")
    print("|---|---|---|---|---|")
    for path, is_ours in files(options.folders):
        answer, seconds, memory = measured(path, options.bundle)
        size = f"{path.stat().st_size:,}"
        print(f"| {path.name} | {size} | {answer} | {seconds:.2f} | {memory:.0f} |", flush=True)
        if seconds > SECONDS or memory > MEMORY or answer.startswith("no answer"):
            broken.append(path.name)
        if is_ours:
            path.unlink()
    if broken:
        sys.exit(f"over {SECONDS:.0f} s or {MEMORY:.0f} MiB, or without an answer: {broken}")


def files(folders: list[Path]) -> Iterator[tuple[Path, bool]]:
    """Yield the files of the folders, or one after another of ours, which may be removed."""
    for folder in folders:
        yield from ((path, False) for path in sorted(folder.iterdir()) if path.is_file())
    if folders:
        return
    with TemporaryDirectory() as name:
        # By other processes: the memory of this one would count as that of what it starts.
        writer = [sys.executable, str(WRITER)]
        listed = subprocess.run([*writer, "--list"], check=True, capture_output=True, text=True)
        for file in listed.stdout.splitlines():
            subprocess.run([*writer, name, file], check=True)
            yield Path(name) / file, True


def measured(film: Path, bundle: Path) -> tuple[str, float, float]:
    """Return what is answered for a film, after how many seconds, and the MiB that took."""
    command = [
        *(sys.executable, "-m", "edge_runtime", "classify", str(film)),
        *("--bundle", str(bundle), "--format", "json"),
    ]
    with TemporaryFile() as printed:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=printed, stderr=subprocess.DEVNULL)
        patience = Timer(PATIENCE, process.kill)
        patience.start()
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        patience.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        printed.seek(0)
        answer = answered(printed.read(), process.returncode)
    return answer, seconds, used.ru_maxrss * RSS_UNIT / MEBI


def answered(printed: bytes, status: int) -> str:
    """Return in a few words what a row says."""
    try:
        row = json.loads(printed)
    except ValueError:
        return f"no answer, status {status}"
    if row["status"] == "ok":
        return "ok"
    return f"{row['refusal'] or row['status']}: {row['problem'].replace('|', '/')[:150]}"


if __name__ == "__main__":
    main()
