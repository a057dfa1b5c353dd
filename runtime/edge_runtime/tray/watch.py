"""Watching a tray: as long as it is there, and again when it has come back."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

from edge_runtime.answer.classify import STATUSES
from edge_runtime.errors import EdgeError
from edge_runtime.tray.folder import Away, TrayFolder
from edge_runtime.tray.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_runtime.tray.session import TrayPlan

_AWAY = 2.0
"""Seconds between two looks for a tray that is gone."""


class TrayWatch:
    """One tray that is watched until `stop` is called; `say` takes lines for people."""

    def __init__(self, folder: TrayFolder, plan: TrayPlan, say: Callable[[str], None]) -> None:
        self._folder, self._plan, self._say = folder, plan, say
        self._stop, self._changed = Event(), Event()
        self.counts = dict.fromkeys(STATUSES, 0)

    def stop(self) -> None:
        """End after the film that is being done with; may be called by a signal."""
        self._stop.set()
        self._changed.set()

    def run(self) -> None:
        """Watch until stopped.

        Raises:
            UsageError: another process watches the tray, or its results are not ours.
            CannotWrite: the disk is full, or does not let us; the next start goes on.
        """
        while not self._stop.is_set():
            try:
                with Session(
                    self._folder, self._plan, self.counts, self._stop, self._changed
                ) as session:
                    session.run()
                return
            except (Away, EdgeError, OSError):
                if self._folder.is_here():
                    raise
            self._say(f"{self._folder.absence()}; its films are answered when it is back")
            while not (self._folder.is_here() or self._stop.is_set()):
                self._changed.wait(_AWAY)
            if not self._stop.is_set():
                self._say("the tray is back")

    def __str__(self) -> str:
        answered, refused, failed = self.counts.values()
        return f"{answered} films answered, {refused} refused, {failed} not read"
