"""How many instructions an inference and a whole `edge-run classify` take on other processors.

    PYTHONPATH=tests python -m hardware.instructions [BUNDLE...] [--boxes NAME...]

A stand-in for time where there is no such processor: the counts are those of an emulator, and the
same in every run but for what the spread shows. Processors execute several instructions at once,
wait for memory, and take longer for some: counts of two graphs compare on one processor, in kind.

Exit statuses: 0 all was counted, 1 a box broke, 2 usage, 3 some box could not be had.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from edge_runtime.bundle import Bundle, open_bundle
from edge_runtime.bundle.records import Graph
from edge_runtime.engines import ENGINES
from edge_runtime.errors import EdgeError
from hardware.boxes import BOXES, DEFAULTS, Box
from hardware.build import Built, build
from hardware.commands import NotHad
from hardware.cost import Cost, Spread, table
from hardware.counting import Counted, count, counted_box, emulator_version, plugin
from hardware.marked import Task
from hardware.run import ROOT, Broken

BY_DEFAULT = ("pi5", "pi4", "pi2", "haswell", "nehalem")
NOT_COUNTED = ("litert-python", DEFAULTS)
"""The same kernels as `litert` by a detour, and what nobody runs."""
OK, BROKEN, USAGE, MISSING = 0, 1, 2, 3
NOT_A_FILM = 5  # the film is refused after all the work
FILM = (1024, 1024)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is counted: bundles, the film, inferences of a process, processes."""

    bundles: list[Bundle]
    film: Path
    inferences: int
    rounds: int
    cache: Path


def main() -> int:
    """Print the table and return the exit status."""
    options = arguments()
    emulated = {box.name: box for box in BOXES if box.cpu and not box.refused}
    if unknown := set(options.boxes) - set(emulated):
        say(f"no emulated box is called {min(unknown)}; choose from {', '.join(emulated)}")
        return USAGE
    with ExitStack() as stack:
        try:
            bundles = [stack.enter_context(open_bundle(path)) for path in options.bundles]
        except EdgeError as error:
            say(str(error))
            return USAGE
        film = options.film or drawn(Path(stack.enter_context(tempfile.TemporaryDirectory())))
        plan = Plan(bundles, film, options.inferences, options.rounds, options.cache.resolve())
        boxes = [counted_box(emulated[name]) for name in options.boxes]
        return counted(boxes, plan)


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    options = argparse.ArgumentParser(prog="instructions", description=__doc__.splitlines()[0])
    shipped = ROOT / "models/model3-xray-0.2.2.edge"
    options.add_argument("bundles", nargs="*", type=Path, default=[shipped], metavar="BUNDLE")
    options.add_argument("--boxes", nargs="+", default=BY_DEFAULT, help="of boxes.py")
    options.add_argument("--film", type=Path, help="else one of 1024 x 1024 is drawn")
    options.add_argument("--inferences", type=int, default=2, help="of a process, after the first")
    options.add_argument("--rounds", type=int, default=3, help="processes, after the first")
    options.add_argument("--cache", type=Path, default=Path.home() / ".cache/edge-kit/hardware")
    return options.parse_args()


def drawn(folder: Path) -> Path:
    """Draw a film that belongs to nobody into `folder`, the same at every call."""
    from edge_export.films.phantom import phantom

    path = folder / "film.png"
    phantom(0, positive=False, size=FILM).save(path)
    return path


def counted(boxes: list[Box], plan: Plan) -> int:
    """Count in each of `boxes`, print what was counted, and return the exit status."""
    costs: list[Cost] = []
    notes, broken, missing = list[str](), list[str](), list[str]()
    for box in boxes:
        say(f"{box.title} ...")
        try:
            library = plugin(box, plan.cache)
            built = build(box, plan.cache, ROOT / "constraints.txt")
            notes.append(f"{box.title}: {box.emulator} {emulator_version(box)}")
        except NotHad as reason:
            missing.append(f"{box.title}: {reason}")
            continue
        for engine in box.engines:
            if engine not in NOT_COUNTED:
                try:
                    for cost in engine_costs(built, library, engine, plan):
                        costs.append(cost)
                        say(f"  {engine}, {cost.bundle}, {cost.graph}: {cost.inference} million")
                except Broken as error:
                    broken.append(f"{box.title}, {engine}: {error}")
    sys.stdout.write(table(costs) + "\n")
    lines = [*notes, *(f"NOT COUNTED: {line}" for line in missing)]
    lines += [f"WRONG: {line}" for line in broken]
    sys.stdout.write("".join(f"- {line}\n" for line in lines))
    return BROKEN if broken else MISSING if missing else OK


def engine_costs(built: Built, library: Path, engine: str, plan: Plan) -> Iterator[Cost]:
    """Yield what each graph of each bundle costs in an `engine` of a box.

    Raises:
        Broken: the engine does not answer there.
    """
    for bundle in plan.bundles:
        manifest, (_, form, _) = bundle.manifest, ENGINES[engine]
        run = manifest.graph(form)
        for graph in manifest.graphs:
            if graph.format != form or graph.outputs:
                continue
            inference = inferences(built, library, engine, bundle, graph, plan)
            whole = classified(built, library, engine, bundle, plan) if graph == run else None
            name = f"{manifest.name} {manifest.version}"
            where = built.box.title, engine, name, graph.file, graph.recipe
            yield Cost(*where, inference, whole)


def inferences(
    built: Built, library: Path, engine: str, bundle: Bundle, graph: Graph, plan: Plan
) -> Spread:
    """Return what an inference costs that is not its process's first, which prepares kernels.

    Raises:
        Broken: the engine does not answer there.
    """
    task = Task(str(Path(bundle.path).resolve()), graph.file, engine, 1 + plan.inferences)
    said = json.dumps(asdict(task))
    processes = [count(built, library, ["-m", "hardware.marked"], said) for _ in range(plan.rounds)]
    return Spread.of([step for process in processes for step in steps(process, plan)])


def steps(process: Counted, plan: Plan) -> tuple[int, ...]:
    """Return what each inference of a `process` cost, without the first.

    Raises:
        Broken: there were other marks than those of the plan.
    """
    if len(process.steps) != 1 + plan.inferences:
        raise Broken(f"{len(process.steps)} inferences were counted of {1 + plan.inferences}")
    return process.steps[1:]


def classified(built: Built, library: Path, engine: str, bundle: Bundle, plan: Plan) -> Spread:
    """Return what a process of `edge-run classify` costs that answers a film, and ends.

    Raises:
        Broken: it does not answer.
    """
    command = ["-m", "edge_runtime", "classify", str(plan.film.resolve()), "--format", "json"]
    command += ["--bundle", str(Path(bundle.path).resolve()), "--engine", engine]
    # The first compiles what Python has not compiled there yet.
    totals = [
        count(built, library, command, allowed=NOT_A_FILM).total for _ in range(1 + plan.rounds)
    ]
    return Spread.of(totals[1:])


def say(line: str) -> None:
    """Write a line to stderr."""
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
