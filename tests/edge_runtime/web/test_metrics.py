"""What is counted is in the format of Prometheus, and names no film and no user."""

from __future__ import annotations

import re

from asgi import Client
from edge_runtime.web.metrics import PageMetrics
from tiny_bundle import encoded, film_image

LINE = re.compile(r'[a-z_]+(\{[a-z]+="[^"\\]*"(,[a-z]+="[^"\\]*")*\})? [0-9.e+-]+')


def rows(text: str) -> dict[str, str]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(LINE.fullmatch(line) for line in lines)
    return dict(line.rsplit(" ", 1) for line in lines)


def test_requests_and_films_are_counted(page: Client) -> None:
    page.ask("/api/classify", encoded(film_image()), headers={"X-Film-Name": "Meyer.png"})
    page.ask("/api/classify", b"no film")
    page.ask("/Meyer.png")
    text = page.ask("/metrics").body.decode()
    found = rows(text)
    assert found['edge_run_requests_total{route="/api/classify",status="200"}'] == "1"
    assert found['edge_run_requests_total{route="/api/classify",status="422"}'] == "1"
    assert found['edge_run_requests_total{route="other",status="404"}'] == "1"
    assert found['edge_run_films_total{status="ok",refusal=""}'] == "1"
    assert found['edge_run_films_total{status="refused",refusal="unreadable"}'] == "1"
    assert "Meyer" not in text


def test_times_are_a_histogram() -> None:
    metrics = PageMetrics()
    for seconds in (0.01, 0.2, 99.0):
        metrics.request("/", 200, seconds)
    found = rows(metrics.text(waiting=2))
    name = "edge_run_request_seconds"
    assert found[f'{name}_bucket{{le="0.05"}}'] == "1"
    assert found[f'{name}_bucket{{le="0.25"}}'] == "2"
    assert found[f'{name}_bucket{{le="+Inf"}}'] == found[f"{name}_count"] == "3"
    assert found["edge_run_waiting"] == "2"
