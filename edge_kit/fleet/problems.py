"""What needs looking at in a box, by kind; each in words that name no place of any machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge_kit.fleet.reading import BoxHistory, ReceiptLink
    from edge_runtime.fleet.records import BoxReceipt, BoxTrail

KINDS = {
    "key": "signed by a key that is not the box's",
    "chain": "receipts missing, or two with one number",
    "trail": "an audit trail changed, cut off or gone",
    "check": "golden films or bundle not as their maker's",
    "unsigned": "runs a bundle that nobody signed",
    "silent": "not heard of",
    "clock": "a clock that is wrong",
    "drift": "other scores than the reference's",
    "disk": "a disk that is nearly full",
}
"""Kind -> what it is, the gravest first."""

AHEAD = timedelta(days=1)
"""By how much the clock of a box may be ahead of ours before its receipt is one of the future."""
LEAST_FREE = 0.05  # of a disk


@dataclass(frozen=True, slots=True)
class BoxProblem:
    """One thing to look at: its kind, of `KINDS`, and what it is here."""

    kind: str
    words: str


def chain_problems(links: Sequence[ReceiptLink]) -> Iterator[BoxProblem]:
    """Yield where the receipts of a box, in their order, do not follow one another."""
    for before, link in pairwise(links):
        where = f"receipt {link.counter}"
        if link.counter == before.counter:
            words = f"there are two different receipts {link.counter}: the box was copied or reset"
            yield BoxProblem("chain", words)
        elif link.counter > before.counter + 1:
            yield BoxProblem("chain", _missing(before.counter + 1, link.counter - 1))
        elif link.previous != before.digest:
            yield BoxProblem("chain", f"{where} follows another one than the receipt before it")
        believed = link.plausible and before.plausible and link.counter > before.counter
        if believed and link.time < before.time:
            yield BoxProblem("clock", f"{where} is older than the one before it, by its clock")
        yield from _trail_steps(where, before.trails, link)


def _missing(first: int, last: int) -> str:
    return f"receipt {first} is missing" if first == last else (
        f"receipts {first} to {last} are missing"
    )  # fmt: skip


def _trail_steps(where: str, before: Sequence[BoxTrail], link: ReceiptLink) -> Iterator[BoxProblem]:
    """Yield which trails went backwards from one receipt to the next, or are gone."""
    now = {trail.first: trail for trail in link.trails}
    for old in before:
        new = now.get(old.first)
        if old.first is None:
            continue
        if new is None:
            words = f"{where}: the trail that begins with {old.first[:12]} is not named any more"
        elif new.counter < old.counter:
            words = f"{where}: an audit trail went back from line {old.counter} to {new.counter}"
        elif new.counter == old.counter and new.digest != old.digest:
            words = f"{where}: line {new.counter} of an audit trail is another one now"
        else:
            continue
        yield BoxProblem("trail", words)


def trail_problems(link: ReceiptLink) -> Iterator[BoxProblem]:
    """Yield what a box itself says of its trails."""
    for trail in link.trails:
        if trail.first is None:
            yield BoxProblem("trail", f"receipt {link.counter}: an audit trail cannot be read")
        elif not trail.whole:
            yield BoxProblem("trail", f"receipt {link.counter}: lines of a trail were changed")
        elif trail.continued is False:
            words = f"receipt {link.counter}: a trail lacks the line that the receipt before named"
            yield BoxProblem("trail", words)


def state_problems(receipt: BoxReceipt, *, require_signature: bool) -> Iterator[BoxProblem]:
    """Yield what is wrong with a box as its newest receipt has it."""
    check, health = receipt.check_result, receipt.health
    if not check.passed:
        yield BoxProblem("check", check.problem or "the check failed")
    elif check.engine and not all(film.passed for film in check.engine.films):
        yield BoxProblem("check", "a golden film differs by more than the tolerance")
    if require_signature and receipt.bundle and not receipt.bundle.signed_by:
        yield BoxProblem("unsigned", f"{receipt.bundle.name} {receipt.bundle.version}")
    if not health.clock_plausible:
        yield BoxProblem("clock", f"the box itself calls its clock implausible: {receipt.time}")
    if health.disk_free < LEAST_FREE * health.disk_size:
        yield BoxProblem("disk", f"{health.disk_free / 1e9:.1f} GB are free")


def future_problems(links: Sequence[ReceiptLink], now: datetime) -> Iterator[BoxProblem]:
    """Yield receipts that were written after `now`, by the clock of their box."""
    for link in links:
        if link.time > now + AHEAD:
            yield BoxProblem("clock", f"receipt {link.counter} is of the future: {link.time:%F}")


def last_heard(links: Sequence[ReceiptLink], now: datetime) -> datetime | None:
    """Return when a box wrote its last receipt, of those whose time can be believed."""
    times = (link.time for link in links if link.plausible and link.time <= now + AHEAD)
    return max(times, default=None)


def silence(heard: datetime | None, now: datetime, days: int) -> Iterator[BoxProblem]:
    """Yield that a box was not heard of for more than `days` days."""
    if heard is None:
        yield BoxProblem("silent", "no receipt with a time that can be believed")
    elif now - heard > timedelta(days=days):
        ago = (now - heard).days
        yield BoxProblem("silent", f"for {ago} days, since {heard:%F}")


def foreign_keys(own: BoxHistory, others: Sequence[BoxHistory]) -> Iterator[BoxProblem]:
    """Yield that receipts in the name of a box are signed by other keys than its own."""
    for history in others:
        links = history.in_order()
        number, key = links[0].counter, history.key[:12]
        words = f"from number {number} on, {len(links)} receipts are signed by key {key}"
        yield BoxProblem("key", f"{words}, not by {own.key[:12]}: they count for nothing")
