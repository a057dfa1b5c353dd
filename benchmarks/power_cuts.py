"""Does a box still answer by one whole model after its power failed in the middle of an update?

For an update, a first installation and a rollback of tiny models (the calls do not depend on the
size, but for a write for each MiB):

- `kill -9` at every system call that changes something on the disk, after the program was loaded,
  and at a sample of all the others;
- the disk is full (ENOSPC) from each of these calls on, and from every fifth on it is read-only
  (EROFS), or breaks (EIO);
- a disk that forgets what it was not told to wait for, after every call, in every way in which
  single changes may be lost;
- a card that is read-only from the beginning (for root).

After each: a start, which has to answer by exactly one whole, checked model; and an update, which
has to end with the new one and nothing left over. Needs strace.

    python benchmarks/power_cuts.py [--every N] [--others 40] [--command first]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))

from cut_calls import Recorded, cut, fail, record
from forgetful_disk import Disk, recorded, write_disk
from update_bed import Bed, has_strace

COMMANDS = ("update", "first", "rollback")
MOUNT, UMOUNT = (shutil.which(name) or name for name in ("mount", "umount"))


def main() -> None:
    """Print a line for each kind of disturbance, and exit 1 unless all of it held."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--every", type=int, default=1, help="each Nth call alone")
    parser.add_argument("--others", type=int, default=40, help="calls that change nothing")
    parser.add_argument("--command", choices=COMMANDS, action="append", help="default: all")
    options = parser.parse_args()
    if not has_strace():
        raise SystemExit("strace is missing, or may not trace here")
    with tempfile.TemporaryDirectory() as name:
        trial = Trial(Bed.made(Path(name) / "bed"), options.every, options.others)
        for command in options.command or COMMANDS:
            trial.command(command)
        trial.read_only_card()
    print(json.dumps(trial.counts, indent=1))
    for problem in trial.wrong:
        print(problem)
    raise SystemExit(bool(trial.wrong))


class Trial:
    """A bed, what was counted, and what was wrong."""

    def __init__(self, bed: Bed, every: int, others: int) -> None:
        self._bed, self._every, self._others = bed, every, others
        self._draw = random.Random(0)
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []

    def command(self, command: str) -> None:
        """Disturb one command in every way."""
        store = self._store(command)
        told = record(self._bed, self._words(command, store), self._bed.folder / "log")
        self.counts[f"{command}: calls"] = told.total
        self.counts[f"{command}: calls that change something"] = len(told.calls)
        self.counts[f"{command}: bytes written"] = told.bytes
        self._kills(command, told)
        for error, every in (("ENOSPC", 1), ("EROFS", 5), ("EIO", 5)):
            self._failures(command, told, error, every)
        self._power_cuts(command)

    def _kills(self, command: str, told: Recorded) -> None:
        began = time.monotonic()
        others = self._draw.sample(told.others, self._others)
        changing = told.calls[:: self._every]
        for call in [*changing, *others]:
            kind = "that changes something" if call in changing else "of the others"
            if cut(self._bed, lambda: self._words(command, self._store(command)), call):
                self.counts[f"{command}: killed at a call {kind}"] += 1
            elif call in changing:
                self.wrong.append(f"{command}: was not killed at {call.text}")
            self._look(command, self._place, f"killed at {call.text}")
        print(f"{command}: kills in {time.monotonic() - began:.0f} s", flush=True)

    def _failures(self, command: str, told: Recorded, error: str, every: int) -> None:
        for call in told.calls[:: self._every * every]:
            if error == "ENOSPC" and not call.is_write:
                continue
            more = "" if call.name == "openat" else "+"  # others are opened for reading alone
            status = fail(
                *(self._bed, lambda: self._words(command, self._store(command)), call, error, more)
            )
            self.counts[f"{command}: {error}, status {status}"] += 1
            if status not in (0, 10):
                self.wrong.append(f"{command}: {error} at {call.text}: status {status}")
            self._look(command, self._place, f"{error} at {call.text}")

    def _power_cuts(self, command: str) -> None:
        store = self._store(command)
        disk = Disk.of(store)
        seen: set[str] = set()
        for step in recorded(self._bed, self._words(command, store), self._bed.folder / "log"):
            disk.take(step)
            for files in disk.after_a_power_cut():
                self.counts[f"{command}: states of a forgetful disk"] += 1
                digest = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()
                if digest not in seen:
                    seen.add(digest)
                    shutil.rmtree(store, ignore_errors=True)
                    write_disk(store, files)
                    self._look(command, store, f"forgotten after {step.kind} {step.path}")
        self.counts[f"{command}: states that differ"] = len(seen)

    def read_only_card(self) -> None:
        """Update on a card that takes nothing: it is said, and the card answers."""
        card = self._bed.folder / "card"
        card.mkdir()
        if subprocess.run([MOUNT, "-t", "tmpfs", "tmpfs", str(card)], check=False).returncode:
            print("read-only card: left out, nothing can be mounted here")
            return
        try:
            store = card / "store"
            shutil.copytree(self._bed.store, store)
            subprocess.run([MOUNT, "-o", "remount,ro", str(card)], check=True)
            status = self._bed.run(*self._bed.update(store)).returncode
            answers = self._bed.run("classify", self._bed.film, "--bundle", store).returncode
            self.counts[f"read-only card: update {status}, classify {answers}"] += 1
            if (status, answers) != (10, 0):
                self.wrong.append(f"read-only card: {status}, {answers}")
        finally:
            subprocess.run([UMOUNT, str(card)], check=True)

    @property
    def _place(self) -> Path:
        return self._bed.folder / "trial"

    def _store(self, command: str) -> Path:
        """Return a store as it is before a command."""
        store = self._place
        if command == "first":
            shutil.rmtree(store, ignore_errors=True)
            return store
        store = self._bed.copy("trial")
        if command == "rollback":
            self._bed.run(*self._bed.update(store))
        return store

    def _words(self, command: str, store: Path) -> list[str]:
        if command == "rollback":
            return ["rollback", "--store", str(store)]
        return self._bed.first(store) if command == "first" else self._bed.update(store)

    def _look(self, command: str, store: Path, what: str) -> None:
        if command == "rollback":
            problems = self._bed.start_problems(store)
        else:
            problems = self._bed.problems(store, had_one=command != "first")
        self.wrong += [f"{command}, {what}: {problem}" for problem in problems]


if __name__ == "__main__":
    main()
