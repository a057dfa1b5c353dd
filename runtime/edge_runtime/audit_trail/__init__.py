"""What was answered, when and by which model, in lines that nobody can change unnoticed.

`AuditTrail(path).record(AuditEntry.of(answer, bundle.identity, engine))` writes a line and waits
until it is on the disk; `verify` finds what was changed; `TrailHead` is what to keep elsewhere.
"""

from __future__ import annotations

from edge_runtime.audit_trail.line import AuditEntry, DeliveryEntry, TrailHead
from edge_runtime.audit_trail.trail import LARGEST, AuditTrail
from edge_runtime.audit_trail.verify import Verified, verify

__all__ = [
    "LARGEST",
    "AuditEntry",
    "AuditTrail",
    "DeliveryEntry",
    "TrailHead",
    "Verified",
    "verify",
]
