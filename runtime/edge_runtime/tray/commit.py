"""Carrying out what was intended with a batch of films, however often, with one outcome.

The order is: intent, audit trail, rows, documents, films. Each step is on the disk before the next
begins, so that what stands later in it implies all before it; see decision 66.
"""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from edge_runtime.answer.rowfile import ERRORS
from edge_runtime.audit_trail import AuditEntry
from edge_runtime.errors import UsageError
from edge_runtime.output import as_cannot_write, sync_folder
from edge_runtime.tray.folder import document_of

if TYPE_CHECKING:
    from edge_runtime.audit_trail import AuditTrail
    from edge_runtime.tray.folder import TrayFolder
    from edge_runtime.tray.journal import Batch, Intent, Journal
    from edge_runtime.tray.ledger import Ledger

_WRITERS = 4
"""Documents that wait for the disk at once, which takes them together."""
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)


class Committer:
    """What the steps of a batch need: the tray, its journal and results, and an audit trail."""

    def __init__(
        self, folder: TrayFolder, journal: Journal, ledger: Ledger, trail: AuditTrail | None
    ) -> None:
        self._folder, self._journal, self._ledger, self._trail = folder, journal, ledger, trail
        self._writers = ThreadPoolExecutor(_WRITERS)

    def close(self) -> None:
        """End the threads that write documents."""
        self._writers.shutdown()

    def take_up(self) -> None:
        """Finish the batch that a process before this one began, if there is one.

        Raises:
            UsageError: its answers were promised to an audit trail, and none is given.
        """
        batch = self._journal.pending()
        if batch is not None:
            if batch.counter is not None and self._trail is None:
                problem = "has answers that are not in their audit trail yet"
                raise UsageError(self._folder.root, problem, "name the trail with --audit")
            self._carry_out(batch)

    def commit(self, batch: Batch) -> None:
        """Write down what is intended, and do it.

        Raises:
            CannotWrite: the disk does not take it; the next `take_up` finishes what was begun.
            Away: the tray is gone; so it is then.
        """
        self._journal.write(batch)
        self._carry_out(batch)

    def _carry_out(self, batch: Batch) -> None:
        self._record(batch)
        self._ledger.add([film.row.encode("utf-8", ERRORS) for film in batch.films], batch.offset)
        root = self._folder.root
        with as_cannot_write(root):
            films = [film for film in batch.films if film.document]
            shares = [films[start::_WRITERS] for start in range(min(_WRITERS, len(films)))]
            written = [self._writers.submit(self._write, share) for share in shares]
            wait(written)  # so that none is being written any more where the first one failed
            for share in written:
                share.result()
            for film in batch.films:
                self._move(film)
            for folder in {(root / film.place).parent for film in batch.films} | {root}:
                sync_folder(folder)
        self._folder.require_here()  # a tray that went away meanwhile looks like one that is done
        self._journal.clear()

    def _record(self, batch: Batch) -> None:
        """Write the lines of the audit trail that are not there yet."""
        if self._trail is None or batch.counter is None:
            return
        entries = [AuditEntry(**film.entry) for film in batch.films]
        if self._trail.head.counter > batch.counter:
            fields = {*AuditEntry.__slots__}  # of which older lines have fewer
            there = Counter(
                AuditEntry(**{name: line.content[name] for name in fields & line.content.keys()})
                for line in self._trail.entries_after(batch.counter)
            )
            wanted = Counter(entries)
            entries = [*(wanted - there).elements()]
        if entries:
            self._trail.record(*entries)

    def _move(self, film: Intent) -> None:
        """Move a film to its place, unless that was done, or another one has its name by now."""
        now = self._folder.now(film.name)
        place = self._folder.at(film.place)
        if now is None:
            self._folder.require_here()
        if film.place == film.name or now is None or os.path.lexists(place):
            return
        if now.version == (film.size, film.modified):
            os.rename(self._folder.at(film.name), place)  # noqa: PTH104

    def _write(self, films: list[Intent]) -> None:
        """Write the answers beside the places of films; one that is torn is written anew."""
        for film in films:
            file = os.open(self._folder.at(document_of(film.place)), _FLAGS, 0o666)
            try:
                content = memoryview(film.document.encode("ascii"))
                while content:
                    content = content[os.write(file, content) :]
                os.fsync(file)
            finally:
                os.close(file)
