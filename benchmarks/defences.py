"""Does each test that `docs/security.md` names fail without the defence that it is named for?

Takes each defence of `defences.toml` out of a copy of the sources, by one change of a text that
stands once in its file, and runs the named tests on the copy: each of them has to fail, by an
assertion or an error of ours. Before that all have to pass as they are. A test that hangs tells
nobody anything, and counts as one that does not fail. Words choose the entries whose attack, tests
or file hold one of them. Ends with status 1 where any test passes, hangs or breaks.

    python benchmarks/defences.py [WORD ...]
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
LIST = Path(__file__).with_suffix(".toml")
LEAST = 120.0
"""Seconds that tests may take in any case; else `TIMES` what they take unchanged."""
TIMES = 3.0
UNCHANGED = 3600.0
"""Seconds that all tests may take as they are."""
FAILS = "fails"
_LIBRARIES = ("tuf", "securesystemslib")
_COPIED = ("runtime", "edge_kit", "export", "tests", "pyproject.toml")
_READ = ("models", "examples", "docs", "benchmarks")  # which no test writes into
_LEFT_OUT = shutil.ignore_patterns("__pycache__", ".*cache", "build", "dist")


@dataclass(frozen=True)
class Defence:
    """A defence against `attack`: `file` says `before`, and `after` where it was taken out.

    `file` is one of the tree, or of a library that is relied on. `error` names an error that is not
    ours, where that is what the defence keeps out.
    """

    attack: str
    tests: tuple[str, ...]
    file: str
    before: str
    after: str
    error: str = ""

    @property
    def source(self) -> Path:
        """The file as it is."""
        name, _, inside = self.file.partition("/")
        spec = importlib.util.find_spec(name) if name in _LIBRARIES else None
        return Path(spec.origin or "").parent / inside if spec else ROOT / self.file

    def place(self, tree: Path) -> Path:
        """Return the file in a copy; a library lies beside the runtime, which is found first."""
        library = self.file.partition("/")[0] in _LIBRARIES
        return tree / "runtime" / self.file if library else tree / self.file

    def remove(self, tree: Path) -> None:
        """Take the defence out of a copy.

        Raises:
            ValueError: what is to be changed does not stand there once.
        """
        place = self.place(tree)
        if not place.exists():
            library = self.file.partition("/")[0]
            copied(self.source.parents[self.file.count("/") - 1], tree / "runtime" / library)
        text = place.read_text(encoding="utf-8")
        if text.count(self.before) != 1:
            raise ValueError(f"{self.file}: {text.count(self.before)} times: {self.before!r}")
        place.write_text(text.replace(self.before, self.after), encoding="utf-8")


@dataclass(frozen=True)
class Run:
    """What came of some tests: of each how its phases ended, the seconds, and whether it hung."""

    tests: dict[str, list[str]]
    seconds: dict[str, float]
    output: str
    hung: bool

    def verdict(self, test: str, error: str = "") -> str:
        """Return how a test ended: fails, passes, hangs, is skipped, or breaks, by which error.

        It fails by an `error` that is not ours, too, where one is named.
        """
        said = self.tests.get(nameless(test), [])
        if "failed" in said or (error and f"call: {error}" in said):
            return FAILS
        if broken := [word for word in said if ":" in word]:
            return f"breaks ({broken[0]})"
        if self.hung:
            return "hangs"
        if "skipped" in said:
            return "is skipped"
        return "passes" if said else "breaks (it is not run)"


def defences() -> list[Defence]:
    """Return the entries of the list, in its order."""
    entries = tomllib.loads(LIST.read_text(encoding="utf-8"))["defence"]
    return [Defence(**{**entry, "tests": tuple(entry["tests"])}) for entry in entries]


def nameless(test: str) -> str:
    """Return a test without its parameters, of which an entry may name those that are quick."""
    return test.partition("[")[0]


def copied(source: Path, target: Path) -> None:
    """Copy a file or a folder, without what is compiled or built."""
    if source.is_dir():
        shutil.copytree(source, target, ignore=_LEFT_OUT)
    else:
        shutil.copyfile(source, target)


def run(tests: Sequence[str], limit: float, removed: Defence | None = None) -> Run:
    """Run tests on a copy of the sources for `limit` seconds at most.

    Raises:
        ValueError: the defence is not where the list says, or another package was tested.
    """
    with TemporaryDirectory(prefix="defences-", ignore_cleanup_errors=True) as name:
        tree, notes = Path(name, "tree"), Path(name, "notes.json")
        tree.mkdir()
        for part in _COPIED:
            copied(ROOT / part, tree / part)
        for part in _READ:
            (tree / part).symlink_to(ROOT / part)
        if removed:
            removed.remove(tree)
        output, hung = _pytest(tests, tree, notes, limit)
        kept = json.loads(notes.read_text(encoding="utf-8")) if notes.exists() else {}
        if removed and kept:
            _require_tested(removed, tree, kept["packages"])
        return Run(kept.get("tests", {}), kept.get("seconds", {}), output, hung)


def _pytest(tests: Sequence[str], tree: Path, notes: Path, limit: float) -> tuple[str, bool]:
    """Return what pytest said in a copy, and whether it had to be ended."""
    places = [tree / "runtime", tree, tree / "export", ROOT / "benchmarks"]
    told = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, places)),
        "DEFENCE_WATCH": str(notes),
        "TMPDIR": str(notes.parent),
    }
    line = [sys.executable, "-m", "pytest", "-q", "-p", "defence_watch", "-p", "no:cacheprovider"]
    with Path(notes.parent, "output").open("w+", encoding="utf-8") as output:
        process = subprocess.Popen(
            [*line, *tests], cwd=tree, env=told, stdin=subprocess.DEVNULL,
            stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
        try:
            process.wait(limit)
            hung = False
        except subprocess.TimeoutExpired:
            hung = True
        finally:  # with what the tests started, and left
            _end(process)
        output.seek(0)
        return output.read(), hung


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _require_tested(defence: Defence, tree: Path, packages: dict[str, list[str]]) -> None:
    """Refuse a run whose package came from elsewhere than the copy, or was not there at all."""
    changed = defence.place(tree).parents
    for name, places in packages.items():
        is_copied = any((tree / part / name).is_dir() for part in ("runtime", "export", ""))
        if is_copied and tree not in Path(places[0]).parents:
            raise ValueError(f"{name} was imported from {places}")
    if not any(Path(place) in changed for places in packages.values() for place in places):
        raise ValueError(f"{defence.file}: nothing of its package was imported")


def tried(defence: Defence, seconds: dict[str, float]) -> dict[str, str]:
    """Return how each test of a defence ends without it, and say so."""
    usual = sum(seconds.get(nameless(test), 0.0) for test in defence.tests)
    began = time.monotonic()
    try:
        found = run(defence.tests, max(LEAST, TIMES * usual), defence)
        verdicts = {test: found.verdict(test, defence.error) for test in defence.tests}
    except ValueError as error:
        verdicts = dict.fromkeys(defence.tests, f"breaks ({error})")
    spent = time.monotonic() - began
    for test, verdict in verdicts.items():
        print(
            f"{verdict}: {test.rpartition('::')[2]} ({defence.attack}; {spent:.0f} s)", flush=True
        )
        if verdict != FAILS:
            print(f"  without {defence.before.strip()!r} in {defence.file}", flush=True)
    return verdicts


def unchanged(tests: Sequence[str]) -> dict[str, float]:
    """Return the seconds of each test as it is; all have to pass."""
    found = run(tests, UNCHANGED)
    wrong = [test for test in tests if found.verdict(test) != "passes"]
    if wrong:
        said = "\n".join(f"{found.verdict(test)}: {test}" for test in wrong)
        raise SystemExit(f"{found.output}\nwith every defence in its place:\n{said}")
    return found.seconds


def main() -> int:
    """Carry out the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("words", nargs="*", metavar="WORD", help="entries that hold one; or all")
    words = parser.parse_args().words
    chosen = [
        entry for entry in defences()
        if not words or any(word in f"{entry.attack} {entry.tests} {entry.file}" for word in words)
    ]  # fmt: skip
    if not chosen:
        parser.error("no entry holds such a word")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what runs is ended as well
    began = time.monotonic()
    tests = list(dict.fromkeys(test for entry in chosen for test in entry.tests))
    seconds = unchanged(tests)
    print(f"{len(tests)} tests pass as they are, in {time.monotonic() - began:.0f} s", flush=True)
    counts = Counter[str]()
    for entry in chosen:
        counts.update(tried(entry, seconds).values())
    ended = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
    spent = time.monotonic() - began
    print(f"{len(chosen)} defences removed; their {len(tests)} tests: {ended}; {spent:.0f} s")
    return int(counts.keys() != {FAILS})


if __name__ == "__main__":
    sys.exit(main())
