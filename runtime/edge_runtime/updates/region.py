"""Whether a region's model is its maker's with another decision, and with nothing else changed.

A region may publish thresholds. That it publishes no graph, and claims no more than its maker
proved, is checked on the box against the maker's own model, by what a maker would sign of it
(`edge_runtime.trust.statement`): whoever has a region's key can move a threshold, and cannot swap
the network, what it is for, how films are prepared, or how far answers may be off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_runtime.errors import IntegrityError
from edge_runtime.trust.statement import differences

if TYPE_CHECKING:
    from edge_runtime.bundle import Bundle


def require_decision_alone(maker: Bundle, site: Bundle) -> None:
    """Refuse a region's model that is more than its maker's with another decision.

    Both have to be whole.

    Raises:
        IntegrityError: something else differs.
    """
    differing = [] if site.manifest.site else ["site"]
    differing += differences(maker.manifest, site.manifest)
    if differing:
        problem = f"changes more than the decision of its maker's model: {', '.join(differing)}"
        raise IntegrityError(site.path, problem, "ask the region to publish a threshold alone")
