"""The files beside a bundle: NAME.report.html, the same as NAME.report.json, and NAME.claim.md."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_export.proof.findings import Findings
from edge_export.report.claim import claim
from edge_export.report.document import document, encoded
from edge_export.report.html import render
from edge_export.report.thumbnails import thumbnails
from edge_runtime.output import require_place, write_together

if TYPE_CHECKING:
    from edge_export.description import BundleDescription


SUFFIXES = (".report.html", ".report.json", ".claim.md")


def report_path(out: Path, suffix: str = SUFFIXES[0]) -> Path:
    """Return the path of a file beside the bundle `out`."""
    return out.with_name(out.stem + suffix)


def require_places(out: Path) -> None:
    """Refuse the name of a bundle that it, or a file beside it, cannot have.

    Raises:
        CannotWrite: something other than a regular file is there, or none can be written.
    """
    require_place(out, "a .edge file")
    for suffix in SUFFIXES:
        require_place(report_path(out, suffix))


def write_report(out: Path, findings: Findings, description: BundleDescription) -> dict[str, Any]:
    """Write the files beside the bundle `out`, and return the document that is in them.

    Raises:
        CannotWrite: the disk refused; whatever stood there before still stands.
    """
    content = document(findings, description, out.name)
    flipped = {film["sha256"] for film in content["flips"]}
    pictures = thumbnails(findings.held_out.digests, findings.held_out.pixels, flipped)
    page, data, checklist = (report_path(out, suffix) for suffix in SUFFIXES)
    write_together(
        {
            page: render(content, pictures).encode(),
            data: encoded(content),
            checklist: claim(content).encode(),
        }
    )
    return content
