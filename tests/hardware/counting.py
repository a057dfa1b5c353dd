"""Count the instructions that a box executes, by a plug-in for the emulator: `counter.c`.

Debian's static emulators take no plug-ins, those of its package `qemu-user` do.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hardware.boxes import Box
from hardware.build import Built
from hardware.commands import NotHad, cleared, require
from hardware.marked import MARK
from hardware.run import ROOT, Broken, said_last

SOURCE = Path(__file__).with_name("counter.c")
COMPILER = "cc"
CHANGED = 9
"""The version of qemu that speaks version 2 of the interface, and none before it."""


@dataclass(frozen=True, slots=True)
class Counted:
    """How many instructions a process executed, and how many it had at each mark."""

    total: int
    marks: tuple[int, ...]

    @property
    def steps(self) -> tuple[int, ...]:
        """How many there were between marks."""
        return tuple(
            after - before for before, after in zip(self.marks, self.marks[1:], strict=False)
        )


def counted_box(box: Box) -> Box:
    """Return `box` under the emulator that takes plug-ins."""
    return replace(box, name=f"{box.name}-counted", counted=True)


def emulator_version(box: Box) -> str:
    """Return the version of the emulator of `box`, as it names it.

    Raises:
        NotHad: there is none.
    """
    first = require([box.emulator, "--version"], box.emulator).partition("\n")[0]
    version = re.search(r"version (.+)", first)
    if version is None:
        raise NotHad(f"{box.emulator} does not tell its version: {first}")
    return version[1]


def plugin(box: Box, cache: Path) -> Path:
    """Return the plug-in for the emulator of `box`, compiled into `cache`.

    Raises:
        NotHad: there is no compiler, or no such emulator, or one that takes no plug-ins.
    """
    if shutil.which(COMPILER) is None:
        raise NotHad(f"{COMPILER} is missing: apt install gcc")
    if shutil.which(box.emulator) is None:
        raise NotHad(f"{box.emulator} is missing: apt install qemu-user")
    if "QEMU_PLUGIN" not in require([box.emulator, "-help"], box.emulator):
        raise NotHad(f"{box.emulator} {emulator_version(box)} takes no plug-ins, Debian 12's does")
    interface = 2 if int(emulator_version(box).split(".")[0]) >= CHANGED else 1
    library = cache / f"counter-{interface}.so"
    flags = ["-O2", "-shared", "-fPIC", f"-DVERSION={interface}", f"-DMARK={MARK}"]
    cache.mkdir(parents=True, exist_ok=True)
    require([COMPILER, *flags, SOURCE, "-o", library], "the counting plug-in")
    return library


def count(
    built: Built, library: Path, arguments: Sequence[str], said: str = "", allowed: int = 0
) -> Counted:
    """Return what the Python of a box executes with `arguments` and `said` on stdin.

    Processes that it starts are counted too. It may end with the status `allowed` in place of 0.

    Raises:
        Broken: it ends otherwise, or nothing was counted.
    """
    with tempfile.TemporaryDirectory() as folder:
        counts = Path(folder, "counts")
        ended = subprocess.run(
            [str(built.python), *arguments],
            input=said, capture_output=True, text=True, check=False, cwd=ROOT,
            env=cleared(
                PYTHONPATH=f"{ROOT / 'runtime'}:{ROOT / 'tests'}",
                PYTHONHASHSEED="0",  # else dictionaries are laid out anew in every run
                QEMU_PLUGIN=f"file={library},out={counts}",
            ),
        )  # fmt: skip
        if ended.returncode not in (0, allowed):
            raise Broken(f"status {ended.returncode}: {said_last(ended.stderr)}")
        if not counts.is_file():
            raise Broken("nothing was counted: the emulator ended without its plug-in")
        return parsed(counts.read_text(encoding="ascii"))


def parsed(text: str) -> Counted:
    """Return what the plug-in wrote: a line for each process, its total and its marks.

    Raises:
        Broken: it is no such text, or several processes set marks.
    """
    lines = text.splitlines()
    if not lines or not all(re.fullmatch(r"\d+( \d+)*", line) for line in lines):
        raise Broken(f"the plug-in wrote {text[:80]!r}")
    numbers = [[int(number) for number in line.split()] for line in lines]
    marked = [marks for _, *marks in numbers if marks]
    if len(marked) > 1:
        raise Broken(f"{len(marked)} processes set marks")
    return Counted(sum(total for total, *_ in numbers), tuple(marked[0]) if marked else ())
