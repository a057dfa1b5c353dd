"""The whole way on generated films: draw, train, export, prove, classify without TensorFlow."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from edge_runtime.errors import CannotWrite, EdgeError

# Enough for Model 3 to learn faint opacities and still miss some: an AUC between 0.90 and 0.99,
# so that parity means something. Four sevenths train, one validates, two test.
FILMS, EPOCHS = 840, 8
UNSEEN = 12
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
    from edge_export.films.phantom_set import write_phantoms

    started = time.monotonic()
    _clear(out)
    bundle = out / "demo.edge"
    say(f"1/4 drawing {FILMS} synthetic chest films")
    write_phantoms(out / "films", count=FILMS, seed=seed)
    write_phantoms(out / "unseen", count=UNSEEN, seed=seed + 1)
    for step, line in (
        ("2/4 training", ["train", "--out", f"{out}/run", "--epochs", str(EPOCHS)]),
        ("3/4 exporting", ["export", f"{out}/run", "--int8", "--out", str(bundle)]),
    ):
        command = [*line, "--data", f"{out}/films", "--seed", str(seed)]
        say(f"{step}: edge-kit {shlex.join(command)}")
        run(command)
    say(f"4/4 classifying {UNSEEN} unseen films in a process of its own:")
    say(f"    edge-run classify {out}/unseen --bundle {bundle}")
    loaded = classify_apart(out / "unseen", bundle)
    say(f"that process loaded none of {', '.join(_HEAVY)}" if not loaded else f"loaded {loaded}")
    say(f"films, run, report and bundle lie in {out}/, after {time.monotonic() - started:.0f} s")


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
