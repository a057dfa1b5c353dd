"""Of which of a maker's models a region fitted the decision."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from edge_runtime.bundle import verify_all
from edge_runtime.errors import IntegrityError, UsageError
from edge_runtime.updates.region import require_decision_alone

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from edge_runtime.bundle import Bundle


def maker_of(site: Bundle, published: Iterable[tuple[str, Path]]) -> str:
    """Return the identity of the published model that `site` is with another decision.

    It is the one that the site names, or else the first that differs in nothing more: a decision
    that was fitted twice names the one before. `published` has identities and files.

    Raises:
        UsageError: there is none.
    """
    named = site.manifest.site.bundle if site.manifest.site else None
    for _, place in sorted(published, key=lambda model: model[0] != named):
        with verify_all(place) as maker, suppress(IntegrityError):
            require_decision_alone(maker, site)
            return maker.identity
    cure = "fit the threshold of a model of this repository: edge-kit threshold"
    raise UsageError("--region", "this is none of the published models but its decision", cure)
