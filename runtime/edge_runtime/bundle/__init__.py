"""Bundles: one file or folder that holds all that a clinic's machine needs."""
# On the cold path, where it is looked for a policy without loading what reads one:
# ruff: noqa: PTH111, PTH118

from __future__ import annotations

import os
import sys

from edge_runtime.bundle.reader import Bundle, open_bundle, verify_all

__all__ = ["Bundle", "open_bundle", "policy_folder", "policy_path", "verify_all"]

POLICY = "policy.json"
_OF_THE_MACHINE = "/etc/edge-run/trust"


def policy_folder() -> str | None:
    """Return the folder of the policy of whose bundles are trusted; None without a home folder.

    That is `$EDGE_RUN_TRUST`, else the machine's, where there is one or root asks, else the user's.
    """
    if named := os.environ.get("EDGE_RUN_TRUST"):
        return named
    if sys.platform != "win32" and (os.geteuid() == 0 or _is_there(_OF_THE_MACHINE)):
        return _OF_THE_MACHINE
    home = os.path.expanduser("~")
    if sys.platform == "win32":
        above = os.environ.get("LOCALAPPDATA") or os.path.join(home, "AppData", "Local")
    elif sys.platform == "darwin":
        above = os.path.join(home, "Library", "Application Support")
    else:
        above = os.environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    return None if above.startswith("~") else os.path.join(above, "edge-run", "trust")


def policy_path() -> str | None:
    """Return the policy that holds on this machine, a file; None where there is none.

    One that `$EDGE_RUN_TRUST` names has to be there: whoever reads it says so.
    """
    folder = policy_folder()
    if folder is None:
        return None
    path = os.path.join(folder, POLICY)
    return path if os.environ.get("EDGE_RUN_TRUST") or _is_there(path) else None


def _is_there(path: str) -> bool:
    """Tell whether something is at `path`; what cannot be looked at is there."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True
