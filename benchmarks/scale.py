"""What an archive costs: throughput of workers beside edge-run, and the cost of a film as it grows.

    python benchmarks/scale.py throughput [FILMS]
    python benchmarks/scale.py growth [MOST]

`throughput` scores generated 1024 x 1024 JPEGs by the shipped network, with edge-run and with 1, 2
and 4 workers. `growth` scores lists that repeat one path 1,000 to MOST times, with a stub in place
of the decoder (it returns the same pixels): what is measured is all but the reading of films.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from time import monotonic

import numpy as np
from PIL import Image

from edge_kit.scoring.executor import Processes
from edge_kit.scoring.score import ScoringOrder, score

ROOT = Path(__file__).parent.parent
SHIPPED = ROOT / "models" / "clinic-xray-0.2.2.edge"
SIDE = 1024
STUB = """\
import sys
if "edge_kit.scoring.worker" in " ".join(sys.orig_argv):
    import resource
    from edge_runtime.film import preprocess
    def film_pixels(film, recipe, *rest):
        return bytes(range(256)) * (recipe.width * recipe.height * recipe.channels // 256)
    preprocess.film_pixels = film_pixels
"""


def quiet(line: str) -> None:
    """Say nothing."""
    del line


def throughput(folder: Path, films: int) -> None:
    """Print the films a second of edge-run and of workers, on the same films."""
    draw(folder / "films", films)
    began = monotonic()
    subprocess.run(
        [sys.executable, "-m", "edge_runtime", "classify", str(folder / "films"), "--bundle",
         str(SHIPPED), "--format", "csv"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    print(f"edge-run classify: {films / (monotonic() - began):.1f} films/s", flush=True)
    for workers in (1, 2, 4):
        out = folder / f"out-{workers}"
        began = monotonic()
        scored = score(
            ScoringOrder(
                source=str(folder / "films"),
                bundle=str(SHIPPED),
                out=out,
                part_rows=max(1, films // 20),
                workers=workers,
            ),
            quiet,
        )
        whole = films / (monotonic() - began)
        print(f"{workers} workers: {whole:.1f} films/s with start and listing, {scored.line()}")


def draw(folder: Path, films: int) -> None:
    """Write fifty noisy films as JPEG, and hard links to them; they belong to nobody."""
    folder.mkdir(parents=True)
    generator = np.random.default_rng(0)
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    plain = 120 + 60 * np.sin(x / 150) * np.cos(y / 190)
    for number in range(min(films, 50)):
        noisy = plain + generator.normal(0, 8, (SIDE, SIDE))
        picture = Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
        picture.save(folder / f"{number:06}.jpg", quality=90)
    for number in range(50, films):
        (folder / f"{number:06}.jpg").hardlink_to(folder / f"{number % 50:06}.jpg")


def growth(folder: Path, most: int) -> None:
    """Print seconds a film and memory, of archives that grow by ten."""
    draw(folder / "films", 1)
    film = next((folder / "films").iterdir())
    (folder / "custom").mkdir()
    (folder / "custom" / "sitecustomize.py").write_text(STUB)
    sys.path.insert(0, str(folder / "custom"))  # which workers get as theirs
    rows = 1000
    while rows <= most:
        with (folder / "list.txt").open("w") as stream:
            stream.writelines(f"{film}\n" for _ in range(rows))
        out, began = folder / f"out-{rows}", monotonic()
        with Watched() as watched:
            order = ScoringOrder(
                source=str(folder / "list.txt"),
                bundle=str(SHIPPED),
                out=out,
                part_rows=min(10_000, rows // 2),  # for both workers
                workers=2,
            )
            scored = score(order, quiet)
        whole = monotonic() - began
        driver = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        print(
            f"{rows} rows: {1e6 * (whole - scored.seconds) / rows:.1f} us a film to list and end, "
            f"{1e6 * scored.seconds / rows:.1f} us to score ({1e6 * scored.at.busy / rows:.1f} of "
            f"a worker in films); driver {driver} MiB, largest worker {watched.most >> 10} MiB",
            flush=True,
        )
        shutil.rmtree(out)
        rows *= 10


class Watched:
    """The most memory of any worker, in KiB, as the system tells when it is ended."""

    def __enter__(self) -> Watched:
        self.most = 0
        plain = Processes.close

        def close(executor: Processes) -> None:
            for worker in executor._started:
                status = Path(f"/proc/{worker._process.pid}/status").read_text()
                peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
                self.most = max(self.most, int(peak.split()[1]))
            plain(executor)

        self._plain = plain
        Processes.close = close  # type: ignore[method-assign, assignment]
        return self

    def __exit__(self, *_: object) -> None:
        Processes.close = self._plain  # type: ignore[method-assign]


def main() -> None:
    """Carry out what the command line says."""
    what, count = sys.argv[1], int(sys.argv[2]) if sys.argv[2:] else 0
    folder = Path(tempfile.mkdtemp(prefix="edge-scale-"))
    try:
        if what == "throughput":
            throughput(folder, count or 600)
        else:
            growth(folder, count or 1_000_000)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
