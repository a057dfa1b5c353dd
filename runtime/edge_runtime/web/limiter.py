"""Who guesses passwords is told to wait, before any hash is computed.

Failures are counted for a user at one address, for an address, for a user from anywhere, and in
all. A few failures cost nothing; beyond them each doubles the wait, up to a quarter of an hour. A
user who has a session is not touched by what others guess, nor is one who logs in from where this
user has before: there it does not count what others do elsewhere.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FREE = {"pair": 5, "address": 20, "user": 50, "all": 200}
"""Failures that cost no wait yet."""
_FIRST, _LONGEST = 30.0, 900.0  # seconds of a wait
_FORGIVEN = 1800.0  # seconds after the last failure
_MOST = 20_000  # counts that are kept; the oldest failure is forgotten first


class _Count:
    __slots__ = ("before", "failures", "last", "until")

    def __init__(self) -> None:
        self.failures, self.until = 0, 0.0
        self.last, self.before = 0.0, 0.0  # when the last failure was, and the one before it


class Limiter:
    """Counts failures to log in."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._counts: OrderedDict[tuple[str, ...], _Count] = OrderedDict()
        self._known: OrderedDict[tuple[str, ...], None] = OrderedDict()  # who has logged in, where

    def wait(self, user: str, address: str) -> float:
        """Return the seconds that this user at this address has to wait, 0 for none."""
        now = self._clock()
        pair, network, *elsewhere = _keys(user, address)
        keys = (pair, network) if pair in self._known else (pair, network, *elsewhere)
        found = (self._counts.get(key) for key in keys)
        return max(0.0, *(count.until - now if count else 0.0 for count in found))

    def failed(self, user: str, address: str) -> None:
        """Note a failure, or what is one until it is forgiven."""
        now = self._clock()
        for key in _keys(user, address):
            count = self._counts.pop(key, None)
            if count is None or now - count.last > _FORGIVEN:
                count = _Count()
            count.failures, count.before, count.last = count.failures + 1, count.last, now
            beyond = count.failures - FREE[key[0]]
            if beyond >= 0:
                count.until = now + min(_LONGEST, _FIRST * 2.0 ** min(beyond, 16))
            self._counts[key] = count
        while len(self._counts) > _MOST:
            self._counts.popitem(last=False)

    def forgive(self, user: str, address: str) -> None:
        """Take back a failure that was none, and forget what this user mistyped at this address.

        Its wait goes with it: who was let in had none before. So does its time, for counts would
        never end where somebody logs in every half an hour.
        """
        pair = next(_keys(user, address))
        for key in _keys(user, address):
            if count := self._counts.get(key):
                count.failures -= 1
                count.last, count.until = count.before, 0.0
        self._counts.pop(pair, None)
        self._known[pair] = None
        self._known.move_to_end(pair)
        if len(self._known) > _MOST:
            self._known.popitem(last=False)


def _keys(user: str, address: str) -> Iterator[tuple[str, ...]]:
    network = _network(address)
    yield "pair", user, network
    yield "address", network
    yield "user", user
    yield ("all",)


def _network(address: str) -> str:
    """Return what one machine can choose addresses of: in IPv6 the first 64 bits."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed.packed[:8] + bytes(8), 64)))
    return address
