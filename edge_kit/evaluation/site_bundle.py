"""A bundle with a site's own decision: the same graphs, a new manifest, a card of the site.

What its maker wrote stays as it is, so that the maker's signature holds: what a site says lies in a
folder of its own.
"""

from __future__ import annotations

import json
import re
from decimal import ROUND_DOWN, Context
from pathlib import Path
from typing import TYPE_CHECKING

from edge_export.report.card import CARD
from edge_export.report.document import encoded
from edge_export.signing.sign import models_signed, signatures_of
from edge_export.words import words
from edge_kit.evaluation.site_decision import SiteDecision
from edge_runtime.bundle import verify_all
from edge_runtime.bundle.manifest import SITE, SITE_FILES, Manifest
from edge_runtime.bundle.pack import write_bundle
from edge_runtime.bundle.provenance import PARITY
from edge_runtime.trust import require_signatures
from edge_runtime.trust.statement import DECISION

if TYPE_CHECKING:
    from edge_export.signing.keys import SigningKey

_HEADING = "## Fitted again at a site"
_SITE_CARD, _SITE_PARITY = SITE_FILES + CARD, SITE_FILES + PARITY
_SECTION = """\
{heading}

{cautions}A site fitted the {fitted} again, on {site.positive} positive and {site.negative} negative
films of its own. The graphs are as they were. What card.md says on threshold, calibration and
uncertain answers, and what parity.json says, is of the bundle before.

- bundle before: `{site.bundle}`
- set of films: `{site.films}`
- calibration by {calibration.method}: {calibration.scale:g} times the logit, plus
  {calibration.offset:g}
- threshold {threshold}
- uncertain from {band.low:g} to {band.high:g}
{figures}

These intervals are {method}.
"""


def write_site_bundle(
    source: Path, out: Path, refitted: SiteDecision, key: SigningKey | None = None
) -> str:
    """Write the bundle `source` with the new decision to `out`, and return its identity.

    What has to be said of it is in `site/card.md` and `site/parity.json`, beside those of the
    bundle before. The maker's signature of the model stays; the site signs its decision by `key`.

    Raises:
        EdgeError: the source is no bundle, or not as it was written or signed.
        CannotWrite: the disk refused; whatever stood at `out` still stands.
    """
    with verify_all(source) as bundle:
        require_signatures(bundle)
        manifest, signatures = bundle.manifest, models_signed(bundle)
        members = {name: bytes(bundle.read(name)) for name in manifest.files}
    told = words(manifest.intended_use.modality, manifest.name, *_classes(manifest))
    _leave_out_an_older_site(members)
    members[_SITE_CARD] = told(_section(refitted)).encode()
    site = {"warnings": [*map(told, refitted.warnings)], **refitted.to_json()}
    members[_SITE_PARITY] = encoded({"site": site})

    def sign(changed: Manifest) -> dict[str, bytes]:
        return signatures | (signatures_of(changed, key, DECISION) if key else {})

    return write_bundle(out, _fields(manifest, refitted), members, sign)


def _leave_out_an_older_site(members: dict[str, bytes]) -> None:
    """Remove what another decision of a site left, which schema 1 kept in the maker's files."""
    for name in (_SITE_CARD, _SITE_PARITY):
        members.pop(name, None)
    if CARD in members:
        head, *sections = re.split("^(?=## )", members[CARD].decode(), flags=re.MULTILINE)
        kept = [section for section in sections if not section.startswith(_HEADING)]
        members[CARD] = "".join([head, *kept]).encode()
    if PARITY in members and "site" in (parity := json.loads(members[PARITY])):
        del parity["site"]
        members[PARITY] = encoded(parity)


def _fields(manifest: Manifest, refitted: SiteDecision) -> dict[str, object]:
    fields = {
        key: value for key, value in manifest.to_json().items() if key not in ("schema", "files")
    }
    return fields | {
        "version": manifest.version.removesuffix(SITE) + SITE,
        "decision": refitted.decision,
        "golden": {**fields["golden"], "tolerance": _tolerance(manifest, refitted)},
        # What was proved was proved at another threshold.
        "verdict": "undecided" if refitted.moved else manifest.verdict,
        "site": refitted.site,
    }


def _tolerance(manifest: Manifest, refitted: SiteDecision) -> float:
    """Return by how much a golden logit may differ: a calibrated one by no more than before.

    Rounded down, so that no number of fits lets it differ by more than its maker proved.
    """
    before, scale = manifest.golden.tolerance, refitted.decision.calibration.scale
    if (old := manifest.decision.calibration.scale) == scale:
        return before
    return float(Context(prec=3, rounding=ROUND_DOWN).create_decimal(before * old / scale))


def _classes(manifest: Manifest) -> tuple[str, str]:
    return manifest.classes.negative, manifest.classes.positive


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
