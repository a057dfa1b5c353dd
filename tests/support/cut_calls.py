"""Which system calls of a command change what is on a disk, and ending it, or failing, at each.

strace's fault injection counts the calls of a name that the main thread makes, and kills the
process as one is entered, before it has done anything: a process that is killed at every call is
killed after each one before it, too. Only the main thread of `edge-run update` writes.
"""

from __future__ import annotations

import re
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from update_bed import Bed, written_bytes

CHANGING = (
    *("write", "writev", "pwrite64", "pwritev", "pwritev2", "sendfile", "copy_file_range"),
    *("rename", "renameat", "renameat2", "unlink", "unlinkat", "rmdir", "mkdir", "mkdirat"),
    *("link", "linkat", "symlink", "symlinkat", "truncate", "ftruncate", "fallocate"),
    *("fsync", "fdatasync", "sync_file_range", "chmod", "fchmod", "fchmodat", "chown", "fchown"),
    *("lchown", "fchownat", "creat", "openat", "open", "utimensat"),
)
_CREATING = re.compile(r"O_CREAT|O_TRUNC|O_WRONLY|O_RDWR")
_CALL = re.compile(r"^(\w+)\(")
_RANDOM = re.compile(
    r"\.[0-9a-f]{16}\.part|[0-9a-f]{32}|edge-run-\w{8}|tmp\w{8}|/\w{8}\"|\d+<|^\w+\(\d+"
)
_OUTCOME = re.compile(r"(\)\s+= | <unfinished).*$")
_SHIFTS = (0, 1, -1, 2, -2, 3, -3)
"""What a thread loads counts against it, and not always the same one: the numbers may be off."""
KILLED = (-signal.SIGKILL, 128 + signal.SIGKILL)


@dataclass(frozen=True)
class Call:
    """The `number`th call of `name`, which changes something."""

    name: str
    number: int
    text: str

    @property
    def is_write(self) -> bool:
        """Tell whether a full disk may refuse it."""
        never = ("unlink", "rmdir", "chmod", "fchmod", "chown", "fchown")
        return not self.name.startswith(never) and "/dev/" not in self.text


@dataclass(frozen=True)
class Recorded:
    """The calls of one run that was not disturbed: those that change something, and the others."""

    calls: list[Call]
    others: list[Call]
    total: int
    bytes: int


def record(bed: Bed, words: list[str], log: Path) -> Recorded:
    """Run a command, and return its calls after it was loaded: from the first sight of a store."""
    scratch = _scratch(bed)
    done = bed.run(*words, before=("strace", "-o", str(log), "-s", "200"), scratch=scratch)
    if done.returncode:
        raise AssertionError(done.stderr)
    text = log.read_text("utf-8", "replace")
    counts: Counter[str] = Counter()
    calls: list[Call] = []
    others: list[Call] = []
    begun = False
    for line in text.splitlines():
        match = _CALL.match(line)
        if not match:
            continue
        name = match[1]
        counts[name] += 1
        begun = begun or "/store.json" in line
        opens = name in ("openat", "open")
        changes = begun and name in CHANGING and (not opens or _CREATING.search(line))
        if name != "execve":
            (calls if changes else others).append(Call(name, counts[name], line))
    return Recorded(calls, others, sum(counts.values()), written_bytes(text))


def cut(bed: Bed, command: Callable[[], list[str]], call: Call) -> bool:
    """Run a command that is killed as it makes `call`; tell whether it was that very one.

    `command` returns the command line, and puts back what it changes.
    """
    rule = f"inject={call.name}:signal=SIGKILL:when="
    return _disturbed(bed, command, call, rule) in KILLED


def fail(bed: Bed, command: Callable[[], list[str]], call: Call, error: str, more: str = "") -> int:
    """Run a command in which `call` fails with `error`; `more` is `+` for all after it, too.

    Return its exit status, -1 where it did not come to that call.
    """
    return _disturbed(bed, command, call, f"inject={call.name}:error={error}:when=", more)


def _disturbed(
    bed: Bed, command: Callable[[], list[str]], call: Call, rule: str, more: str = ""
) -> int:
    log = bed.folder / "disturbed.log"
    for shift in _SHIFTS:
        words = command()
        inject = f"{rule}{max(1, call.number + shift)}{more}"
        before = ("strace", "-o", str(log), "-s", "200", "-e", f"trace={call.name}", "-e", inject)
        status = bed.run(*words, before=before, scratch=_scratch(bed)).returncode
        if _same(_hit(log), call.text):
            return status
    return -1


def _hit(log: Path) -> str:
    """Return the call that was disturbed: the first that failed, or the last of all."""
    lines = log.read_text("utf-8", "replace").splitlines()
    calls = [line for line in lines if _CALL.match(line)]
    return next((line for line in calls if "(INJECTED)" in line), calls[-1])


def _same(left: str, right: str) -> bool:
    def plain(line: str) -> str:
        return _RANDOM.sub("*", _OUTCOME.sub("", line))

    return plain(left) == plain(right)


def _scratch(bed: Bed) -> Path:
    scratch = bed.folder / "scratch"
    scratch.mkdir(exist_ok=True)
    return scratch
