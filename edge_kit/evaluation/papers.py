"""What the papers in a bundle tell beyond its manifest, whatever version wrote them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from edge_export.words import words
from edge_kit.models.recipe import Keep
from edge_kit.training.shortfalls import CHOSEN
from edge_runtime.bundle import Bundle
from edge_runtime.bundle.manifest import SITE_FILES
from edge_runtime.bundle.provenance import PARITY
from edge_runtime.errors import EdgeError

COVERAGE = "coverage"
"""The key of `site` in a bundle's parity.json that tells of a band fitted for a coverage."""


def papers_of(bundle: Bundle) -> Mapping[str, Any]:
    """Return the parity.json that a bundle brings, with a site's, and nothing where it has none."""
    papers: dict[str, Any] = {}
    for name in (PARITY, SITE_FILES + PARITY):
        with suppress(EdgeError, LookupError, ValueError):
            if isinstance(content := json.loads(bytes(bundle.read(name))), dict):
                papers |= content
    return papers


def kept_epoch(papers: Mapping[str, Any], modality: str) -> Keep:
    """Return how the epoch of a bundle's run was chosen, as far as its papers say it."""
    with suppress(LookupError, TypeError):
        return "best" if words(modality)(CHOSEN) in papers["warnings"] else "last"
    return "last"


def is_covered(papers: Mapping[str, Any]) -> bool:
    """Tell whether a site fitted the band for a coverage, as far as the papers say it."""
    site = papers.get("site")
    return isinstance(site, dict) and COVERAGE in site
