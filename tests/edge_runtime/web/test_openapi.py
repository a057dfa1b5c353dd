"""What the page describes of itself is what it does, for requests that nobody has thought of."""

from __future__ import annotations

from typing import Any, cast

import hypothesis
import pytest
import schemathesis

from edge_runtime.web.app import application
from edge_runtime.web.films import FilmService
from edge_runtime.web.openapi import description
from edge_runtime.web.settings import Settings
from served import Served

SEED, EXAMPLES = 20260101, 25


def test_every_route_is_described(films: FilmService) -> None:
    from starlette.routing import Route

    app: Any = application(films, Settings())
    while not hasattr(app, "routes"):
        app = app._app
    own = {
        (route.path, method.lower())
        for route in app.routes
        if isinstance(route, Route) and "{" not in route.path
        for method in route.methods or ()
        if method != "HEAD"
    }
    pages = {("/", "get"), ("/login", "get")}
    told = {
        (path, method) for path, methods in description(1)["paths"].items() for method in methods
    }
    assert told == own - pages


@pytest.mark.slow
def test_the_page_does_what_it_describes(server: Served) -> None:
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi import checks

    schema = schemathesis.openapi.from_url(f"{server.url}openapi.json")
    looked_at = [
        not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_schema_conformance,
        checks.response_headers_conformance,
        checks.unsupported_method,
    ]
    found = set()
    for found_operation in schema.get_all_operations():
        operation = cast("Any", found_operation).ok()
        found.add(operation.path)

        @hypothesis.seed(SEED)
        @hypothesis.settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        @hypothesis.given(case=operation.as_strategy())
        def holds(case: Any) -> None:
            case.call_and_validate(checks=looked_at)

        holds()
    assert found == description(1)["paths"].keys() - {"/openapi.json"}  # which was asked first
