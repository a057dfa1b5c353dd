"""Write docs/licences.md: every package that `constraints.txt` pins, and its licence.

python docs/make_licences.py [--check]
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from generated import ROOT, write_or_check

from edge_runtime.errors import EdgeError
from offline.pins import closure, licence_of, read_pins
from offline.sbom import PROJECTS, outside, read_project

PAGE = ROOT / "docs" / "licences.md"
_HEAD = """\
# Licences of what it needs

Made by `make licences` from `constraints.txt` and the metadata of the packages as they are
installed. A licence is what its package says of itself, by SPDX where it can be; "not stated" means
that its metadata says nothing, and its own pages have to be read. Edge Kit itself is under
Apache-2.0.

"Needed by" are the extras that bring it: `edge-runtime` and `edge-kit` alone mean that each
installation has it. What only builds or tests the project never comes to a clinic.

{counts}

| package | version | licence | needed by |
|---|---|---|---|
"""


def page() -> str:
    """Return the text of the page."""
    pins, why = read_pins(), needed_by()
    licences = {key: licence_of(name) for key, (name, _) in pins.items()}
    rows = [
        f"| {name} | {version} | {licences[key]} | {', '.join(why.get(key, ('building it',)))} |\n"
        for key, (name, version) in pins.items()
    ]
    common = Counter(licences.values()).most_common(5)
    counts = f"{len(pins)} packages: " + ", ".join(f"{number} {name}" for name, number in common)
    return _HEAD.format(counts=f"{counts}, and others.") + "".join(rows)


def needed_by() -> Mapping[str, list[str]]:
    """Return by package the distributions and their extras that bring it."""
    why: dict[str, list[str]] = {}
    for name, path in reversed(PROJECTS.items()):
        for package in closure(outside(read_project(path)), read_pins()):
            extras = [""] if "" in package.extras else sorted(package.extras)
            marks = [f"`{name}[{extra}]`" if extra else f"`{name}`" for extra in extras]
            why.setdefault(package.key, []).extend(marks)
    return why


if __name__ == "__main__":
    try:
        text = page()
    except EdgeError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_status)
    sys.exit(write_or_check(PAGE, text, Path(__file__), __doc__ or ""))
