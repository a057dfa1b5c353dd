"""The whole way on generated films: draw, train, export, prove, classify without TensorFlow."""

from __future__ import annotations

import csv
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import resources
from pathlib import Path

from edge_kit.console import elapsed_shown
from edge_runtime.bundle import open_bundle
from edge_runtime.errors import CannotWrite, EdgeError
from edge_runtime.output import write_whole
from edge_runtime.text import CsvTable

# Of 640 films about 138 of each class are held out: with 133, a graph that changes no decision can
# pass. An AUC between 0.90 and 0.99 leaves films near the threshold, without which parity would
# mean nothing.
FILMS, SIDE, EPOCHS = 640, 112, 10
DRAWN = (2 * SIDE, 2 * SIDE)  # a clinic's films are larger than the graph's, too
UNSEEN = 12
USE = ("--body-part", "CHEST", "--views", "PA,AP", "--ages", "18,150")
NETWORK = "network.py"
_MARK = ".edge-kit-demo"
_HEAVY = ("tensorflow", "keras", "numpy", "onnxruntime")


def demo(
    out: Path, seed: int, run: Callable[[list[str]], None], say: Callable[[str], None]
) -> None:
    """Run the demonstration in folder `out`, which an earlier one may have left.

    `run` carries out an `edge-kit` command line.

    Raises:
        CannotWrite: `out` holds something else, or the disk refused.
        EdgeError: any of those of the steps.
    """
    started = time.monotonic()
    _clear(out)
    bundle = out / "demo.edge"
    say(f"1/4 drawing {FILMS} synthetic chest films, and the code of a small network")
    with elapsed_shown("drawing"):
        _draw(out, seed)
    for number, (name, line) in enumerate(_commands(out, bundle, seed), 2):
        say(f"{number}/4 {name}: edge-kit {shlex.join(line)}")
        with elapsed_shown(name):
            run(line)
    say(f"4/4 classifying {UNSEEN} unseen films in a process of its own:")
    say(f"    edge-run classify {shlex.join([f'{out}/unseen', '--bundle', str(bundle)])}")
    with elapsed_shown("classifying"):
        loaded = classify_apart(out / "unseen", bundle)
    say(f"that process loaded none of {', '.join(_HEAVY)}" if not loaded else f"loaded {loaded}")
    for told in _summary(out, bundle, time.monotonic() - started):
        say(told)


def _commands(out: Path, bundle: Path, seed: int) -> list[tuple[str, list[str]]]:
    """Return the steps that are command lines of `edge-kit`, each with its name."""
    network = ["--model", f"{out / NETWORK}:small", "--side", str(SIDE), "--epochs", str(EPOCHS)]
    films = ["--data", f"{out}/films", "--seed", str(seed)]
    return [
        ("training", ["train", "--out", f"{out}/run", *network, *films]),
        ("exporting", ["export", f"{out}/run", "--int8", "--out", str(bundle), *films, *USE]),
    ]


def _draw(out: Path, seed: int) -> None:
    """Write the films, those to classify, and the code of the network."""
    from edge_export.films.phantom_set import write_phantoms

    write_phantoms(out / "films", count=FILMS, seed=seed, size=DRAWN)
    _keep_pairs_together(out / "films")
    write_phantoms(out / "unseen", count=UNSEEN, seed=seed + 1, size=DRAWN)
    code = resources.files("edge_kit.models").joinpath("small.py").read_bytes()
    write_whole(out / NETWORK, code)


def _keep_pairs_together(films: Path) -> None:
    """Give films that look alike by chance the split of the first of them, and their patients too.

    Of 640 drawn films, about one pair in each set is as alike as near-duplicates are, and a split
    that parts it would be refused as a leak.
    """
    from edge_kit.data.fingerprints import Fingerprint, group_films, near_duplicates, scan

    with (films / "manifest.csv").open(encoding="utf-8", newline="") as file:
        columns, *rows = csv.reader(file)
    place, split, patient = (columns.index(name) for name in ("path", "split", "patient_id"))
    prints = [one for one in scan([films / row[place] for row in rows])
              if isinstance(one, Fingerprint)]  # fmt: skip
    groups = group_films(
        [one.sha256 for one in prints], [(row[patient],) for row in rows], near_duplicates(prints)
    )
    first: dict[str, str] = {}
    for row, group in zip(rows, groups, strict=True):
        row[split] = first.setdefault(group, row[split])
    with (films / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        CsvTable(file).write_all([columns, *rows])


def _summary(out: Path, bundle: Path, seconds: float) -> list[str]:
    """Return what there is now, what to open, and how to go on, a line each."""
    with open_bundle(bundle) as opened:
        verdict = opened.manifest.verdict
    page, film = bundle.with_suffix(".report.html"), shlex.quote(f"{out}/unseen/covid/0000.png")
    return [
        "",
        f"done in {seconds:.0f} s, verdict {verdict}",
        f"  open in a browser     {page}",
        f"  training curves       {out}/run/curves.png",
        f"  bundle for a clinic   {bundle}",
        "go on with a map of what an answer depends on, then with films of your own:",
        f"  edge-run classify {film} --bundle {shlex.quote(str(bundle))} "
        f"--heatmap {shlex.quote(f'{out}/heatmap.png')}",
        "  edge-kit train --data FILMS --out RUN",
    ]


class _NotClassified(EdgeError):
    """`edge-run` has already said what went wrong; its exit status is ours."""

    def __init__(self, status: int) -> None:
        super().__init__("demo", f"edge-run left with status {status}", "see the line above")
        self.exit_status = status


def classify_apart(films: Path, bundle: Path) -> list[str]:
    """Classify `films` by `edge-run` in another process; return which heavy modules it loaded.

    Raises:
        EdgeError: `edge-run` did not answer for every film.
    """
    images = sorted(films.rglob("*.png"))
    command = [sys.executable, "-X", "importtime", "-m", "edge_runtime", "classify"]
    process = subprocess.run(
        [*command, "--bundle", str(bundle), *map(str, images)],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if process.returncode:
        raise _NotClassified(process.returncode)
    # -X importtime writes "import time: self | cumulative | name" for every module loaded.
    loaded = {line.rpartition("|")[2].strip() for line in process.stderr.splitlines()}
    return sorted(loaded & set(_HEAVY))


def _clear(out: Path) -> None:
    """Make `out` a new folder of ours; only a folder that a demo has marked is removed."""
    place = Path(os.path.realpath(out))  # a link stays
    try:
        if (place / _MARK).is_file():
            shutil.rmtree(place)
        place.mkdir(parents=True)
        (place / _MARK).touch()
    except OSError as error:
        problem = error.strerror or str(error)
        raise CannotWrite(out, problem, "name another folder with --out") from error
