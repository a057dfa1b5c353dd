"""Films that have come, in the order of their arrival, and when each is ready to be judged.

A film is ready when its size and its time have not changed for the quiet time, and its content not
for half of it: whoever writes into a file that has its final size changes nothing else. One whose
answer says that its end was not seen is given more time, the patience, before it is believed.
The clock counts from anywhere, and never goes back.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from edge_runtime.tray.folder import Seen

PATIENCE = 20
"""How many quiet times a film is waited for whose end was not seen."""
WINDOW = 1024
"""How many of the oldest films are looked into at once."""
AT_ONCE = 64
"""How many films are read between two looks, so that the ones before them are done with."""


class Arrival:
    """One film in the tray: as it was `seen`, `since` when, and the digest of its content then."""

    __slots__ = ("digest", "digested", "doubted", "in_work", "is_left", "seen", "since")

    def __init__(self, seen: Seen, now: float) -> None:
        self.seen, self.since = seen, now
        self.digest: str | None = None
        self.digested: float | None = None
        self.doubted = False
        self.in_work = False
        self.is_left = False

    @property
    def name(self) -> str:
        """Return the name of the film's file."""
        return self.seen.name


class Arrivals:
    """All films in the tray, the oldest first."""

    def __init__(
        self, quiet: float, digest: Callable[[str], str | None], clock: Callable[[], float]
    ) -> None:
        self._quiet, self._digest, self._clock = quiet, digest, clock
        self._films: dict[str, Arrival] = {}
        self.is_behind = False
        """Whether films were left that are due to be looked into: ask again soon."""

    def see(self, films: Iterable[Seen]) -> None:
        """Take what lies in the tray now; those that came at once are in the order of the disk."""
        now, there = self._clock(), {film.name: film for film in films}
        for name in self._films.keys() - there.keys():
            del self._films[name]
        for film in sorted(there.values(), key=lambda seen: (seen.changed, seen.name)):
            known = self._films.get(film.name)
            if known is None:
                self._films[film.name] = Arrival(film, now)
            elif not known.in_work and film.version != known.seen.version:
                self._begin_again(known, film)

    def ready(self, most: int) -> list[Arrival]:
        """Return up to `most` films to judge now; each is in work until its judge says more."""
        waiting = (one for one in self._films.values() if not (one.in_work or one.is_left))
        ready: list[Arrival] = []
        read = 0
        for film in islice(waiting, WINDOW):
            if film.digested is None:
                read += self._is_due(film)
                if read <= AT_ONCE:
                    self._look_into(film)
            elif len(ready) < most and self._is_ready(film):
                film.in_work = True
                ready.append(film)
        self.is_behind = read > AT_ONCE
        return ready

    def holds(self, film: Arrival) -> bool:
        """Tell whether a film is still the one of its name, and not gone meanwhile."""
        return self._films.get(film.name) is film

    def is_idle(self) -> bool:
        """Tell whether nothing is left to be judged, now or later."""
        return all(one.is_left for one in self._films.values())

    def again(self, film: Arrival, now: Seen | None) -> None:
        """Let a film wait anew that was changed, or is gone."""
        if now is not None:
            self._begin_again(film, now)
        elif self.holds(film):
            del self._films[film.name]

    def doubt(self, film: Arrival) -> None:
        """Let a film wait for the patience, because its end was not seen."""
        film.in_work, film.doubted = False, True

    def done(self, film: Arrival, *, is_left: bool) -> None:
        """Forget a film that was moved, or remember that it `is_left` where it is."""
        if is_left:
            film.in_work, film.is_left = False, True
        else:
            self._films.pop(film.name, None)

    def _begin_again(self, film: Arrival, seen: Seen) -> None:
        film.seen, film.since = seen, self._clock()
        film.digest, film.digested = None, None
        film.doubted = film.in_work = film.is_left = False

    def _is_due(self, film: Arrival) -> bool:
        """Tell whether a film has been quiet long enough for its content to be read."""
        return self._clock() - film.since >= self._quiet / 2

    def _look_into(self, film: Arrival) -> None:
        if self._is_due(film):
            film.digest = self._digest(film.name)
            film.digested = self._clock()  # reading may take long

    def _is_ready(self, film: Arrival) -> bool:
        now = self._clock()
        wait = self._quiet * (PATIENCE if film.doubted else 1)
        read = film.digested is not None and now - film.digested >= self._quiet / 2
        return read and now - film.since >= wait
