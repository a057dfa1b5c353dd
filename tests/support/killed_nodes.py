"""Is each image answered and each object delivered once, whenever a DICOM node is killed?

Sends drawn images to `edge-run dicom-listen`, which is ended with `kill -9` at random moments
between receipt and delivery, to an archive that counts. A sender tries again what it was given no
status for, as devices do. Then one node may finish.

    python tests/support/killed_nodes.py [--kills 50] [--seed 0]
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from dicom_nodes import device_image
from dicom_peers import Archive, free_port, send
from edge_runtime.audit_trail import verify
from edge_runtime.audit_trail.line import ANSWERED, DELIVERED, Line
from tiny_bundle import environment, write_tiny_bundle

A_KILL = 2
"""Images that are sent for each kill."""
LIFE = 5.0
"""Seconds for which a node lives at most after it took images: enough to answer and deliver."""
LONGEST = 120.0  # seconds until all is delivered once nobody kills any more
CONFIG = """
ae_title = "EDGEKIT"
folder = "node"
address = "127.0.0.1"
port = {port}
audit = "trail.jsonl"
[[peers]]
ae_title = "DEVICE"
[destination]
ae_title = "ORTHANC"
host = "127.0.0.1"
port = {archive}
"""


def main() -> None:
    """Print what was seen, and exit 1 unless all was once."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        bundle = str(write_tiny_bundle(Path(name) / "tiny.edge"))
        wrong = killed(Path(name), bundle, options.kills, random.Random(options.seed))
    raise SystemExit(bool(wrong))


def started(folder: Path, bundle: str) -> subprocess.Popen[bytes]:
    """Start a node."""
    line = [sys.executable, "-m", "edge_runtime", "dicom-listen", str(folder / "node.toml")]
    return subprocess.Popen(
        [*line, "--bundle", bundle], stderr=subprocess.DEVNULL, env=environment()
    )


def killed(folder: Path, bundle: str, kills: int, draw: random.Random) -> list[str]:
    """Kill nodes while images come, then let one finish; return what was wrong."""
    with Archive() as archive:
        port = free_port()
        text = CONFIG.format(port=port, archive=archive.port)
        (folder / "node.toml").write_text(text, encoding="utf-8")
        unsent = [device_image(number) for number in range(1, kills * A_KILL + 1)]
        count = len(unsent)
        for _ in range(kills):
            process = started(folder, bundle)
            unsent = sent(port, unsent, A_KILL, process)
            time.sleep(draw.uniform(0, LIFE))
            process.send_signal(signal.SIGKILL)
            process.wait()
        process = started(folder, bundle)
        unsent = sent(port, unsent, len(unsent), process)
        end = time.monotonic() + LONGEST
        while waits(folder, archive, count) and time.monotonic() < end:
            time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        process.wait()
        wrong = judged(folder, archive, count) + (["unsent"] if unsent else [])
    again = sum(archive.stored.values()) - len(archive.stored)
    print(  # noqa: T201
        f"{kills} kills, {count} images, {len(archive.objects)} objects in the archive, "
        f"{again} sent once more under their UID, wrong: {wrong}"
    )
    return wrong


def waits(folder: Path, archive: Archive, count: int) -> bool:
    """Tell whether an object is not in the archive yet, or a file is held for a next try."""
    return len(archive.stored) < 2 * count or bool([*folder.glob("node/*/*")])


def sent(
    port: int, images: list[bytes], most: int, process: subprocess.Popen[bytes]
) -> list[bytes]:
    """Send up to `most` images as soon as the node listens, and return those without a success."""
    tried = images[:most]
    end = time.monotonic() + LONGEST
    statuses = [-1] * len(tried)
    while -1 in statuses and time.monotonic() < end and process.poll() is None:
        statuses = send(port, *tried) if tried else []
        if -1 in statuses:
            time.sleep(0.1)
    left = [image for image, status in zip(tried, statuses, strict=True) if status]
    return left + images[most:]


def judged(folder: Path, archive: Archive, count: int) -> list[str]:
    """Return what is wrong with archive, folder and trail."""
    lines: list[Line] = []
    problems = verify([folder / "trail.jsonl"], each=lines.append).problems
    told = Counter(
        (line.kind, line.content.get("report") or line.content.get("instance"))
        for line in lines
        if line.kind in (ANSWERED, DELIVERED)
    )
    kinds = Counter(kind for kind, _ in told)
    sources = archive.sources()
    checks = {
        "objects": len(archive.objects) == 2 * count,
        "once for each image": set(sources.values()) == {1} and len(sources) == 2 * count,
        "trail": not problems and set(told.values()) == {1},
        "decisions": kinds[ANSWERED] == count,
        "deliveries": kinds[DELIVERED] == 2 * count,
        "delivered is stored": {uid for kind, uid in told if kind == DELIVERED}
        == {*archive.objects},
        "left": not [*folder.glob("node/*/*")],
    }
    return [what for what, holds in checks.items() if not holds]


if __name__ == "__main__":
    main()
