"""What `edge-run` costs on this machine, always beside the floor and the customary scripts.

Four things are measured: cold start, from shell to answer; a film in a process that runs already;
a folder; and each graph of the bundle alone. Every figure has its baselines in the same run, in
turn, and is compared as the median over rounds of the ratio within a round: absolute times of a
busy machine mean little.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_runtime.answer.batch import processors
from edge_runtime.bench import baselines
from edge_runtime.bench.baselines import EDGE_RUN, FLOOR
from edge_runtime.bench.drawn import draw
from edge_runtime.bench.graphs import graph_times
from edge_runtime.bench.meter import rotated
from edge_runtime.bench.targets import cold_targets, rate_targets
from edge_runtime.bundle import Bundle
from edge_runtime.cures import doctor
from edge_runtime.engines import open_engine
from edge_runtime.errors import DataError, EdgeError
from edge_runtime.isolation import child
from edge_runtime.machine import computer
from edge_runtime.machine.many_films import told
from edge_runtime.machine.ratios import Ratio, median, medians, percentile

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure: `rounds` of cold starts, `laps` of a warm film, a folder of `copies`."""

    engine: str = "auto"
    rounds: int = 31
    laps: int = 100
    folder_rounds: int = 5
    copies: int = 160
    films: Path | None = None
    drawn: tuple[tuple[int, str], ...] = ((1024, "png"), (2000, "jpg"))


def measure(bundle: Bundle, plan: Plan, say: Say) -> dict[str, Any]:
    """Return all figures as one JSON document; `say` gets a line before each part.

    Raises:
        NoEngine: nothing on this machine runs the bundle.
        DataError: no film of the plan's folder is answered.
        EdgeError: `edge-run` failed where it was measured.
    """
    with tempfile.TemporaryDirectory(prefix="edge-run-bench-") as folder:
        measurement = _Measurement(bundle, plan, Path(folder))
        folders = measurement.folders()
        cold, warm, rates = [], [], []
        for name, films in folders.items():
            say(f"{name}: {plan.rounds} cold starts, {plan.laps} warm films, the folder")
            film = measurement.first(films)
            cold.append({"film": name, "figures": measurement.cold(film)})
            warm.append({"film": name, "figures": measurement.warm(film)})
            rates.append({"films": name, **measurement.rate(films)})
        graphs, unrun = graph_times(bundle, plan.engine, plan.laps)
    return {
        "context": measurement.context(),
        "cold_start": cold,
        "warm": warm,
        "throughput": rates,
        "graphs": graphs,
        "targets": [*cold_targets(cold), *rate_targets(rates, drawn=plan.films is None)],
        "not_measured": measurement.absent | unrun,
    }


class _Measurement:
    """One bundle and its baselines, with what they need on the disk below `folder`."""

    def __init__(self, bundle: Bundle, plan: Plan, folder: Path) -> None:
        self._bundle, self._plan, self._folder = bundle, plan, folder
        self._engine = open_engine(bundle, plan.engine).name
        self._preprocess = bundle.manifest.preprocess
        self._threads = processors()
        self._graphs = {FLOOR: ""}
        self.absent: dict[str, str] = {}
        for name, form in baselines.RUNS.items():
            graph = bundle.manifest.graph(form)
            lacking = [
                package for package in baselines.NEEDS[name] if computer.installed(package) is None
            ]
            if lacking or graph is None:
                why = f"{', '.join(lacking)} not installed" if lacking else f"no {form} graph"
                self.absent[name] = why
                continue
            path = folder / f"graph.{form}"
            path.write_bytes(bundle.read(graph.file))
            self._graphs[name] = str(path)

    def context(self) -> dict[str, Any]:
        """Return what the figures hold for."""
        manifest = self._bundle.manifest
        return {
            "bundle": f"{manifest.name} {manifest.version}",
            "identity": manifest.identity,
            "engine": self._engine,
            "many_films": told(self._bundle)[0],
            "processor": computer.architecture(),
            "processor_name": computer.processor_name(),
            "features": computer.features(),
            "cores": self._threads,
            "python": sys.version.split()[0],
            "software": {
                name: computer.installed(name)
                for name in ("edge-runtime", "pillow", "ai-edge-litert", "onnxruntime", "numpy")
            },
        }

    def folders(self) -> dict[str, Path]:
        """Return the folders to measure; films that we draw lie there as often as asked."""
        if self._plan.films is not None:
            return {self._plan.films.name: self._plan.films}
        folders = {}
        for side, form in self._plan.drawn:
            name = f"{form.upper()} {side} x {side}"
            folders[name] = self._folder / f"{form}-{side}"
            folders[name].mkdir()
            film = folders[name] / f"000.{form}"
            draw(side).save(film)
            for copy in range(1, self._plan.copies):
                shutil.copyfile(film, film.with_name(f"{copy:03}.{form}"))
        return folders

    def first(self, folder: Path) -> Path:
        """Return the first film of `folder` that is answered, or judged to be no film."""
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            done = subprocess.run(
                [*edge_run(), *self._classify(path), "--format", "json"],
                capture_output=True,
                env=child.environment(),
                check=False,
            )
            if done.returncode not in (0, 5):
                raise EdgeError("edge-run classify", _last(done.stderr), doctor())
            row = json.loads(done.stdout)
            if row["status"] == "ok" or row["refusal"] == "not_a_film":
                return path
        raise DataError(folder, "holds no film that is answered", "name another folder")

    def cold(self, film: Path) -> dict[str, Any]:
        """Return figures of whole processes that answer one film."""
        commands = {EDGE_RUN: [*edge_run(), *self._classify(film)]}
        for name in self._graphs:
            source = self._script(name, baselines.ONE_FILM)
            commands[name] = [sys.executable, "-c", source, str(film)]
        runs = self._metered(commands, self._plan.rounds)
        return {
            name: {
                **medians(runs[name]),
                **_ratio(name, {key: [run[0] for run in mine] for key, mine in runs.items()}),
            }
            for name in runs
        }

    def warm(self, film: Path) -> dict[str, Any]:
        """Return the latency of one film in processes that run already, asked in turn."""
        laps: dict[str, list[tuple[float, float]]] = {}
        with ExitStack() as stack:
            runners = {
                name: stack.enter_context(_runner(self._script(name, baselines.EACH_LINE)))
                for name in (EDGE_RUN, *self._graphs)
            }
            for lap in range(-3, self._plan.laps):
                for name in rotated(list(runners), lap):
                    answer = runners[name](str(film))
                    if lap >= 0:
                        laps.setdefault(name, []).append(answer)
        totals = {name: [total for total, _ in mine] for name, mine in laps.items()}
        return {
            name: {
                "p50_ms": percentile(totals[name], 50),
                "p95_ms": percentile(totals[name], 95),
                "engine_p50_ms": percentile([engine for _, engine in mine], 50),
                "engine_p95_ms": percentile([engine for _, engine in mine], 95),
                **_ratio(name, totals),
            }
            for name, mine in laps.items()
        }

    def rate(self, folder: Path) -> dict[str, Any]:
        """Return how many films of `folder` whole processes answer in a second."""
        count = sum(path.is_file() for path in folder.rglob("*"))
        threads = str(self._threads)
        commands = {EDGE_RUN: [*edge_run(), *self._classify(folder), "--threads", threads]}
        for name in self._graphs:
            source = self._script(name, baselines.THREADS if name == FLOOR else baselines.LOOP)
            commands[name] = [sys.executable, "-c", source, str(folder), threads]
        runs = self._metered(commands, self._plan.folder_rounds)
        rates = {name: [1000 * count / run[0] for run in mine] for name, mine in runs.items()}
        return {
            "count": count,
            "threads": self._threads,
            "figures": {
                name: {
                    "films_per_second": median(rates[name]),
                    "peak_mib": median([run[2] for run in mine]),
                    **_ratio(name, rates),
                }
                for name, mine in runs.items()
            },
        }

    def _classify(self, path: Path) -> list[str]:
        named = ["--bundle", self._bundle.path, "--engine", self._plan.engine]
        return ["classify", str(path), *named]

    def _script(self, name: str, then: str) -> str:
        graph = self._bundle.path if name == EDGE_RUN else self._graphs[name]
        return baselines.script(name, then, self._preprocess, graph, self._engine)

    def _metered(self, commands: Mapping[str, Sequence[str]], rounds: int) -> dict[str, list[Any]]:
        asked = {"commands": commands, "rounds": rounds, "environment": child.environment()}
        done = subprocess.run(
            child.module_command("bench.meter"),
            input=json.dumps(asked).encode(),
            stdout=subprocess.PIPE,
            env=child.own_environment(),
            check=False,
        )
        if done.returncode:
            raise EdgeError("bench", f"the meter {child.ending(done.returncode)}", "try once more")
        reply = json.loads(done.stdout)
        if problem := reply["failed"].pop(EDGE_RUN, None):
            raise EdgeError("edge-run classify", problem, doctor())
        for name, why in reply["failed"].items():
            self.absent[name] = why
            del self._graphs[name]
        runs: dict[str, list[Any]] = reply["runs"]
        return runs


def edge_run() -> list[str]:
    """Return the command that this very process was started by, without its arguments."""
    started = Path(sys.argv[0])
    if started.suffix == ".pyz":
        return [sys.executable, str(started.absolute())]
    if started.name.startswith("edge-run") and (path := shutil.which(str(started.absolute()))):
        return [path]
    return [sys.executable, "-m", "edge_runtime"]


@contextmanager
def _runner(source: str) -> Iterator[Callable[[str], tuple[float, float]]]:
    """Yield a function that has a film answered and returns milliseconds: in all, in the engine."""
    with subprocess.Popen(
        [sys.executable, "-c", source],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # what engines have to say when they start
        env=child.own_environment(),
        encoding="utf-8",
        errors="surrogateescape",
    ) as process:
        sent, came = process.stdin, process.stdout
        if sent is None or came is None:
            raise ValueError("pipes were asked for")

        def ask(film: str) -> tuple[float, float]:
            try:
                sent.write(f"{film}\n")
                sent.flush()
                total, engine = map(float, came.readline().split())
            except (OSError, ValueError) as error:
                raise EdgeError("bench", "a script ended early", doctor()) from error
            return total, engine

        try:
            yield ask
        finally:
            process.kill()


def _ratio(name: str, figures: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """Return how `edge-run` compares with the baseline `name`, of itself nothing."""
    if name == EDGE_RUN:
        return {}
    return {"ratio": Ratio.of(figures[EDGE_RUN], figures[name]).to_json()}


def _last(stderr: bytes) -> str:
    return (stderr.decode(errors="replace").strip().splitlines() or ["failed"])[-1]
