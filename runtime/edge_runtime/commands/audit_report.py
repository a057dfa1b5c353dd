"""What `edge-run audit report` prints: a table, JSON, and one page."""

from __future__ import annotations

import json

from edge_runtime.audit_trail import verify
from edge_runtime.audit_trail.page import counts, number, page, share
from edge_runtime.audit_trail.report import ProofShare, Report
from edge_runtime.commands import open_named
from edge_runtime.commands.audit import require_no_trail
from edge_runtime.console import say, write
from edge_runtime.errors import EdgeError, IntegrityError, UsageError
from edge_runtime.output import write_whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from edge_runtime.audit_trail.report import Figures


def report(files: list[Path], options: dict[str, str]) -> int:
    """Write the report, and return 4 where the trail was changed."""
    form = options.get("format", "table")
    if form not in ("table", "json"):
        raise UsageError("--format", f"{form!r} is not known here", "one of: table, json")
    require_no_trail("html", options)
    counted = Report(_proof(options.get("bundle")))
    found = verify(files, each=counted.add)
    document: Figures = {
        "decisions": found.answers, "head": str(found.head), "problems": found.problems,
        "notes": found.notes, **counted.to_json(),
    }  # fmt: skip
    if "html" in options:
        write_whole(options["html"], page(document).encode("utf-8", "xmlcharrefreplace"))
    write(json.dumps(document, indent=2) + "\n" if form == "json" else table(document))
    for line in (*found.notes, *found.problems):
        say(f"edge-run: {line}")
    return IntegrityError.exit_status if found.problems else 0


def _proof(bundle: str | None) -> ProofShare | None:
    """Return what the proof of a bundle says: of the one that is named, or in use, if any is."""
    try:
        with open_named(bundle, {}) as opened:
            return ProofShare.of(opened)
    except EdgeError:
        if bundle is not None:
            raise
        return None


def table(document: Figures) -> str:
    """Return the report as tables for people."""
    rows = [f"{document['decisions']} decisions, head {document['head']}"]
    heads = ("decisions", "answered", "refused", "not read", "mean", "positive, 95 %")
    line = "{:<18}{:>10}{:>10}{:>9}{:>10}{:>7}  {}"
    for model in document["models"]:
        rows += ["", f"{model['name'] or 'bundle'}, {model['bundle']}"]
        if model["proof"]:
            proof = model["proof"]
            said = f"{proof['positive_share']:.0%} of {proof['films']} films called positive"
            rows.append(f"its proof: {said}")
        rows.append(f"labels: {counts(model['labels'])}; refused: {counts(model['refused'])}")
        rows.append(line.format("day, in UTC", *heads))
        days = [day for day in document["days"] if day["bundle"] == model["bundle"]]
        for name, day in [*((day["day"], day) for day in days), ("all", model)]:
            cells = (day["decisions"], day["answered"], sum(day["refused"].values()))
            mean = number(day["mean_probability"])
            rows.append(line.format(name, *cells, day["failed"], mean, share(day)))
    if document["deliveries"]:
        rows += ["", "delivered"]
        rows += [f"{to}: {counts(objects)}" for to, objects in document["deliveries"].items()]
    return "\n".join(rows) + "\n"
