"""How a page is served: for whom, with how much memory, and how long anybody is waited for."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from edge_runtime.memory.machine import available

PORT = 8417
LOOPBACK = "127.0.0.1"
_MIB = 1 << 20
_LEAST, _MOST = 160 * _MIB, 1024 * _MIB
_LARGEST_FILM = 128 * _MIB  # the largest that is read as DICOM, see `film.source.LARGEST`


@dataclass(frozen=True, slots=True)
class Settings:
    """What a page is served by.

    `login` tells whether a user or a token is asked for; `hosts` are the names that the page is
    called by beside those of this machine; `memory` is in bytes, for films in all their forms;
    `keep` is the folder that films and answers are kept in, where they are kept at all.
    """

    host: str = LOOPBACK
    port: int = PORT
    login: bool = False
    tls: bool = False
    hosts: tuple[str, ...] = ()
    memory: int = _LEAST
    keep: Path | None = None

    @property
    def for_bodies(self) -> int:
        """Bytes that all films may take as they came, before they are decoded."""
        return self.memory // 4

    @property
    def for_pixels(self) -> int:
        """Bytes that all films may take while they are decoded."""
        return self.memory // 2

    @property
    def largest(self) -> int:
        """The most bytes that one film may have."""
        return min(_LARGEST_FILM, self.for_bodies)


def memory_for_films() -> int:
    """Return what films may take of this machine's memory: a quarter of what is free."""
    free = available()
    return _LEAST if free is None else min(max(free // 4, _LEAST), _MOST)


def is_loopback(host: str) -> bool:
    """Tell whether nobody but this machine reaches what listens on `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
