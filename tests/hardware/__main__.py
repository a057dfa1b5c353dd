"""The same answer on every processor: build the boxes, run the same films in each, compare.

Exit statuses: 0 every box ran and every limit holds, 1 a limit is exceeded, a box broke or a test
of the runtime failed in it, 2 usage or nothing to run, 3 what ran holds, but some box could not be
had.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from edge_runtime.bundle import Bundle, open_bundle
from edge_runtime.errors import EdgeError
from hardware.boxes import BOXES, DEFAULTS, REFERENCE, Box
from hardware.build import Built, build
from hardware.commands import NotHad
from hardware.compare import contradictions, difference, too_far
from hardware.films import drawn_films, real_films, sampled
from hardware.report import Report
from hardware.run import ROOT, TESTS, Answered, Broken, answered, refusal, suite

UNUSABLE = 2


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run: the bundle, the films of this machine and of emulated ones, tests by box."""

    bundle: Bundle
    films: list[Path]
    sample: list[Path]
    tests: list[str]
    cache: Path
    kind: str


def main() -> int:
    """Print the table and return the exit status."""
    options = arguments()
    names = [box.name for box in BOXES]
    if unknown := set(options.boxes) - set(names):
        say(f"no box is called {min(unknown)}; one of: {', '.join(names)}")
        return UNUSABLE
    with ExitStack() as stack:
        try:
            bundle = stack.enter_context(open_bundle(options.bundle))
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            plan = planned(options, bundle, folder)
            built = build(REFERENCE, plan.cache, ROOT / "constraints.txt")
            reference = answered(built, REFERENCE.engines[0], bundle, plan.films)
        except (EdgeError, NotHad, Broken) as error:
            say(f"{REFERENCE.title}, which the others are held against: {error}")
            return UNUSABLE
        manifest, report = bundle.manifest, Report()
        report.head(
            f"{manifest.name} {manifest.version}; {len(plan.films)} {plan.kind} films "
            f"({len(plan.sample)} where emulated) and {len(manifest.golden.films)} golden ones, "
            f"against {REFERENCE.engines[0]} on {REFERENCE.title}"
        )
        for box in BOXES:
            if not options.boxes or box.name in options.boxes:
                run_box(box, plan, reference, report)
        classes = manifest.classes
        contradicted = f"{classes.positive} on one and {classes.negative} on another"
        return report.end(contradicted, contradictions(report.films, manifest))


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    options = argparse.ArgumentParser(prog="hardware", description=__doc__.splitlines()[0])
    options.add_argument("boxes", nargs="*", help="names of boxes; all without any")
    options.add_argument("--bundle", type=Path, default=ROOT / "models/model3-xray-0.2.2.edge")
    options.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    options.add_argument("--films", type=int, default=174, help="at most so many")
    options.add_argument("--sample", type=int, default=174, help="at most so many where emulated")
    options.add_argument("--cache", type=Path, default=Path.home() / ".cache/edge-kit/hardware")
    options.add_argument("--tests", nargs="*", default=[TESTS], help="the runtime's tests; or none")
    return options.parse_args()


def planned(options: argparse.Namespace, bundle: Bundle, folder: Path) -> Plan:
    """Return what to run; films are drawn into `folder` where there are no real ones."""
    films = list(real_films(options.data, bundle.manifest.intended_use.modality))
    kind = "real test" if films else "generated"
    films = sampled(films or list(drawn_films(folder, options.films)), options.films)
    sample, cache = sampled(films, options.sample), options.cache.resolve()
    return Plan(bundle, films, sample, options.tests, cache, kind)


def run_box(box: Box, plan: Plan, reference: Answered, report: Report) -> None:
    """Build `box`, run it, and add what is found to `report`."""
    say(f"{box.title} ...")
    started = time.monotonic()
    try:
        built = build(box, plan.cache, ROOT / "constraints.txt")
    except NotHad as reason:
        report.missing.append(f"{box.title}: {reason}")
        report.word((box.title, ", ".join(box.engines)), "not run")
        return
    ready = time.monotonic()
    tests = "" if box.refused else run_tests(box, built, plan, report)
    for engine in box.engines:
        run_engine(box, engine, built, plan, reference, report, tests)
        tests = ""
    now = time.monotonic()
    report.notes.append(f"{box.title}: {ready - started:.0f} s to build, {now - ready:.0f} to run")


def run_tests(box: Box, built: Built, plan: Plan, report: Report) -> str:
    """Run the runtime's tests in `box` and return what became of them, in a few words."""
    if not plan.tests:
        return "not run"
    log = plan.cache / "logs" / f"{box.name}.txt"
    try:
        counts, seconds = suite(built, log, plan.tests)
    except NotHad as reason:
        report.missing.append(f"{box.title}: its tests: {reason}")
        return "not run"
    except Broken as error:
        report.wrong.append(f"{box.title}: its tests: {error}")
        return "broken"
    failed = counts.get("failed", 0) + counts.get("error", 0)
    if failed:
        report.wrong.append(f"{box.title}: {failed} tests failed, see {log}")
    passed, skipped = counts.get("passed", 0), counts.get("skipped", 0)
    return f"{passed} passed, {failed} failed, {skipped} skipped ({seconds:.0f} s)"


def run_engine(
    box: Box, engine: str, built: Built, plan: Plan, reference: Answered, report: Report, tests: str
) -> None:
    """Let `engine` answer in `box`, or refuse to, and judge what it does."""
    manifest, run = plan.bundle.manifest, (box.title, engine)
    try:
        if box.refused:
            line = refusal(built, engine, plan.bundle, plan.films[0])
            report.notes.append(f"{box.title}, {engine}: status 6, {line}")
            report.word(run, "refused")
            return
        found = answered(built, engine, plan.bundle, plan.sample if box.cpu else plan.films)
    except Broken as error:
        report.wrong.append(f"{box.title}, {engine}: {error}")
        report.word(run, "broken", tests)
        return
    far = difference(reference.films, found.films, manifest)
    report.figures(run, far, found.golden, tests)
    if engine == DEFAULTS:  # shown, not judged
        return
    report.films.append(found.films)
    problems = too_far(engine, far)
    if not found.golden <= manifest.golden.tolerance:
        problems.append(f"a golden logit differs by {found.golden:.3f}")
    report.wrong += [f"{box.title}, {engine}: {problem}" for problem in problems]


def say(line: str) -> None:
    """Write a line to stderr."""
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
