"""The model that a service answers by: of a store the one confirmed last, changed between films.

The record of the store is looked at before a film, once a second at most. A film that has begun is
answered by the model with which it began; the model before is closed once no film has it.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

from edge_runtime.bundle.defaults import default_bundle
from edge_runtime.bundle.installed import STORE_RECORD, confirmed_model, is_store
from edge_runtime.errors import CannotWrite, EdgeError, IntegrityError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType
    from typing import Self

    from edge_runtime.answer.classifier import Classifier

    Open = Callable[[str | None], Classifier]
    Say = Callable[[str], None]
    Changed = Callable[[str, str], object]

LOOK = 1.0
"""Seconds between two looks at the record of a store."""


class ModelInUse:
    """A classifier, and the next one as soon as a store has it.

    `changed` is called with the identities before and after, before the first film is answered by
    the new model; where it raises, the model before goes on, and it is tried again.
    """

    def __init__(
        self,
        path: str | None,
        opened: Open,
        say: Say,
        *,
        changed: Changed | None = None,
        look: float = LOOK,
    ) -> None:
        """Open the model at `path`, or the default one; errors are those of `opened`."""
        self._opened, self._say, self.changed = opened, say, changed
        self._look, self._look_at = look, monotonic() + look
        self._lock = Lock()
        place = default_bundle().path if path is None else path
        self._store = place if is_store(place) else None
        self._seen = self._record()
        self.current = opened(path)
        self._leases: dict[int, int] = {}
        self._retired: list[Classifier] = []

    def latest(self) -> Classifier:
        """Return the classifier for the next film: the model before stays open until `retire`."""
        with self._lock:
            return self._latest()

    @contextmanager
    def lease(self) -> Iterator[Classifier]:
        """Yield the classifier for one film, which stays open during the block."""
        with self._lock:
            classifier = self._latest()
            self._leases[id(classifier)] = self._leases.get(id(classifier), 0) + 1
        try:
            yield classifier
        finally:
            with self._lock:
                self._leases[id(classifier)] -= 1
            self.retire()

    def retire(self) -> None:
        """Close what was replaced and that no film has any more."""
        with self._lock:
            over = [each for each in self._retired if not self._leases.get(id(each))]
            self._retired = [each for each in self._retired if each not in over]
        for classifier in over:
            self._leases.pop(id(classifier), None)
            classifier.close()

    def close(self) -> None:
        """Close every classifier."""
        for classifier in (self.current, *self._retired):
            classifier.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _latest(self) -> Classifier:
        if self._store and monotonic() >= self._look_at:
            self._look_at = monotonic() + self._look
            self._renew()
        return self.current

    def _renew(self) -> None:
        """Go over to the model that the record names now, if that is another one."""
        record = self._record()
        if record is None or record == self._seen or self._store is None:
            return
        try:
            _, identity = confirmed_model(self._store)
            before = self.current.bundle.identity
            if identity != before:
                new = self._opened(self._store)
                try:
                    if self.changed:
                        self.changed(before, new.bundle.identity)
                except (CannotWrite, IntegrityError):
                    new.close()
                    raise
                self._retired.append(self.current)
                self.current = new
                manifest = new.manifest
                self._say(f"{manifest.name} {manifest.version} ({identity[:16]}) answers now")
            self._seen = record
        except EdgeError as error:
            self._say(f"the model in {self._store} is not gone over to: {error}")
            # What cannot be opened is not tried at each film; what cannot be recorded is.
            self._seen = self._seen if isinstance(error, CannotWrite) else record

    def _record(self) -> tuple[int, int, int] | None:
        """Return what tells one record of the store from another."""
        if self._store is None:
            return None
        try:
            status = os.stat(os.path.join(self._store, STORE_RECORD))  # noqa: PTH116, PTH118
        except OSError:  # a card that is pulled out: the model is in memory
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size
