"""Does a test fail whenever the code that verifies is changed somewhere?

Changes each module in `TARGETS`, one place at a time (`mutations.py`), and runs its tests until one
fails (`warm_tests.py`). Ends with status 1 unless nine changes in ten are found by a test, in each
module, and each other one is judged in `survivors.toml`: why nothing verified depends on it.
With `--sample 60`, 60 of each module are drawn by `--seed`, and the share has its 95 % interval.

    python benchmarks/mutants.py [MODULE ...] [--sample N --seed 1] [--new FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mutant_targets import ROOT, TARGETS, source_of, sources_of
from mutations import Mutant, mutants
from scipy.stats import binomtest
from warm_tests import SAME, WarmTests

SURVIVORS = Path(__file__).with_name("survivors.toml")
PASSED = 0.9
KEPT = ROOT / "build" / "mutants"
Key = tuple[str, str, str, str, str, int]


@dataclass
class Tally:
    """What came of the mutants of a module."""

    module: str
    places: int = 0
    """How many mutants the module has, the same ones among them; of a sample, more than tried."""
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

    @property
    def interval(self) -> str:
        """The 95 % interval of Wilson (1927) of the share, where a sample was drawn."""
        if not self.count:
            return "none"
        low, high = binomtest(self.killed, self.count).proportion_ci(method="wilson")
        return f"{low:.1%} to {high:.1%}"

    def judged_by(self) -> Iterator[Key]:
        """Yield the key of each survivor, by which it is judged."""
        yield from ((self.module, *mutant.key) for mutant in self.survivors)


@dataclass(frozen=True)
class Drawn:
    """Which mutants are tried: all, or a random sample of `most` of each module."""

    most: int = 0
    seed: str = "1"

    def of(self, module: str, changes: list[Mutant]) -> list[Mutant]:
        """Return those of a module, in their order; the same seed draws the same ones."""
        if not self.most or self.most >= len(changes):
            return changes
        chance = random.Random(f"{self.seed}:{module}")
        places = [*range(len(changes))]
        chance.shuffle(places)  # so that a larger sample holds a smaller one
        return [changes[place] for place in sorted(places[: self.most])]


def judged() -> dict[Key, str]:
    """Return why each survivor that was looked at is harmless."""
    entries = tomllib.loads(SURVIVORS.read_text(encoding="utf-8"))["survivor"]
    return {
        (entry["module"], entry["place"], entry["code"], entry["before"], entry["after"],
         entry.get("repeat", 0)): entry["why"]
        for entry in entries
    }  # fmt: skip


def tried(module: str, tests: WarmTests, drawn: Drawn) -> Tally:
    """Return what came of the mutants of a module that are drawn."""
    name, path = source_of(module)
    began = time.monotonic()
    changes = list(mutants(path.read_text(encoding="utf-8")))
    tally = Tally(module, len(changes))
    changes = drawn.of(module, changes)
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


def tallies(modules: list[str], drawn: Drawn) -> Iterator[Tally]:
    """Yield what came of each module; modules with the same tests share what is loaded."""
    for files in dict.fromkeys(TARGETS[module] for module in modules):
        tests = WarmTests(files, KEPT, sources_of(files))
        print(f"{', '.join(files)}: {tests.whole:.1f} s", flush=True)
        for module in modules:
            if TARGETS[module] == files:
                yield tried(module, tests, drawn)


def print_table(results: list[Tally]) -> None:
    """Print what came of each module, and of all: there each counts by its number of places."""
    print(
        "\n| module | places | tried | found | share | 95 % interval |\n|---|---|---|---|---|---|"
    )
    for tally in results:
        row = (tally.module, tally.places, tally.count, tally.killed, f"{tally.share:.1%}")
        print("|", *(f"{value} |" for value in row), tally.interval, "|")
    places = sum(tally.places for tally in results)
    share = sum(tally.places * tally.share for tally in results) / max(1, places)
    killed, count = sum(tally.killed for tally in results), sum(tally.count for tally in results)
    print(f"| all, by places | {places} | {count} | {killed} | {share:.1%} | |")


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
    print_table(results)
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
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="only N of each module")
    parser.add_argument("--seed", default="1", help="by which the sample is drawn")
    parser.add_argument("--new", type=Path, help="write survivors that are not judged to a file")
    options = parser.parse_args()
    if unknown := set(options.modules) - TARGETS.keys():
        parser.error(f"no such module: {min(unknown)}")
    os.chdir(ROOT)
    drawn = Drawn(options.sample, options.seed)
    results = list(tallies(options.modules or list(TARGETS), drawn))
    return concluded(results, options.new, whole=not options.sample)


if __name__ == "__main__":
    sys.exit(main())
