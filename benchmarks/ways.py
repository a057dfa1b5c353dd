"""Which way does a command of edge-kit take: decodes a film, seconds, and modules entered?

Runs one command line of edge-kit in this process and counts:

- decodes: how often the pixels of each film were decoded by Pillow, by the content of its file;
- functions and calls of each module of the three packages (`sys.setprofile`, in all threads);
- modules and rooms entered (a room is a folder or a loose module of a package), the arrows between
  them, and returns: whoever reads the functions in the order in which they are first entered goes
  back to a module, or to a room, so often.

Counting takes time itself, so seconds are those of a run of their own with `--seconds`.

    python benchmarks/ways.py export RUN --int8 --out X.edge
    python benchmarks/ways.py --seconds train --data FILMS --out RUN --epochs 1
"""

from __future__ import annotations

import hashlib
import sys
import threading
from collections import Counter
from inspect import CO_OPTIMIZED
from itertools import groupby
from pathlib import Path
from time import perf_counter
from types import FrameType

from PIL import ImageFile

from edge_kit.cli import run

PACKAGES = ("edge_kit", "edge_export", "edge_runtime")
_DECODE = ImageFile.ImageFile.load.__code__


class Way:
    """What is counted of a command, from all its threads."""

    def __init__(self) -> None:
        self.calls: Counter[tuple[str, str, int]] = Counter()
        self.arrows: set[tuple[str, str]] = set()
        self.decodes: Counter[str] = Counter()

    def watch(self, frame: FrameType, event: str, _: object) -> None:
        """Count a call; a profile function of `sys.setprofile`."""
        if event != "call":
            return
        code = frame.f_code
        if code is _DECODE:
            self._decode(frame.f_locals["self"])
        # Bodies of modules and of classes are carried out by imports, and dataclasses make methods
        # of their own; neither is a function that anybody reads.
        written = code.co_flags & CO_OPTIMIZED and code.co_filename != "<string>"
        if (module := _module(frame)) is None or not written:
            return
        self.calls[module, code.co_qualname, code.co_firstlineno] += 1
        caller = frame.f_back
        while caller is not None and _module(caller) is None:
            caller = caller.f_back
        before = _module(caller) if caller is not None else None
        if before is not None and before != module:
            self.arrows.add((before, module))

    def modules(self) -> dict[str, tuple[int, int]]:
        """Return by module how many functions were entered, and how often in all."""
        entered: dict[str, tuple[int, int]] = {}
        for (name, _, _), calls in self.calls.items():
            functions, all_calls = entered.get(name, (0, 0))
            entered[name] = functions + 1, all_calls + calls
        return dict(sorted(entered.items()))

    def order(self) -> list[str]:
        """Return the module of each function, in the order in which they were first entered."""
        return [module for module, _, _ in self.calls]

    def _decode(self, image: ImageFile.ImageFile) -> None:
        """Count the decoding of a picture; its later calls of `load` have nothing left to do."""
        if not getattr(image, "tile", None) or image.fp is None:
            return
        place = image.fp.tell()
        image.fp.seek(0)
        self.decodes[hashlib.sha256(image.fp.read()).hexdigest()] += 1
        image.fp.seek(place)


def _module(frame: FrameType) -> str | None:
    """Return the module of a frame, if it is of one of the three packages."""
    name = str(frame.f_globals.get("__name__", ""))
    return name if name.partition(".")[0] in PACKAGES else None


def main() -> int:
    """Run the command line, print what was counted to stderr, return the command's status."""
    arguments = sys.argv[1:]
    if not arguments:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    if arguments[0] == "--seconds":
        began = perf_counter()
        status = run(arguments[1:])
        sys.stderr.write(f"seconds: {perf_counter() - began:.1f}\n")
        return status
    way = Way()
    threading.setprofile(way.watch)
    sys.setprofile(way.watch)
    try:
        status = run(arguments)
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    sys.stderr.write(report(way))
    return status


def report(way: Way) -> str:
    """Return what was counted, as text; no name of a film is in it."""
    modules = way.modules()
    lines = [f"{Path(sys.argv[0]).name} {sys.argv[1]}"]
    films = Counter(way.decodes.values())
    total, pictures = sum(way.decodes.values()), len(way.decodes)
    lines.append(f"decodes: {total} of {pictures} pictures")
    lines += [f"  {count} pictures decoded {times} x" for times, count in sorted(films.items())]
    for what, parts in (("modules", 9), ("rooms", 2)):
        order = [".".join(name.split(".")[:parts]) for name in way.order()]
        visits = [name for name, _ in groupby(order)]
        ends = {tuple(".".join(name.split(".")[:parts]) for name in arrow) for arrow in way.arrows}
        arrows = sum(start != end for start, end in ends)
        entered = len(set(order))
        lines.append(f"{what}: {entered}, {arrows} arrows, {len(visits) - entered} returns")
    functions, calls = (sum(part) for part in zip(*modules.values(), strict=True))
    lines.append(f"functions: {functions}, calls: {calls}")
    lines += [f"  {name:<48} {counts[0]:>4} {counts[1]:>8}" for name, counts in modules.items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
