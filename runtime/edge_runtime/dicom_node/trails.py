"""Lines of the audit trail, one for each image and one for each delivery, over a `kill -9` too.

Deliveries have a trail of their own beside that of the answers, which `edge-run audit report`
counts as decisions. A queue remembers where a trail ended before a line was written, so that
whoever comes after a kill can tell whether it was.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from edge_runtime.audit_trail import AuditEntry, AuditTrail

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_runtime.answer.classify import Answer
    from edge_runtime.dicom_node.queue import WaitingObject

DELIVERED = "delivered"


class Trails:
    """The two trails of a node, or none where it keeps none."""

    def __init__(self, path: Path | None) -> None:
        """Open them, or begin them; errors are those of `AuditTrail`."""
        self._writing = Lock()
        self._answers: AuditTrail | None = None
        self._deliveries: AuditTrail | None = None
        with ExitStack() as stack:
            if path is not None:
                beside = path.with_name(f"{path.stem}-deliveries{path.suffix}")
                self._answers = stack.enter_context(AuditTrail(str(path)))
                self._deliveries = stack.enter_context(AuditTrail(str(beside)))
            self._open = stack.pop_all()

    def answer(
        self,
        answer: Answer,
        bundle: str,
        engine: str,
        counter: int | None,
        begin: Callable[[int], None],
    ) -> None:
        """Write the line of an answer, unless it stands after line `counter`."""
        _record(self._answers, AuditEntry.of(answer, bundle, engine), counter, begin, self._writing)

    def delivery(self, sent: WaitingObject, begin: Callable[[int], None]) -> None:
        """Write the line of a delivery, unless it is there."""
        entry = AuditEntry(
            film=sent.film, bundle=sent.bundle, engine=sent.engine, status=DELIVERED,
            label=sent.kind,
        )  # fmt: skip
        _record(self._deliveries, entry, sent.counter, begin, self._writing)

    def close(self) -> None:
        """Let others write them."""
        self._open.close()


def _record(
    trail: AuditTrail | None,
    entry: AuditEntry,
    counter: int | None,
    begin: Callable[[int], None],
    writing: Lock,
) -> None:
    if trail is None:
        return
    with writing:
        if counter is None:
            begin(trail.head.counter)
        elif any(_is_of(line.content, entry) for line in trail.entries_after(counter)):
            return
        trail.record(entry)


def _is_of(content: dict[str, object], entry: AuditEntry) -> bool:
    expected = entry.to_json()
    return all(content.get(key) == expected[key] for key in ("film", "bundle", "status", "label"))
