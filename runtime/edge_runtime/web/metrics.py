"""What a page has done, counted, in the text format of Prometheus; no name of a film or a user."""

from __future__ import annotations

from collections import Counter
from time import monotonic

_BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper ends in seconds of the classes that the times of requests are counted in."""


class PageMetrics:
    """Numbers since the page was started; they are touched on the event loop alone."""

    def __init__(self, routes: frozenset[str] = frozenset()) -> None:
        """Count requests by the `routes` that there are; all others are one."""
        self._routes = routes
        self._started = monotonic()
        self._requests = Counter[tuple[str, int]]()
        self._films = Counter[tuple[str, str]]()
        self._milliseconds = 0.0
        self._logins = Counter[str]()
        self._below = Counter[float]()
        self._seconds = 0.0

    def know(self, routes: frozenset[str]) -> None:
        """Name the routes that are counted one by one."""
        self._routes = routes

    def request(self, path: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        self._requests[path if path in self._routes else "other", status] += 1
        self._seconds += seconds
        for bound in _BOUNDS:
            self._below[bound] += seconds <= bound

    def film(self, status: str, refusal: str, milliseconds: float) -> None:
        """Count a film by the status of its answer and the reason of its refusal."""
        self._films[status, refusal] += 1
        self._milliseconds += milliseconds

    def login(self, outcome: str) -> None:
        """Count a login: `ok`, `wrong` or `limited`."""
        self._logins[outcome] += 1

    def text(self, *, waiting: int) -> str:
        """Return all of it; `waiting` requests wait for a place."""
        count = sum(self._requests.values())
        rows = [
            *_head("edge_run_requests_total", "counter", "Requests by route and status."),
            *(
                f'edge_run_requests_total{{route="{route}",status="{status}"}} {number}'
                for (route, status), number in sorted(self._requests.items())
            ),
            *_head("edge_run_request_seconds", "histogram", "Time until a request was answered."),
            *(f'edge_run_request_seconds_bucket{{le="{b}"}} {self._below[b]}' for b in _BOUNDS),
            f'edge_run_request_seconds_bucket{{le="+Inf"}} {count}',
            f"edge_run_request_seconds_sum {self._seconds:.6f}",
            f"edge_run_request_seconds_count {count}",
            *_head("edge_run_films_total", "counter", "Films by status and reason of refusal."),
            *(
                f'edge_run_films_total{{status="{status}",refusal="{reason}"}} {number}'
                for (status, reason), number in sorted(self._films.items())
            ),
            *_head("edge_run_film_seconds_total", "counter", "Time for reading and judging films."),
            f"edge_run_film_seconds_total {self._milliseconds / 1000:.6f}",
            *_head("edge_run_logins_total", "counter", "Logins by their outcome."),
            *(
                f'edge_run_logins_total{{outcome="{outcome}"}} {number}'
                for outcome, number in sorted(self._logins.items())
            ),
            *_head("edge_run_waiting", "gauge", "Requests that wait for a place."),
            f"edge_run_waiting {waiting}",
            *_head("edge_run_up_seconds", "gauge", "Time since the page was started."),
            f"edge_run_up_seconds {monotonic() - self._started:.3f}",
        ]
        return "\n".join(rows) + "\n"


def _head(name: str, kind: str, words: str) -> tuple[str, str]:
    return f"# HELP {name} {words}", f"# TYPE {name} {kind}"
