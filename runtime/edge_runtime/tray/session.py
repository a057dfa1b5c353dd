"""One tray, as long as it is there: films that come are judged, and each is done with once."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import ExitStack
from dataclasses import dataclass
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING

from edge_runtime.answer.resume import line_of
from edge_runtime.answer.rowfile import ERRORS
from edge_runtime.audit_trail import AuditEntry
from edge_runtime.tray.arrivals import Arrivals
from edge_runtime.tray.commit import Committer
from edge_runtime.tray.folder import FOLDERS, JOURNAL, RESULTS
from edge_runtime.tray.journal import Batch, Intent, Journal
from edge_runtime.tray.ledger import Ledger
from edge_runtime.tray.notice import Notice

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from types import TracebackType
    from typing import Self

    from edge_runtime.answer.classify import Answer
    from edge_runtime.audit_trail import AuditTrail
    from edge_runtime.bundle import Bundle
    from edge_runtime.tray.arrivals import Arrival
    from edge_runtime.tray.folder import TrayFolder

BATCH = 64
"""Films that are done with at once, so that they share the waiting for the disk."""
_AHEAD = 3 * BATCH
"""Films that are given to be judged, so that there is work while others are done with."""
_GATHER = 0.25
"""Seconds that answers wait at most for others, with which they share the waiting for the disk."""
_LOOK = 1.0
"""Seconds between two looks at a tray."""
_SHARE = 10
"""Looking at a large tray is given one part in so many of the time."""


@dataclass(frozen=True, slots=True)
class TrayPlan:
    """How a tray is watched: `judge` answers the film at a path, `workers` of them at once.

    `renewed` is asked between films with the plan so far, and gives another one where films are to
    be judged by another model from then on.
    """

    judge: Callable[[str], Answer]
    bundle: Bundle
    engine: str
    quiet: float
    workers: int = 1
    leave: bool = False
    once: bool = False
    trail: AuditTrail | None = None
    clock: Callable[[], float] = monotonic
    renewed: Callable[[TrayPlan], TrayPlan | None] | None = None


class _Names:
    """What the films of one batch are called: names that are taken, places by content."""

    def __init__(self) -> None:
        self.taken = set[str]()
        self._places = dict[str, str]()

    def first_place(self, digest: str | None, place: str) -> str | None:
        """Return the place of another film of these bytes, or keep `place` for the next one."""
        first = self._places.setdefault(digest, place) if digest else place
        return None if first == place else first


class Session:
    """A tray that is open; `counts` has how many films were done with, by status."""

    def __init__(
        self,
        folder: TrayFolder,
        plan: TrayPlan,
        counts: dict[str, int],
        stop: Event,
        changed: Event,
    ) -> None:
        """Open it, and finish what a process before this one began.

        Raises:
            UsageError: another process watches it, or its results are not ours.
            CannotWrite: the disk does not let us.
        """
        self._folder, self._counts, self._stop = folder, counts, stop
        self._adopt(plan)
        self._next: TrayPlan | None = None
        self._arrivals = Arrivals(plan.quiet, folder.digest, plan.clock)
        self._judging: deque[tuple[Arrival, Future[Answer]]] = deque()
        self._look_at = plan.clock()
        with ExitStack() as stack:
            journal = Journal(folder.state / JOURNAL, folder.root)
            stack.callback(journal.close)
            self._ledger = Ledger(folder.root / RESULTS)
            stack.callback(self._ledger.close)
            self._committer = Committer(folder, journal, self._ledger, plan.trail)
            stack.callback(self._committer.close)
            self._committer.take_up()
            self._notice = stack.enter_context(Notice(folder.root, changed))
            self._pool = ThreadPoolExecutor(plan.workers)
            stack.callback(self._pool.shutdown, cancel_futures=True)
            self._open = stack.pop_all()

    def run(self) -> None:
        """Do with films as they come, until told to stop, or until none is left to come `once`.

        Raises:
            Away: the tray is gone.
            CannotWrite: the disk is full, or does not let us.
        """
        while not self._stop.is_set():
            self._look()
            self._renew()
            self._judge()
            self._gather()
            if batch := self._judged():
                self._folder.require_here()
                self._commit(batch)
            elif self._plan.once and self._arrivals.is_idle():
                return
            elif not self._arrivals.is_behind:
                self._wait()

    def _adopt(self, plan: TrayPlan) -> None:
        """Judge by `plan` from now on."""
        start = str(self._folder.root.absolute())
        self._plan, self._identity = plan, plan.bundle.identity  # which it digests
        self._row = line_of(plan.bundle, plan.engine, "csv", start)
        self._document = line_of(plan.bundle, plan.engine, "json", start)

    def _renew(self) -> None:
        """Go over to another model, if there is one, once no film is judged by the one before."""
        if self._plan.renewed:
            self._next = self._next or self._plan.renewed(self._plan)
        if self._next and not self._judging:
            if self._plan.trail:
                self._plan.trail.record_model(self._identity, self._next.bundle.identity)
            self._adopt(self._next)
            self._next = None

    def _look(self) -> None:
        """Look at the tray, unless that was done a moment ago."""
        began = self._plan.clock()
        if began < self._look_at:
            return
        self._folder.require_here()
        self._arrivals.see(self._folder.films())
        took = self._plan.clock() - began
        self._look_at = began + max(min(_LOOK, self._plan.quiet / 4), _SHARE * took)

    def _judge(self) -> None:
        """Have the films that are ready judged, in the order of their arrival."""
        room = 0 if self._next else _AHEAD - len(self._judging)
        for film in self._arrivals.ready(room):
            if self._plan.leave and self._ledger.has(film.name, film.digest, film.seen.size):
                self._arrivals.done(film, is_left=True)
                continue
            answer = self._pool.submit(self._plan.judge, self._folder.at(film.name))
            self._judging.append((film, answer))

    def _gather(self) -> None:
        """Wait, not for long, until there is a whole batch of answers."""
        if self._judging:
            last = min(BATCH, len(self._judging)) - 1
            wait_for([self._judging[last][1]], timeout=_GATHER)

    def _judged(self) -> list[tuple[Arrival, Answer]]:
        """Return the films, from the oldest on, whose answers are there and can be believed."""
        batch: list[tuple[Arrival, Answer]] = []
        while len(batch) < BATCH and self._judging and self._judging[0][1].done():
            film, judged = self._judging.popleft()
            answer, now = judged.result(), self._folder.now(film.name)
            if now is None:
                self._folder.require_here()
            if not self._arrivals.holds(film):
                continue
            digest = answer.source.sha256 if answer.source else None
            same = now is not None and now.version == film.seen.version
            if not same or (film.digest and digest and digest != film.digest):
                self._arrivals.again(film, now)
            elif _is_doubtful(answer) and not film.doubted:
                self._arrivals.doubt(film)
            else:
                batch.append((film, answer))
        return batch

    def _commit(self, films: list[tuple[Arrival, Answer]]) -> None:
        """Do with a batch of films what is to be done."""
        trail, names = self._plan.trail, _Names()
        intents = tuple(self._intent(film, answer, names) for film, answer in films)
        counter = trail.head.counter if trail else None
        self._committer.commit(Batch(intents, self._ledger.end, counter))
        for film, answer in films:
            self._counts[answer.status] += 1
            self._arrivals.done(film, is_left=self._plan.leave)

    def _intent(self, film: Arrival, answer: Answer, names: _Names) -> Intent:
        place = film.name
        if not self._plan.leave:
            folder = FOLDERS[answer.status]
            place = f"{folder}/{self._folder.free_name(folder, film.name, names.taken)}"
        digest = answer.source.sha256 if answer.source else None
        answer.file = place
        if first := self._ledger.first_place(digest) or names.first_place(digest, place):
            same = f"the same bytes as {first}"
            answer.warning = f"{answer.warning}; {same}" if answer.warning else same
        has_room = not self._plan.leave or self._folder.may_answer(place)
        entry = AuditEntry.of(
            answer, self._identity, self._plan.engine, signers=self._plan.bundle.signers
        )
        return Intent(
            name=film.name, size=film.seen.size, modified=film.seen.modified, place=place,
            row=self._row(answer).decode("utf-8", ERRORS),
            document=self._document(answer).decode("ascii") if has_room else "",
            entry=entry.to_json(),
        )  # fmt: skip

    def _wait(self) -> None:
        """Wait for the oldest film, for a change in the tray, or for the next look."""
        seconds = min(_LOOK, self._plan.quiet / 4)
        if self._judging:
            wait_for([self._judging[0][1]], timeout=seconds)
        else:
            self._notice.wait(seconds)

    def close(self) -> None:
        """Let another process watch the tray; films that are being judged stay in it."""
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _is_doubtful(answer: Answer) -> bool:
    """Tell whether an answer says that the end of a film was not seen, or not read."""
    reason = getattr(answer.error, "reason", None)
    return answer.status == "error" or reason == "unreadable" or bool(answer.warning)
