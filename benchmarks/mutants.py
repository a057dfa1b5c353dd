"""Does a test fail whenever the code that verifies is changed somewhere?

Changes each module in `TARGETS`, one place at a time (`mutations.py`), and runs its tests until one
fails (`warm_tests.py`). Ends with status 1 unless nine changes in ten are found by a test, in each
group, and each other one is judged in `survivors.toml`: why nothing that is verified depends on it.

    python benchmarks/mutants.py [MODULE ...] [--every 1] [--new FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mutations import Mutant, mutants
from warm_tests import SAME, WarmTests

ROOT = Path(__file__).resolve().parent.parent
SURVIVORS = Path(__file__).with_name("survivors.toml")
PASSED = 0.9
KEPT = ROOT / "build" / "mutants"
SOURCES = [
    *(ROOT / name for name in ("runtime/edge_runtime", "tests/support", "tests/edge_runtime")),
    *(ROOT / "benchmarks" / f"{name}.py" for name in ("code_swaps", "forks", "warm_tests")),
]
"""What decides whether a change is found; once any of it changes, all is tried again."""
RUNTIME = ROOT / "runtime"
_BUNDLE = "tests/edge_runtime/bundle/test_"
ARCHIVE = tuple(f"{_BUNDLE}{name}.py" for name in ("archive", "reader", "pack"))
MANIFEST = tuple(f"{_BUNDLE}{name}.py" for name in ("manifest", "schema"))
TRAIL = (
    "tests/edge_runtime/audit_trail/test_trail.py",
    "tests/edge_runtime/audit_trail/test_verify.py",
    "tests/edge_runtime/commands/test_audit.py",
)
TARGETS: dict[str, tuple[str, ...]] = {
    "bundle/archive": ARCHIVE,
    "bundle/digest": ARCHIVE,
    "bundle/reader": ARCHIVE,
    "bundle/manifest": MANIFEST,
    "bundle/schema": MANIFEST,
    "bundle/records": MANIFEST,
    "audit_trail/chain": TRAIL,
    "audit_trail/line": TRAIL,
    "audit_trail/segments": TRAIL,
    "audit_trail/trail": TRAIL,
    "audit_trail/verify": TRAIL,
}
"""Modules of `edge_runtime`, and the tests that have to notice when one is changed."""

Key = tuple[str, str, str, str, str, int]


@dataclass
class Tally:
    """What came of the mutants of a module."""

    module: str
    killed: int = 0
    survivors: list[Mutant] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many mutants were tried."""
        return self.killed + len(self.survivors)

    @property
    def share(self) -> float:
        """The share that a test found, between 0 and 1."""
        return self.killed / self.count if self.count else 1.0

    def judged_by(self) -> Iterator[Key]:
        """Yield the key of each survivor, by which it is judged."""
        yield from ((self.module, *mutant.key) for mutant in self.survivors)


def judged() -> dict[Key, str]:
    """Return why each survivor that was looked at is harmless."""
    entries = tomllib.loads(SURVIVORS.read_text(encoding="utf-8"))["survivor"]
    return {
        (entry["module"], entry["place"], entry["code"], entry["before"], entry["after"],
         entry.get("repeat", 0)): entry["why"]
        for entry in entries
    }  # fmt: skip


def tried(module: str, tests: WarmTests, every: int) -> Tally:
    """Return what came of each `every`-th mutant of a module."""
    path = (RUNTIME / "edge_runtime" / module).with_suffix(".py")
    name = f"edge_runtime.{module.replace('/', '.')}"
    tally, began = Tally(module), time.monotonic()
    changes = list(mutants(path.read_text(encoding="utf-8")))[::every]
    results = tests.failures(name, path, [mutant.text for mutant in changes])
    for mutant, failed in zip(changes, results, strict=True):
        if failed == SAME:
            continue
        if failed:
            tally.killed += 1
        else:
            tally.survivors.append(mutant)
            print(f"  line {mutant.line}: {mutant.before}  ->  {mutant.after}", flush=True)
    spent = time.monotonic() - began
    print(
        f"{module}: {tally.killed} of {tally.count}, {tally.share:.1%}, {spent:.0f} s", flush=True
    )
    return tally


def entry(module: str, mutant: Mutant) -> str:
    """Return a survivor as it stands in the file, to be judged."""
    fields = {"module": module, "place": mutant.place, "code": mutant.code,
              "before": mutant.before, "after": mutant.after}  # fmt: skip
    lines = [f"{name} = {json.dumps(value)}" for name, value in fields.items()]
    if mutant.repeat:
        lines.append(f"repeat = {mutant.repeat}")
    return "\n".join(["[[survivor]]", *lines, 'why = ""', ""])


def tallies(modules: list[str], every: int) -> Iterator[Tally]:
    """Yield what came of each module; modules with the same tests share what is loaded."""
    for files in dict.fromkeys(TARGETS[module] for module in modules):
        tests = WarmTests(files, KEPT, SOURCES)
        print(f"{', '.join(files)}: {tests.whole:.1f} s", flush=True)
        for module in modules:
            if TARGETS[module] == files:
                yield tried(module, tests, every)


def concluded(results: list[Tally], new: Path | None, *, whole: bool) -> int:
    """Print the table and what is still to be judged; return the exit status."""
    known = judged()
    survivors = {key for tally in results for key in tally.judged_by()}
    unjudged = [
        entry(tally.module, mutant)
        for tally in results
        for mutant in tally.survivors
        if not known.get((tally.module, *mutant.key))
    ]
    modules = {tally.module for tally in results}
    stale = [key for key in known if key[0] in modules and key not in survivors]
    print("\n| module | mutants | found | share |\n|---|---|---|---|")
    for tally in results:
        print(f"| {tally.module} | {tally.count} | {tally.killed} | {tally.share:.1%} |")
    killed, count = sum(tally.killed for tally in results), sum(tally.count for tally in results)
    print(f"| all | {count} | {killed} | {killed / max(1, count):.1%} |")
    print(f"{len(survivors)} survivors, {len(unjudged)} of them not judged")
    if new:
        new.write_text("\n".join(unjudged), encoding="utf-8")
    for key in stale if whole else ():
        print(f"no survivor any more: {key}")
    low = [tally.module for tally in results if tally.share < PASSED]
    if low:
        print(f"fewer than {PASSED:.0%} are found: {', '.join(low)}")
    return int(bool(low or unjudged or (stale and whole)))


def main() -> int:
    """Carry out the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="all, unless some are named")
    parser.add_argument("--every", type=int, default=1, help="only each N-th mutant")
    parser.add_argument("--new", type=Path, help="write survivors that are not judged to a file")
    options = parser.parse_args()
    if unknown := set(options.modules) - TARGETS.keys():
        parser.error(f"no such module: {min(unknown)}")
    os.chdir(ROOT)
    results = list(tallies(options.modules or list(TARGETS), options.every))
    return concluded(results, options.new, whole=options.every == 1)


if __name__ == "__main__":
    sys.exit(main())
