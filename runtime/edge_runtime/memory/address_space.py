"""How many bytes this process may map, which `ulimit -v` limits.

On the cold path of `edge-run`.
"""

from __future__ import annotations

from math import inf


def address_space() -> float:
    """Return how many bytes this process may map, infinity where nothing limits it."""
    try:
        import resource
    except ImportError:  # Windows, which has no such limit
        return inf
    limit: int = resource.getrlimit(resource.RLIMIT_AS)[0]
    return inf if limit == resource.RLIM_INFINITY else limit
