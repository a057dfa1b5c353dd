"""Which bundle is used when none is named."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from edge_runtime.errors import UsageError


def data_folder() -> Path | None:
    """Return the folder of this user for bundles, or `None` where the user has no home."""
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "edge-kit"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "edge-kit"
    return Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "edge-kit"


def default_bundle() -> str:
    """Return `$EDGE_BUNDLE`, else the bundle in the data folder that was written last.

    Raises:
        UsageError: there is neither.
    """
    if named := os.environ.get("EDGE_BUNDLE"):
        return named
    folder = data_folder()
    try:
        # A link that leads nowhere must not hide the others.
        bundles = [one for one in folder.glob("*.edge") if one.exists()] if folder else []
        newest = max(bundles, key=lambda bundle: bundle.stat().st_mtime, default=None)
    except OSError:
        newest = None
    if newest is None:
        where = f" or copy a .edge file to {folder}" if folder else ""
        raise UsageError(
            "--bundle", "none given and none found", f"name one, set EDGE_BUNDLE{where}"
        )
    return str(newest)
