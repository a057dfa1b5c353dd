"""How many images a DICOM node answers in a second, from several senders, and its memory over time.

Memory is the sum over the node and its readers of films, each page shared out among those that have
it (Pss of Linux), looked at twice a second.

PYTHONPATH=tests/support python benchmarks/dicom_rate.py [BUNDLE] [--images 1000]
"""

from __future__ import annotations

import argparse
import signal
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from statistics import median
from threading import Event, Thread

import numpy as np
from PIL import Image

from dicom_nodes import device_image
from dicom_peers import Archive, free_port, send
from edge_export.films.phantom_set import write_phantoms
from killed_nodes import CONFIG, started

SHIPPED = "models/model3-xray-0.2.2.edge"
MIB = 1024  # KiB
PARTS = 5
"""Parts of the time, of which each has a figure of its memory."""


def main() -> None:
    """Print rate and memory."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("bundle", nargs="?", default=SHIPPED)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--senders", type=int, default=4)
    parser.add_argument("--side", type=int, default=512)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, Archive() as archive:
        print(measured(Path(name), archive, options))


def measured(folder: Path, archive: Archive, options: argparse.Namespace) -> str:
    """Return in words how fast one node was, and how large."""
    port, side, count = free_port(), options.side, options.images
    text = CONFIG.format(port=port, archive=archive.port)
    (folder / "node.toml").write_text(text, encoding="utf-8")
    write_phantoms(folder / "films", count=40, seed=0, size=(side, side))
    paths = sorted((folder / "films").rglob("*.png"))
    films = [np.asarray(Image.open(path).convert("L")) for path in paths]
    process = started(folder, str(Path(options.bundle).resolve()))
    while send(port, device_image(0, levels=films[0])) != [0]:
        time.sleep(0.2)
    began = time.monotonic()

    def share(sender: int) -> int:
        numbers = range(sender + 1, count + 1, options.senders)
        images = (device_image(number, levels=films[number % len(films)]) for number in numbers)
        return sum(send(port, image) == [0] for image in images)

    with watched(process.pid) as seen:
        with ThreadPoolExecutor(options.senders) as pool:
            taken = sum(pool.map(share, range(options.senders)))
        received = time.monotonic() - began
        while [*folder.glob("node/*/*")] and process.poll() is None:
            time.sleep(0.2)
        seconds = time.monotonic() - began
    process.send_signal(signal.SIGTERM)
    process.wait()
    return (
        f"{taken} of {count} images of {side} x {side} from {options.senders} senders: taken in "
        f"{received:.0f} s, answered and delivered in {seconds:.0f} s ({taken / seconds:.1f} a "
        f"second, {len(archive.stored)} objects, {sum(archive.stored.values())} times stored); "
        f"MiB, medians of {PARTS} parts of the time: {parts(seen)}, at most {max(seen)}; queue "
        f"{(folder / 'node' / 'queue.sqlite').stat().st_size >> 10} KiB"
    )


@contextmanager
def watched(process: int) -> Iterator[list[int]]:
    """Yield what is seen of the memory of a process and its children until the block ends, MiB."""
    seen, ended = [memory(process)], Event()

    def watch() -> None:
        while not ended.wait(0.5):
            seen.append(memory(process))

    thread = Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def parts(seen: list[int]) -> str:
    """Return the median of each part of the time."""
    bounds = [len(seen) * part // PARTS for part in range(PARTS + 1)]
    pairs = pairwise(bounds)
    return ", ".join(f"{median(seen[low:high] or seen[-1:]):.0f}" for low, high in pairs)


def memory(process: int) -> int:
    """Return the memory of a process and its children, in MiB."""
    size = 0
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):  # one that ended has none any more
            parent = int((path / "stat").read_text(encoding="ascii").rpartition(")")[2].split()[1])
            if process in (int(path.name), parent):
                text = (path / "smaps_rollup").read_text(encoding="ascii")
                size += int(text.partition("\nPss:")[2].split()[0])
    return size // MIB


if __name__ == "__main__":
    main()
