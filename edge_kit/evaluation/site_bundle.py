"""A bundle with a site's own decision: the same graphs, a new manifest, a card that says so."""

from __future__ import annotations

import json
import re
from pathlib import Path

from edge_export.package import golden_tolerance
from edge_export.report.card import CARD
from edge_export.report.document import encoded
from edge_export.words import Words, words
from edge_kit.evaluation.site_decision import SiteDecision
from edge_runtime.bundle import verify_all
from edge_runtime.bundle.manifest import SITE, Manifest
from edge_runtime.bundle.pack import write_bundle
from edge_runtime.bundle.provenance import PARITY

_HEADING = "## Fitted again at a site"
_SECTION = """\
{heading}

{cautions}A site fitted the {fitted} again, on {site.positive} positive and {site.negative} negative
films of its own. The graphs are as they were. What stands below on threshold, calibration and
uncertain answers, and in parity.json outside of `site`, is of the bundle before.

- bundle before: `{site.bundle}`
- set of films: `{site.films}`
- calibration by {calibration.method}: {calibration.scale:g} times the logit, plus
  {calibration.offset:g}
- threshold {threshold}
- uncertain from {band.low:g} to {band.high:g}
{figures}

These intervals are {method}.
"""


def write_site_bundle(source: Path, out: Path, refitted: SiteDecision) -> str:
    """Write the bundle `source` with the new decision to `out`, and return its identity.

    What has to be said of it stands first in its card and in its parity.json, whose figures are
    those of the bundle before.

    Raises:
        EdgeError: the source is no bundle, or not as it was written.
        CannotWrite: the disk refused; whatever stood at `out` still stands.
    """
    with verify_all(source) as bundle:
        manifest = bundle.manifest
        members = {name: bytes(bundle.read(name)) for name in manifest.files}
    told = words(manifest.intended_use.modality, manifest.name, *_classes(manifest))
    members[CARD] = _card(members.get(CARD, b"").decode(), refitted, told).encode()
    told_of = refitted.to_json()
    if PARITY in members or told_of:
        parity = json.loads(members.get(PARITY, b"{}"))
        site = {"warnings": [*map(told, refitted.warnings)], **told_of}
        members[PARITY] = encoded(parity | {"site": site})
    return write_bundle(out, _fields(manifest, refitted), members)


def _fields(manifest: Manifest, refitted: SiteDecision) -> dict[str, object]:
    fields = {
        key: value for key, value in manifest.to_json().items() if key not in ("schema", "files")
    }
    golden = fields["golden"]
    if refitted.decision.calibration != manifest.decision.calibration:
        golden = {**golden, "tolerance": golden_tolerance(refitted.decision.calibration)}
    return fields | {
        "version": manifest.version.removesuffix(SITE) + SITE,
        "decision": refitted.decision,
        "golden": golden,
        # What was proved was proved at another threshold.
        "verdict": "undecided" if refitted.moved else manifest.verdict,
        "site": refitted.site,
    }


def _classes(manifest: Manifest) -> tuple[str, str]:
    return manifest.classes.negative, manifest.classes.positive


def _card(card: str, refitted: SiteDecision, told: Words) -> str:
    """Return the card with a section on the site first, in place of an older one."""
    head, *sections = re.split("^(?=## )", card, flags=re.MULTILINE)
    kept = [section for section in sections if not section.startswith(_HEADING)]
    return "".join([head, told(_section(refitted)), *kept])


def _section(refitted: SiteDecision) -> str:
    site, decision = refitted.site, refitted.decision
    listed = "".join(f"- {warning}\n" for warning in refitted.warnings)
    return _SECTION.format(
        heading=_HEADING,
        cautions=f"{listed}\n" if listed else "",
        fitted=refitted.fitted_parts,
        site=site,
        calibration=decision.calibration,
        threshold=refitted.threshold or f"{decision.threshold:g}",
        band=decision.uncertain,
        figures="\n".join(f"- {line}" for line in refitted.figures),
        method=refitted.method,
    )
