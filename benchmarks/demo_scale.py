"""An archive over a Ray cluster of three nodes; one of them is killed on the way, then the driver.

    python benchmarks/demo_scale.py [FILMS] [--namespaces]

The nodes are processes of this machine, with `--namespaces` each in a network of its own (as root).
What the driver has left, `--resume` ends. The answers are held against those of `edge-run
classify`: each film once, with the same answer.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import nullcontext, suppress
from pathlib import Path
from time import monotonic, sleep

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "tests" / "support")]

from node_networks import NodeNetworks  # noqa: E402

from archives import children_of, draw_archive, rows_of  # noqa: E402
from edge_kit.scoring.ray_session import secure  # noqa: E402
from tiny_bundle import write_tiny_bundle  # noqa: E402

PART = 20


def main(films: int, networks: NodeNetworks | None) -> int:
    """Score the archive, kill node and driver, and compare; return the exit status."""
    began, folder = monotonic(), Path(tempfile.mkdtemp(prefix="edge-scale-"))
    try:
        draw_archive(folder / "films", films)
        bundle = write_tiny_bundle(folder / "m.edge")
        told(f"{films} films of two sites, in parts of {PART}")
        with_kills(folder, bundle, folder / "out", networks)
        compare(folder, bundle, folder / "out", films)
        told(f"done after {monotonic() - began:.0f} s")
        return 0
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def with_kills(folder: Path, bundle: Path, out: Path, networks: NodeNetworks | None) -> None:
    """Score over three nodes; kill one once some parts are done, then the driver; go on."""
    secure()
    port, head = free_port(), networks.address(0) if networks else "127.0.0.1"
    places = [networks.prefix(number) if networks else [] for number in range(3)]
    addresses = [networks.address(number) if networks else head for number in range(3)]
    nodes = [node(places[0], head, "--head", f"--port={port}", "--include-dashboard=false",
                  f"--temp-dir={folder / 'ray'}")]  # fmt: skip
    program = [*places[0], sys.executable, "-c", "from edge_kit.cli import main; main()"]
    order = ["score", folder / "films", "--bundle", bundle, "--out", out, "--part", PART]
    command = [*program, *map(str, [*order, "--address", f"{head}:{port}", "--workers", 3])]
    parts = len(list((folder / "films").rglob("*.png"))) // PART
    try:
        wait_for_port(places[0], head, port)
        others = zip(places[1:], addresses[1:], strict=True)
        nodes += [node(place, own, f"--address={head}:{port}") for place, own in others]
        told(f"three nodes of one processor each, at {', '.join(addresses)}")
        process = subprocess.Popen(command)
        wait_for_parts(out, process, parts // 4)
        victim = working(nodes[1:], process)
        told(f"killing a node of {len(tree(victim.pid))} processes, {done(out)} parts done")
        end(victim)
        wait_for_parts(out, process, parts // 2)
        told(f"killing the driver, {done(out)} of {parts} parts done")
        end(process)
        if status := subprocess.run([*command, "--resume"], check=False).returncode:
            raise SystemExit(f"edge-kit score --resume left with status {status}")
    finally:
        for started in nodes:
            end(started)


def node(place: list[str], address: str, *options: str) -> subprocess.Popen[bytes]:
    """Start a node of one processor, which ends with its process."""
    return subprocess.Popen(
        [*place, sys.executable, "-W", "ignore", "-m", "ray.scripts.scripts", "start", "--block",
         f"--node-ip-address={address}", "--num-cpus=1", "--disable-usage-stats", *options],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def tree(pid: int) -> list[int]:
    """Return a process, all that it has started, and what they have."""
    rest, known = [pid], list[int]()
    while rest:
        known.append(rest.pop())
        with suppress(FileNotFoundError):
            rest += children_of(known[-1])
    return known


def working(
    nodes: list[subprocess.Popen[bytes]], process: subprocess.Popen[bytes]
) -> subprocess.Popen[bytes]:
    """Return a node that has a worker which scores, once there is one."""
    while process.poll() is None:
        for node in nodes:
            for pid in tree(node.pid):
                with suppress(OSError):
                    if b"edge_kit.scoring.worker" in Path(f"/proc/{pid}/cmdline").read_bytes():
                        return node
        sleep(0.02)
    raise SystemExit("edge-kit score ended before a node was killed: give more films")


def end(started: subprocess.Popen[bytes]) -> None:
    """Kill a node, without a warning to anything of it."""
    for pid in tree(started.pid):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    started.wait()


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def wait_for_port(place: list[str], address: str, port: int) -> None:
    """Return once somebody listens on a port, seen from where the head is."""
    script = f"import socket; socket.create_connection(({address!r}, {port}))"
    for _ in range(300):
        if not subprocess.run(
            [*place, sys.executable, "-c", script], check=False, stderr=subprocess.DEVNULL
        ).returncode:
            return
        sleep(0.2)
    raise SystemExit("the head of the cluster does not start")


def wait_for_parts(out: Path, process: subprocess.Popen[bytes], count: int) -> None:
    """Return once `count` parts are done, and others are not."""
    while done(out) < max(1, count):
        if process.poll() is not None:
            raise SystemExit("edge-kit score ended before a node was killed: give more films")
        sleep(0.02)


def done(out: Path) -> int:
    """Return how many parts the journal names."""
    path = out / "journal.jsonl"
    return len(path.read_bytes().splitlines()) - 1 if path.exists() else 0


def compare(folder: Path, bundle: Path, out: Path, films: int) -> None:
    """Hold the rows against those of `edge-run classify`."""
    said = subprocess.run(
        [sys.executable, "-m", "edge_runtime", "classify", str(folder / "films"), "--bundle",
         str(bundle), "--format", "csv"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    keys = ("file", "status", "logit", "sha256")
    expected = [tuple(row[key] for key in keys) for row in csv.DictReader(said.stdout.splitlines())]
    rows = [
        tuple("" if row[key] is None else str(row[key]) for key in keys) for row in rows_of(out)
    ]
    if rows != expected or len(rows) != films:
        raise SystemExit(f"{len(rows)} rows are not those of edge-run classify, {len(expected)}")
    index = json.loads((out / "index.json").read_bytes())
    told(f"{len(rows)} films in {len(index['parts'])} parts, each once, as edge-run answers them")


def told(line: str) -> None:
    """Say what is done."""
    print(f"demo: {line}", flush=True)


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("films", nargs="?", type=int, default=3000)
    options.add_argument("--namespaces", action="store_true", help="a network for each; as root")
    chosen = options.parse_args()
    with NodeNetworks(3) if chosen.namespaces else nullcontext() as networks:
        sys.exit(main(chosen.films, networks))
