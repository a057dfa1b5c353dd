"""Who has logged in: secrets in cookies, known here by their hash, until they expire.

They are kept in memory alone: whoever restarts the page logs everybody out.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from edge_runtime.web.passwords import fingerprint, new_token

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST = 12 * 3600.0
"""Seconds after which a session ends."""
IDLE = 3600.0
"""Seconds without a request after which a session ends."""
_MOST = 1000  # sessions; the one that was used last the longest ago gives way


@dataclass(slots=True)
class _Session:
    user: str
    proof: str
    begun: float
    used: float


class Sessions:
    """The sessions of one page."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._sessions: dict[str, _Session] = {}

    def begin(self, user: str, proof: str) -> str:
        """Return the secret of a new session; it is valid while `proof` is that of `user`."""
        now = self._clock()
        self._forget_old(now)
        while len(self._sessions) >= _MOST:
            oldest = min(self._sessions, key=lambda key: self._sessions[key].used)
            del self._sessions[oldest]
        secret = new_token()
        self._sessions[fingerprint(secret)] = _Session(user, proof, now, now)
        return secret

    def user_of(self, secret: str, proof_of: Callable[[str], str | None]) -> str | None:
        """Return whose session it is, if it is one; `proof_of` tells what holds of a user now."""
        now, key = self._clock(), fingerprint(secret)
        session = self._sessions.get(key)
        if session is None:
            return None
        if self._is_over(session, now) or proof_of(session.user) != session.proof:
            del self._sessions[key]
            return None
        session.used = now
        return session.user

    def end(self, secret: str) -> None:
        """End a session; its secret is worth nothing from now on."""
        self._sessions.pop(fingerprint(secret), None)

    def _forget_old(self, now: float) -> None:
        over = [key for key, session in self._sessions.items() if self._is_over(session, now)]
        for key in over:
            del self._sessions[key]

    @staticmethod
    def _is_over(session: _Session, now: float) -> bool:
        return now - session.begun > LONGEST or now - session.used > IDLE
