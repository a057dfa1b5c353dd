"""The files beside a bundle: NAME.report.html, the same as NAME.report.json, and NAME.claim.md."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_export.findings import Findings
from edge_export.report.claim import claim
from edge_export.report.document import document, encoded
from edge_export.report.html import render
from edge_export.report.thumbnails import thumbnails
from edge_runtime.errors import CannotWrite

if TYPE_CHECKING:
    from edge_export.facts import BundleFacts


def report_path(out: Path, suffix: str = ".report.html") -> Path:
    """Return the path of a file beside the bundle `out`."""
    return out.with_name(out.stem + suffix)


def write_report(out: Path, findings: Findings, facts: BundleFacts) -> dict[str, Any]:
    """Write the files beside the bundle `out`, and return the document that is in them.

    Raises:
        CannotWrite: the disk refused; whatever stood there before still stands.
    """
    content = document(findings, facts, out.name)
    flipped = {film["sha256"] for film in content["flips"]}
    pictures = thumbnails(findings.rows.digests, findings.rows.pixels, flipped)
    files = {
        report_path(out): render(content, pictures).encode(),
        report_path(out, ".report.json"): encoded(content),
        report_path(out, ".claim.md"): claim(content).encode(),
    }
    drafts = {path: path.with_name(f".{path.name}.part") for path in files}
    try:
        for path, data in files.items():
            drafts[path].write_bytes(data)
        for path, draft in drafts.items():
            draft.replace(path)
    except OSError as error:
        for draft in drafts.values():
            with suppress(OSError):
                draft.unlink()
        problem = error.strerror or str(error)
        cure = "choose a folder that you may write to"
        raise CannotWrite(report_path(out), problem, cure) from error
    return content
