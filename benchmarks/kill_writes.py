"""Is a command right again after it was killed, or its disk was full, while it wrote?

For `edge-kit export`, `data scan`, `threshold` and `ensemble`, on drawn films and a network
without dropout, with which it would call all of so few films one class:

- `kill -9` right before each step of writing (a file is opened for it, a name is changed or
  removed, a folder is made), and at random moments of the time that writing takes;
- files that may not grow beyond a number of bytes (`ulimit -f`); for root, --disks: small ones.

After each: what stands under the final names is whole, the same bytes as undisturbed, or is not
there; and the same command right after it, in the same place with all that is left, succeeds with
the same bytes. Python and TensorFlow are loaded once, and each command is a child of that process.

    python benchmarks/kill_writes.py [--kills 50] [--disks]
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_export.films.phantom_set import write_phantoms
from edge_export.quiet import import_tensorflow
from edge_kit.cli import main as edge_kit

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
STEPS = frozenset({"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.truncate"})
NETWORK = """
def small(height, width, channels):
    from keras import Input, Sequential, layers
    return Sequential([
        Input((height, width, channels)),
        layers.Rescaling(1 / 255),
        layers.AveragePooling2D(4),
        layers.Conv2D(4, 3, activation="relu"),
        layers.MaxPooling2D(4),
        layers.Flatten(),
        layers.Dense(1, activation="sigmoid"),
    ])
"""
MOUNT, UMOUNT = (shutil.which(name) or name for name in ("mount", "umount"))
KILLED = frozenset({-signal.SIGKILL, -signal.SIGALRM})
# What a clock says is in these: whole they have to be, the same they are not.
CLOCKED = {"b.report.html": b"</html>", "b.report.json": b"}", "b.claim.md": b"he authors**"}


@dataclass(frozen=True, slots=True)
class Command:
    """A command line but for `--out`, what it is given there, and the names that it makes."""

    name: str
    words: Sequence[str]
    out: str
    makes: Sequence[str]


def main() -> None:
    """Print a line for each command, and exit 1 unless all of it held."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50, help="at random moments, each command")
    parser.add_argument("--disks", action="store_true", help="mount small disks, as root")
    options = parser.parse_args()
    draw, faults = random.Random(0), 0
    import_tensorflow()  # once, for all children
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for command in commands(folder):
            faults += judged(command, folder / command.name.replace(" ", "-"), draw, options)
    raise SystemExit(bool(faults))


def commands(folder: Path) -> list[Command]:
    """Return the commands, having made what they read."""
    films, runs = folder / "films", [folder / "one", folder / "two"]
    write_phantoms(films, count=28, seed=0)
    (folder / "network.py").write_text(NETWORK, "utf-8")
    cache = ["--cache", str(folder / "cache")]
    for seed, run in enumerate(runs):
        words = ["train", "--data", str(films), "--epochs", "2", "--side", "64", "--out", str(run)]
        words += ["--model", f"{folder / 'network.py'}:small", "--seed", str(seed), *cache]
        require(child(words), "train")
    loose = ["--max-flips", "1", "--max-auc-difference", "1", "--margin", "0.9", "--max-uncertain"]
    loose += ["1", "--calibration-films", "8", "--allow-calibration", "few_films"]
    loose += ["--allow-calibration", "noise", "--int8", *cache]
    bundle = folder / "source.edge"
    require(child(["export", str(runs[0]), "--out", str(bundle), *loose]), "export")
    beside = ["b.edge", "b.report.html", "b.report.json", "b.claim.md"]
    fit = ["--data", str(films), "--calibration", "platt", "--max-uncertain", "1"]
    return [
        Command("export", ["export", str(runs[0]), *loose], "b.edge", beside),
        Command("data scan", ["data", "scan", str(films)], "scan", ["scan"]),
        Command("threshold", ["threshold", str(bundle), *fit], "b.edge", ["b.edge"]),
        Command("ensemble", ["ensemble", *map(str, runs), *cache], "run", ["run"]),
    ]


def judged(command: Command, folder: Path, draw: random.Random, options: argparse.Namespace) -> int:
    """Disturb a command in every way; print what was seen and return how often it was wrong."""
    place, steps = folder / "undisturbed", folder / "steps"
    place.mkdir(parents=True)
    words = [*command.words, "--out", str(place / command.out)]
    require(child(words, Watch(place, steps)), command.name)
    expected = made(place, command)
    moments = [float(line) for line in steps.read_text("utf-8").split()]
    seconds = moments[-1] - moments[0]
    print(f"{command.name}: {len(moments)} steps of writing in {seconds:.2f} s", flush=True)
    watches: list[tuple[str, Watch]] = [
        *((f"step {step}", Watch(folder, None, step=step + 1)) for step in range(len(moments))),
        *(
            ("moment", Watch(folder, None, after=draw.uniform(0, seconds)))
            for _ in range(options.kills)
        ),
    ]
    largest = max(one.stat().st_size for one in place.rglob("*") if one.is_file())
    sizes = [0, 1, 4096, largest // 2, largest - 1]
    watches += [(f"ulimit -f {size}", Watch(folder, None, limit=size)) for size in sizes]
    seen, wrong = {"killed": 0, "refused": 0, "ended": 0}, 0
    (place := folder / "disturbed").mkdir()
    for what, watch in watches:
        watch.place = place
        wrong += disturbed(command, place, watch, expected, what, seen=seen)
    if options.disks:
        wrong += sum(
            on_disk(command, folder / "disk", size, expected, seen)
            for size in (64 << 10, largest // 2 + 8192, largest + 16384)
        )
    left = [path.name for path in place.iterdir()]
    print(f"{command.name}: {seen}, wrong {wrong}, left over {left}", flush=True)
    return wrong


def disturbed(
    command: Command,
    place: Path,
    watch: Watch,
    expected: dict[str, bytes],
    what: str,
    *,
    seen: dict[str, int],
) -> int:
    """Run a command once with `watch` and once without; return how much was wrong."""
    words = [*command.words, "--out", str(place / command.out)]
    status, said = child(words, watch)
    how, faults = "killed" if status in KILLED else "refused" if status == 10 else "ended", []
    seen[how] += 1
    if how == "ended" and status:
        faults.append(f"status {status}: {said[-200:]}")
    found = made(place, command)
    faults += [f"{name} differs" for name in found if found[name] != expected.get(name)]
    if how == "refused" and found and command.name != "export":  # whose report comes first
        faults.append("refused, and something is there")
    if set(found) == set(expected):  # it was done: made again, some commands want a new place
        clear(place, command)
    status, said = child(words)
    if status or made(place, command) != expected:
        faults.append(f"the next run: status {status}: {said[-200:]}")
    clear(place, command)
    for fault in faults:
        print(f"  {command.name}, {what}: {fault}", flush=True)
    return len(faults)


def on_disk(
    command: Command, mount: Path, size: int, expected: dict[str, bytes], seen: dict[str, int]
) -> int:
    """Run a command on a disk of `size` bytes, then make it larger and run it again."""
    mount.mkdir(exist_ok=True)
    tmpfs = [MOUNT, "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(mount)]
    subprocess.run(tmpfs, check=True)
    try:
        words = [*command.words, "--out", str(mount / command.out)]
        status, said = child(words)
        seen["refused" if status == 10 else "ended"] += 1
        found, left = made(mount, command), sorted(path.name for path in mount.iterdir())
        wrong = (status not in (0, 10)) + any(found[name] != expected[name] for name in found)
        wrong += bool(status == 10 and command.name != "export" and left)
        subprocess.run([MOUNT, "-o", "remount,size=64m", str(mount)], check=True)
        clear(mount, command)
        again, _ = child(words)
        wrong += bool(again) or made(mount, command) != expected
        if wrong:
            print(f"  {command.name}, disk of {size}: {status}, {left}, {said[-200:]}", flush=True)
        return wrong
    finally:
        subprocess.run([UMOUNT, str(mount)], check=True)


def made(place: Path, command: Command) -> dict[str, bytes]:
    """Return the content of what stands under the final names, and below them."""
    files: dict[str, bytes] = {}
    for name in command.makes:
        path = place / name
        for one in sorted(path.rglob("*")) if path.is_dir() else [path] if path.exists() else []:
            if one.is_file():
                content, end = one.read_bytes(), CLOCKED.get(one.name, b"")
                whole = end if content.rstrip().endswith(end) else content
                files[one.relative_to(place).as_posix()] = whole if end else content
    return files


def clear(place: Path, command: Command) -> None:
    """Remove what the command made, and nothing of what it left beside."""
    for name in command.makes:
        path = place / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


class Watch:
    """What happens to a command while it writes below `place`; one without any is only noted."""

    def __init__(
        self, place: Path, noted: Path | None, *, step: int = 0, after: float = -1, limit: int = -1
    ) -> None:
        self.place, self._noted = place, noted
        self._step, self._after, self._limit = step, after, limit
        self._count = 0

    def begin(self) -> None:
        """Watch this process from now on."""
        sys.addaudithook(self._look)

    def _look(self, event: str, given: tuple[object, ...]) -> None:
        if not is_step(event, given) or not str(given[0]).startswith(str(self.place)):
            return
        self._count += 1
        if self._noted is not None:
            os.write(self._out, f"{time.monotonic()}\n".encode())
        if self._count == self._step:
            os.kill(os.getpid(), signal.SIGKILL)
        if self._count == 1 and self._after >= 0:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends it as SIGKILL does
            signal.setitimer(signal.ITIMER_REAL, max(self._after, 1e-5))
        if self._count == 1 and self._limit >= 0:
            resource.setrlimit(resource.RLIMIT_FSIZE, (self._limit, self._limit))

    def open(self) -> None:
        """Open what the moments are noted in, before anything is watched."""
        if self._noted is not None:
            self._out = os.open(self._noted, os.O_WRONLY | os.O_CREAT)


def is_step(event: str, given: tuple[object, ...]) -> bool:
    """Tell whether a thing that Python is about to do changes what is on the disk."""
    if event == "open":
        return isinstance(given[2], int) and bool(given[2] & WRITING)
    return event in STEPS


def child(words: Sequence[str], watch: Watch | None = None) -> tuple[int, str]:
    """Run `edge-kit` in a child of this process; return its status and what it said."""
    sys.stdout.flush()
    heard, said = os.pipe()
    process = os.fork()
    if process == 0:
        status = 1
        try:
            os.dup2(said, 1)
            os.dup2(said, 2)
            sys.argv = ["edge-kit", *words]
            if watch is not None:
                watch.open()
                watch.begin()
            status = ended(edge_kit)
        finally:
            os._exit(status)
    os.close(said)
    with os.fdopen(heard, "rb") as stream:
        text = stream.read().decode("utf-8", "replace")
    _, state = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(state), text


def ended(command: Callable[[], object]) -> int:
    """Return the status that a command ends with."""
    try:
        command()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0


def require(outcome: tuple[int, str], what: str) -> None:
    """Stop where what the others need could not be made."""
    if outcome[0]:
        raise SystemExit(f"{what}: {outcome}")


if __name__ == "__main__":
    main()
