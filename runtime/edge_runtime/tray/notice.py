"""Being told that something may have changed in a folder, or looking at it from time to time.

Looking is what finds films: a network disk tells nobody of what other machines write. Being told
only makes it sooner.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from threading import Event
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType
    from typing import Self


class Notice:
    """Waits until the next look: so many seconds, or until the system tells of a change."""

    def __init__(self, folder: Path, changed: Event | None = None) -> None:
        self._folder, self.changed = folder, changed or Event()
        self._stop: Callable[[], object] = bool

    def wait(self, seconds: float) -> None:
        """Return after `seconds`, or sooner where something changed or `changed` was set."""
        # Windows delivers no signal to a thread that waits without a limit.
        self.changed.wait(seconds)
        self.changed.clear()

    def __enter__(self) -> Self:
        with suppress(ImportError, OSError, RuntimeError):  # nothing tells us: looking has to do
            from watchdog.events import FileSystemEvent, FileSystemEventHandler
            from watchdog.observers import Observer

            # It complains where its folder goes away, which we see for ourselves.
            logging.getLogger("watchdog").setLevel(logging.CRITICAL)
            changed = self.changed

            class Telling(FileSystemEventHandler):
                def on_any_event(self, event: FileSystemEvent) -> None:
                    del event
                    changed.set()

            observer = Observer()
            observer.schedule(Telling(), str(self._folder))
            observer.daemon = True
            observer.start()
            self._stop = observer.stop
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()
