"""What a film's file may cost before any decoder runs: each limit, and the real films behind it.

A decoder takes time and memory by what the structure of a file says: scans, chunks, tiles, items.
The modules that read a structure compare it with these numbers, and refuse with `too_large` or
`unreadable` what goes beyond. No real film under test comes near: the factor in hand stands beside
each limit.
"""

from __future__ import annotations
