"""Who made an object, and UIDs that are derived, so that every try has the same one."""

from __future__ import annotations

from hashlib import sha256
from uuid import UUID

MANUFACTURER, PRODUCT = "Edge Kit", "edge-run dicom-listen"


def derived_uid(*parts: str) -> str:
    """Return the UID below `2.25` (PS3.5 annex B.2) of what `parts` name, which it does not tell.

    It has 122 bits of their SHA-256.
    """
    digest = sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()
    return f"2.25.{UUID(bytes=digest[:16], version=5).int}"
