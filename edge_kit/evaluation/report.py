"""An evaluation as a folder: report.html and the same as evaluation.json, both or neither."""

from __future__ import annotations

from pathlib import Path

from edge_export.report.document import encoded
from edge_export.report.html import template
from edge_kit.evaluation.evaluation import Evaluation, blind, document, in_words
from edge_kit.evaluation.plots import plots
from edge_kit.files import new_folder

REPORT, DOCUMENT = "report.html", "evaluation.json"


def write_report(out: Path, found: Evaluation) -> None:
    """Write the report of an evaluation as the new folder `out`.

    Raises:
        CannotWrite: `out` exists and is not empty, or the disk refuses; nothing is left behind.
    """
    with new_folder(out) as folder:
        (folder / REPORT).write_text(render(found), encoding="utf-8")
        (folder / DOCUMENT).write_bytes(encoded(document(found)))


def render(found: Evaluation) -> str:
    """Return the report as one page that asks nothing of any network and runs no script."""
    told = in_words(found.subject)
    page = template("edge_kit.evaluation", "report.html.j2", found.subject.modality)
    return page.render(
        **document(found),
        plots=plots(found.figures, found.subject.positive, told),
        one=found.figures,
        blind=blind(found),
        first=found.first,
        place=found.yardstick.first,
    )
