"""Let a box answer films, refuse to, and run the runtime's own tests."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from edge_runtime.bundle import Bundle
from hardware.boxes import DEFAULTS
from hardware.build import Built
from hardware.commands import cleared
from hardware.compare import Film, Films, largest
from hardware.worker import Answers, Task

ROOT = Path(__file__).resolve().parent.parent.parent
NO_ENGINE = 6
TESTS = "tests/edge_runtime"
SLOW = (
    "test_bench.py",
    "test_fuzz.py",
)  # measure times, or answer thousands of films: not emulated
_COUNTS = re.compile(r"(\d+) (passed|failed|error|skipped|deselected)")


class Broken(Exception):
    """A box that was built and does not do what it should; the message says what it does."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What an engine of a box answered, and what the processor there can do."""

    films: Films
    golden: float
    features: list[str]
    seconds: float


def answered(built: Built, engine: str, bundle: Bundle, films: Sequence[Path]) -> Answered:
    """Return what `engine` makes of the golden films and of `films` in a box.

    `golden` is the largest difference from the logits that the bundle's maker wrote down.

    Raises:
        Broken: it ended otherwise than with answers.
    """
    careless = engine == DEFAULTS
    name = "onnxruntime" if careless else engine
    task = Task(bundle.path, [str(film) for film in films], name, careless)
    made = _python(built, ["-m", "hardware.worker"], json.dumps(asdict(task)))
    if made.returncode:
        raise Broken(f"{_status(made.returncode)}: {said_last(made.stderr)}")
    answers = Answers(**json.loads(made.stdout))
    golden = bundle.manifest.golden.films
    graph = next(
        one.file
        for one in bundle.manifest.graphs
        if one.format == ("onnx" if name == "onnxruntime" else "tflite")
    )
    misses = [
        abs(logit - wanted)
        for film, logits in zip(golden, answers.logits, strict=False)
        for logit, wanted in zip(logits, film.logits[graph], strict=True)
    ]
    names = [*(film.file for film in golden), *task.films]
    rows = zip(names, answers.pixels, answers.logits, strict=True)
    found = {name: Film(pixels, logits) for name, pixels, logits in rows}
    return Answered(found, largest(misses), answers.features, answers.seconds)


def refusal(built: Built, engine: str, bundle: Bundle, film: Path) -> str:
    """Return the line with which `edge-run classify` refuses to work in a box.

    Raises:
        Broken: it ends otherwise than with status 6 and one line.
    """
    options = ["--bundle", bundle.path, "--engine", engine]
    made = _python(built, ["-m", "edge_runtime", "classify", str(film), *options])
    lines = made.stderr.splitlines()
    if made.returncode != NO_ENGINE or not lines or not lines[-1].startswith("edge-run: "):
        raise Broken(f"{_status(made.returncode)} instead of {NO_ENGINE}: {said_last(made.stderr)}")
    return lines[-1].removeprefix("edge-run: ")


def suite(built: Built, log: Path, modules: Sequence[str]) -> tuple[dict[str, int], float]:
    """Return how many of the runtime's tests passed, failed and were skipped, and the seconds.

    Raises:
        Broken: pytest itself came to grief.
    """
    started = time.monotonic()
    options = ["-p", "no:cacheprovider", "-q", "-rfEs", "--tb=short", "-p", "hardware.lacking"]
    options.append("--continue-on-collection-errors")
    ignored = [f"--ignore-glob=*/{name}" for name in SLOW if built.box.cpu]
    made = _python(built, ["-m", "pytest", *options, *ignored, *modules], path=[built.tools()])
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(made.stdout + made.stderr, encoding="utf-8")
    last = next((line for line in reversed(made.stdout.splitlines()) if " in " in line), "")
    counts = {kind: int(count) for count, kind in _COUNTS.findall(last)}
    if not counts:
        raise Broken(
            f"{_status(made.returncode)}: {said_last(made.stderr or made.stdout)}; see {log}"
        )
    return counts, time.monotonic() - started


def _python(
    built: Built, arguments: Sequence[str], said: str = "", path: Sequence[Path] = ()
) -> subprocess.CompletedProcess[str]:
    folders = [ROOT / "runtime", ROOT / "tests", ROOT / "tests" / "support", *path]
    return subprocess.run(
        [str(built.python), *arguments],
        input=said, capture_output=True, text=True, check=False, cwd=ROOT,
        env=cleared(
            PYTHONPATH=":".join(map(str, folders)), EDGE_LACKING=" ".join(built.box.system.lacking),
            EDGE_EMULATED=built.box.cpu,
        ),
    )  # fmt: skip


def _status(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"status {code}"


def said_last(text: str) -> str:
    """Return the last line of what a process said."""
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip()[:300] if lines else "nothing was said"
