"""Answers that stand in an audit trail before they are written."""

from __future__ import annotations

from contextlib import contextmanager

from edge_runtime.audit_trail import AuditEntry, AuditTrail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edge_runtime.answer.classify import Answer
    from edge_runtime.answer.rows import Writer
    from edge_runtime.bundle import Bundle
    from edge_runtime.engines import Engine


@contextmanager
def audited(path: str, bundle: Bundle, engine: Engine) -> Iterator[Callable[[Writer], Writer]]:
    """Yield what makes a writer of answers one that writes a line of the trail before each."""
    signers = bundle.signers
    identity = bundle.identity  # which is digested each time that it is asked for
    with AuditTrail(path) as trail:

        def with_lines(write: Writer) -> Writer:
            def both(answer: Answer) -> None:
                trail.record(AuditEntry.of(answer, identity, engine.name, signers=signers))
                write(answer)

            return both

        yield with_lines
