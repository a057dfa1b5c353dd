"""Lines of the audit trail, one for each image and one for each delivery, over a `kill -9` too.

The queue remembers where the trail ended before a line was written, and the line names the object
that it is about, so that whoever comes after a kill can tell whether it was written.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from edge_runtime.audit_trail import AuditEntry, AuditTrail

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edge_runtime.audit_trail import DeliveryEntry


class NodeTrail:
    """The trail of a node, or none where it keeps none."""

    def __init__(self, path: Path | None) -> None:
        """Open it, or begin it; errors are those of `AuditTrail`."""
        self._writing = Lock()
        self._trail = AuditTrail(str(path)) if path is not None else None

    def record(
        self,
        entry: AuditEntry | DeliveryEntry,
        counter: int | None,
        begin: Callable[[int], None],
    ) -> None:
        """Write a line, unless it stands after line `counter`.

        Without a counter, `begin` is called with that of the last line before one is written.
        """
        trail = self._trail
        if trail is None:
            return
        with self._writing:
            if counter is None:
                begin(trail.head.counter)
            elif self._has(trail, entry, counter):
                return
            trail.record(entry)

    def record_model(self, before: str, after: str) -> None:
        """Write that another model answers from now on."""
        if self._trail:
            with self._writing:
                self._trail.record_model(before, after)

    def close(self) -> None:
        """Let others write it."""
        if self._trail:
            self._trail.close()

    def _has(self, trail: AuditTrail, entry: AuditEntry | DeliveryEntry, counter: int) -> bool:
        name = "report" if isinstance(entry, AuditEntry) else "instance"
        uid = entry.to_json().get(name)
        lines = trail.entries_after(counter, entry.kind)
        return any(line.content.get(name) == uid for line in lines)
