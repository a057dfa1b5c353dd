"""Whether a region's model is its maker's with another decision, and with nothing else changed.

A region may publish thresholds. That it publishes no graph is checked on the box, against the
maker's own model: whoever has a region's key can move a threshold, and cannot swap the network,
what it is for, or how films are prepared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_runtime.bundle.manifest import SITE, SITE_FILES
from edge_runtime.errors import IntegrityError

if TYPE_CHECKING:
    from edge_runtime.bundle import Bundle

_OF_A_SITE = ("decision", "site", "verdict", "version", "files", "golden", "schema")
"""Keys of a manifest in which the two may differ, some in parts that are compared below.

The schema is that of the program that wrote it: the maker's may be older.
"""


def require_decision_alone(maker: Bundle, site: Bundle) -> None:
    """Refuse a region's model that is more than its maker's with another decision.

    Both have to be whole.

    Raises:
        IntegrityError: something else differs.
    """
    left, right = maker.manifest.to_json(), site.manifest.to_json()
    differing = [
        key for key in sorted({*left, *right}) if key not in _OF_A_SITE
        and left.get(key) != right.get(key)
    ]  # fmt: skip
    if left["golden"]["films"] != right["golden"]["films"]:
        differing.append("golden.films")
    if right["version"].removesuffix(SITE) != left["version"].removesuffix(SITE):
        differing.append("version")
    if "site" not in right:
        differing.append("site")
    differing += _differing_files(maker, site)
    if differing:
        problem = f"changes more than the decision of its maker's model: {', '.join(differing)}"
        raise IntegrityError(site.path, problem, "ask the region to publish a threshold alone")


def _differing_files(maker: Bundle, site: Bundle) -> list[str]:
    """Return the names of files that differ, beside those in which a site tells of its decision."""
    left, right = maker.manifest.files, site.manifest.files
    return [
        name for name in sorted({*left, *right}) if not name.lower().startswith(SITE_FILES)
        and (name not in left or name not in right or left[name].sha256 != right[name].sha256)
    ]  # fmt: skip
