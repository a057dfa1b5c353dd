"""`edge-run doctor`: what this machine has and lacks, and the cure."""

from __future__ import annotations

from edge_runtime.commands import only_bundle
from edge_runtime.console import write
from edge_runtime.errors import UsageError
from edge_runtime.machine import doctor
from edge_runtime.machine.finding import table

OPTIONS = ("bundle=", "format=")
USAGE = """\
usage: edge-run doctor [BUNDLE] [--format F]

Show processor, memory, Python, Pillow, engines, DICOM, bundle, folders, clock
and encoding: each line ok, missing or problem, and below it the cure. Engines
are tried with a tiny graph, in processes of their own.

  --bundle B  the bundle, like BUNDLE; else the one that classify would take
  --format F  table or json

Exit status: 0 a film could be classified now, 6 no engine or no Pillow,
3 no bundle, 4 the bundle was changed.
"""


def run(paths: list[str], options: dict[str, str]) -> int:
    """Write what was found, and return 0 if a film could be classified now."""
    form = options.get("format", "table")
    if form not in ("table", "json"):
        raise UsageError("--format", f"{form!r} is not known here", "one of: table, json")
    findings = doctor.examine(only_bundle(paths, options))
    if form == "json":
        write(doctor.document(findings))
    else:
        write(table(findings) + doctor.summary(findings))
    return doctor.status(findings)
