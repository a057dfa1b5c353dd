"""Is each film of a tray answered once, whenever its watcher is killed, and whatever disk is full?

Drops drawn films into a tray, whole, half-copied, over preallocated files and by a new name, while
`edge-run watch --audit` runs, and ends it with `kill -9` at random moments. For root, --disks:
trays and trails on small disks that fill up, and then have room again. After all that, each film
has to lie in one place, with one row, one document and one line of the audit trail.

    python benchmarks/kill_tray.py [BUNDLE] [--kills 50] [--disks] [--seed 0]
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from hashlib import sha256
from pathlib import Path

from edge_export.films.phantom_set import write_phantoms
from edge_runtime.audit_trail import verify
from edge_runtime.audit_trail.line import ANSWERED, Line

EDGE_RUN = str(Path(sys.executable).with_name("edge-run"))
SHIPPED = "models/model3-xray-0.2.2.edge"
A_KILL = 3
"""Films that are dropped for each kill."""
MOUNT, UMOUNT = (shutil.which(name) or name for name in ("mount", "umount"))
FULL = 10
ROOM = (0, 8, 24, 60, 120, 300)  # KiB that are left


def main() -> None:
    """Print what was seen, and exit 1 unless each film was answered once."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("bundle", nargs="?", default=SHIPPED)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--disks", action="store_true", help="mount small disks, as root")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_phantoms(folder / "films", count=100, seed=options.seed)
        films = sorted((folder / "films").rglob("*.png"))
        wrong = killed(folder, films, options.bundle, options.kills, random.Random(options.seed))
        if options.disks:
            wrong += filled_up(folder / "disk", films, options.bundle)
    raise SystemExit(bool(wrong))


def command(tray: Path, bundle: str, *words: str) -> list[str]:
    """Return the command line that watches a tray, with its audit trail beside it."""
    trail = tray.parent / "trail.jsonl"
    given = ["--bundle", bundle, "--audit", str(trail), "--quiet", "0.2", *words]
    return [EDGE_RUN, "watch", str(tray), *given]


def killed(
    folder: Path, films: list[Path], bundle: str, kills: int, draw: random.Random
) -> list[str]:
    """Kill watchers while films come, then let one finish; return what was wrong."""
    (tray := folder / "killed" / "tray").mkdir(parents=True)
    dropped: list[bytes] = []
    for kill in range(kills):
        process = subprocess.Popen(command(tray, bundle), stderr=subprocess.DEVNULL)
        for number in range(A_KILL):
            content = unlike(films[(kill * A_KILL + number) % len(films)], kill)
            time.sleep(draw.uniform(0, 0.3))
            drop(tray, f"{draw.choice('abc')}{kill}.png", content, draw)
            dropped.append(content)
        time.sleep(draw.uniform(0, 1.5))
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run(command(tray, bundle, "--once"), check=True, stderr=subprocess.DEVNULL)
    wrong, answered = judged(tray, dropped)
    print(f"{kills} kills, {len(dropped)} films, {answered} answered once, wrong: {wrong}")
    return wrong


def unlike(film: Path, number: int) -> bytes:
    """Return the bytes of a film, with a comment that no other one has."""
    content = film.read_bytes()
    text = b"tEXtnumber\0%d" % number
    size = (len(text) - 4).to_bytes(4, "big")
    import zlib

    chunk = size + text + zlib.crc32(text).to_bytes(4, "big")
    return content[:33] + chunk + content[33:]  # after the header of a PNG


def drop(tray: Path, name: str, content: bytes, draw: random.Random) -> None:
    """Let a film come in one of four ways; a name that is taken gets a number."""
    path, half = tray / name, len(content) // 2
    while path.exists():
        path = path.with_stem(path.stem + "x")
    way = draw.randrange(4)
    if way == 0:
        path.write_bytes(content)
    elif way == 1:
        path.with_suffix(".part").write_bytes(content)
        path.with_suffix(".part").rename(path)
    elif way == 2:
        with path.open("wb", buffering=0) as stream:
            stream.write(content[:half])
            time.sleep(0.5)
            stream.write(content[half:])
    else:
        with path.open("wb", buffering=0) as stream:
            stream.truncate(len(content))
            time.sleep(0.5)
            stream.write(content)


def judged(tray: Path, dropped: list[bytes]) -> tuple[list[str], int]:
    """Return what is wrong with a tray that was finished, and how many films are answered once."""
    wanted = Counter(sha256(content).hexdigest() for content in dropped)
    places = {
        path.relative_to(tray).as_posix(): sha256(path.read_bytes()).hexdigest()
        for folder in ("done", "refused", "failed") for path in (tray / folder).iterdir()
        if path.suffix != ".json"
    }  # fmt: skip
    with (tray / "results.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    lines: list[Line] = []
    found = verify([tray.parent / "trail.jsonl"], each=lines.append)
    told = Counter(line.content["film"] for line in lines if line.kind == ANSWERED)
    documents = {name: json.loads((tray / f"{name}.json").read_text("utf-8")) for name in places}
    checks = {
        "films": Counter(places.values()) == wanted,
        "rows": sorted((row["file"], row["sha256"]) for row in rows) == sorted(places.items()),
        "documents": all(documents[name]["sha256"] == places[name] for name in places),
        "trail": told == wanted and not found.problems,
        "left": not [*tray.glob("*.png")],
        "torn": all(row["status"] == "ok" or row["refusal"] == "not_a_film" for row in rows),
    }
    answered = sum(told[film] == count for film, count in wanted.items())
    return [what for what, holds in checks.items() if not holds], answered


def filled_up(mount: Path, films: list[Path], bundle: str) -> list[str]:
    """Let a disk be full at several moments, make room, and return what was wrong."""
    wrong: list[str] = []
    for room in ROOM:
        mount.mkdir(exist_ok=True)
        subprocess.run([MOUNT, "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(mount)], check=True)
        try:
            (tray := mount / "tray").mkdir()
            dropped = [unlike(film, room) for film in films[:40]]
            for number, content in enumerate(dropped):
                (tray / f"{number}.png").write_bytes(content)
            fill(mount, room << 10)
            first = subprocess.run(
                command(tray, bundle, "--once"), check=False, capture_output=True, text=True
            )
            (mount / "filler").unlink()
            again = subprocess.run(
                command(tray, bundle, "--once"), check=False, stderr=subprocess.DEVNULL
            )
            faults, answered = judged(tray, dropped)
            faults += [] if first.returncode in (0, FULL) else [f"status {first.returncode}"]
            print(f"{room} KiB left: status {first.returncode}, then {again.returncode}, "
                  f"{answered} of {len(dropped)} answered once, wrong: {faults}")  # fmt: skip
            wrong += faults
        finally:
            subprocess.run([UMOUNT, str(mount)], check=True)
    return wrong


def fill(mount: Path, room: int) -> None:
    """Leave so many bytes of a disk."""
    free = shutil.disk_usage(mount).free
    with (mount / "filler").open("wb") as stream:
        stream.write(bytes(max(0, free - room)))


if __name__ == "__main__":
    main()
