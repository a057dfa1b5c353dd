"""What a page stands: many clients at once beside `edge-run classify`, or a few for long.

    python benchmarks/page_load.py load --seconds 60 --clients 100
    python benchmarks/page_load.py soak --minutes 60

The films are drawn JPEGs of the size that X-ray machines give. `load` prints films a second of the
page and of the command in one run, the ratio, the processor time of a film in either (which other
programs disturb less), times, statuses and memory; `soak` prints the memory as it goes, and leaves
with 1 where it grows.
"""

from __future__ import annotations

import argparse
import http.client
import os
import resource
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread, get_ident
from typing import NamedTuple
from urllib.parse import urlsplit

from edge_runtime.bench.drawn import draw

ROOT = Path(__file__).resolve().parent.parent
BUNDLE = ROOT / "models" / "clinic-xray-0.2.2.edge"
SIDES = (2000, 2200, 2400, 2500)
"""Pixels along the sides of the films."""
LEAST_RATIO = 0.8
ROUNDS = 6
"""Turns of the page and of the command."""
MOST_GROWTH = 32.0
"""MiB that a soak may add after its first tenth."""


def main() -> int:
    """Carry out the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("work", choices=("load", "soak"))
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--minutes", type=float, default=60.0)
    options = parser.parse_args()
    with TemporaryDirectory() as name:
        films = drawn(Path(name))
        if options.work == "load":
            return load(films, options.bundle, options.clients, options.seconds)
        return soak(films, options.bundle, options.minutes * 60)


def drawn(folder: Path) -> list[Path]:
    """Return the films of a trial, written to `folder`."""
    paths = []
    for side in SIDES:
        stream = BytesIO()
        draw(side).crop((0, 0, side, side * 5 // 6)).save(stream, "JPEG", quality=90)
        paths.append(folder / f"{side}.jpg")
        paths[-1].write_bytes(stream.getvalue())
    return paths


@contextmanager
def page(bundle: Path) -> Iterator[tuple[str, int, int]]:
    """Serve a page; yield its host, its port and the number of its process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "edge_runtime", "serve", str(bundle), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        line = process.stdout.readline() if process.stdout else ""
        address = urlsplit(line.strip())
        yield str(address.hostname), int(address.port or 0), process.pid
    finally:
        process.terminate()
        process.wait()


def load(films: Sequence[Path], bundle: Path, clients: int, seconds: float) -> int:
    """Print what the page stands beside the command, and return 1 where it is too slow.

    Both take turns, so that what else the machine does disturbs one as much as the other.
    """
    heard, memory, rows = Heard(0), list[float](), list[Row]()
    with page(bundle) as (host, port, pid):
        ask(host, port, films[0].read_bytes())  # processes are started
        for _ in range(ROUNDS):
            command = command_rate(films, bundle, seconds / ROUNDS / 2)
            before, used = heard.statuses["200"], processor_seconds(pid)
            began = time.monotonic()
            heard.end = began + seconds / ROUNDS
            threads = begun(clients, host, port, films, heard)
            while any(thread.is_alive() for thread in threads):
                memory.append(memory_of(pid))
                time.sleep(0.2)
            count, took = heard.statuses["200"] - before, time.monotonic() - began
            work = (processor_seconds(pid) - used) / max(1, count)
            rows.append(Row(count / took, command[0], work, command[1]))
    rate, command_films, work, command_work = map(statistics.mean, zip(*rows, strict=True))
    times, ratios = sorted(heard.times), [row.page / row.command for row in rows]
    print(f"page      {rate:7.1f} films/s, {clients} clients for {seconds:.0f} s")
    print(f"classify  {command_films:7.1f} films/s, in turns with it")
    print(f"ratio     {rate / command_films:7.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    print(f"processor {1000 * work:7.1f} ms a film, {1000 * command_work:.1f} ms in classify")
    print(f"p50, p95  {times[len(times) // 2]:.2f} s, {times[len(times) * 95 // 100]:.2f} s")
    print(f"statuses  {dict(heard.statuses)}")
    print(f"memory    {max(memory):.0f} MiB at most, page and processes")
    return 0 if rate >= LEAST_RATIO * command_films else 1


def soak(films: Sequence[Path], bundle: Path, seconds: float) -> int:
    """Print the memory while films are judged, and return 1 where it grows."""
    seen = list[float]()
    with page(bundle) as (host, port, pid):
        heard = Heard(time.monotonic() + seconds)
        threads = begun(4, host, port, films, heard)
        while any(thread.is_alive() for thread in threads):
            time.sleep(seconds / 20)
            seen.append(memory_of(pid))
            print(f"{sum(heard.statuses.values()):8} films  {seen[-1]:6.0f} MiB", flush=True)
    print(f"statuses {dict(heard.statuses)}")
    growth = seen[-1] - max(seen[:3])
    print(f"growth   {growth:.0f} MiB")
    return 0 if growth < MOST_GROWTH else 1


class Row(NamedTuple):
    """Films a second of the page and of the command, and processor seconds of a film in each."""

    page: float
    command: float
    page_work: float
    command_work: float


class Heard:
    """What clients heard until `end`: statuses, and the seconds of answers."""

    def __init__(self, end: float) -> None:
        self.end = end
        self.statuses = Counter[str]()
        self.times: list[float] = []


def client(host: str, port: int, films: Sequence[Path], heard: Heard) -> None:
    """Ask for one film after another, on one connection."""
    data = [film.read_bytes() for film in films]
    connection = http.client.HTTPConnection(host, port, timeout=120)
    number = get_ident()
    while time.monotonic() < heard.end:
        number += 1
        began = time.perf_counter()
        try:
            connection.request("POST", "/api/classify", data[number % len(data)])
            reply = connection.getresponse()
            reply.read()
            status = str(reply.status)
        except OSError as error:
            connection.close()
            status = type(error).__name__
        heard.statuses[status] += 1
        if status == "200":
            heard.times.append(time.perf_counter() - began)
        elif status == "503":
            time.sleep(1)
    connection.close()


def begun(count: int, host: str, port: int, films: Sequence[Path], heard: Heard) -> list[Thread]:
    """Return so many clients, which have begun to ask."""
    threads = [Thread(target=client, args=(host, port, films, heard)) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads


def ask(host: str, port: int, film: bytes) -> None:
    """Ask for one film."""
    connection = http.client.HTTPConnection(host, port, timeout=120)
    connection.request("POST", "/api/classify", film)
    connection.getresponse().read()
    connection.close()


def command_rate(films: Sequence[Path], bundle: Path, seconds: float) -> tuple[float, float]:
    """Return films a second of `edge-run classify`, and its processor time in seconds for a film.

    Its start is left out: few films are taken off many.
    """
    few, many = len(films), max(40, int(seconds * 20))
    slow, fast = (command_cost(films, count, bundle) for count in (few, many))
    return (many - few) / (fast[0] - slow[0]), (fast[1] - slow[1]) / (many - few)


def command_cost(films: Sequence[Path], count: int, bundle: Path) -> tuple[float, float]:
    """Return how long the command takes for `count` films, on the clock and of the processors."""
    listed = "\n".join(str(films[number % len(films)]) for number in range(count)) + "\n"
    command = [sys.executable, "-m", "edge_runtime", "classify", "--files-from", "-"]
    started, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [*command, "--bundle", str(bundle), "--format", "json"],
        input=listed.encode(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = now.ru_utime - used.ru_utime + now.ru_stime - used.ru_stime
    return time.perf_counter() - started, spent


def processor_seconds(pid: int) -> float:
    """Return the processor time of a page and its processes."""
    ticks = 0
    for number in tree_of(pid):
        fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_of(pid: int) -> float:
    """Return the MiB of a page and its processes, what they share counted once."""
    return sum(map(proportional, tree_of(pid))) / 1024


def tree_of(pid: int) -> list[int]:
    """Return the number of a page, and those of its processes."""
    places = (place for place in Path("/proc").iterdir() if place.name.isdecimal())
    return [pid, *(int(place.name) for place in places if parent_of(place) == pid)]


def parent_of(place: Path) -> int:
    """Return the number of the process that started another."""
    try:
        return int((place / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:  # it has just ended
        return 0


def proportional(pid: int) -> int:
    """Return the KiB of a process, its part of what it shares among them."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


if __name__ == "__main__":
    print(f"{os.cpu_count()} processors")
    sys.exit(main())
