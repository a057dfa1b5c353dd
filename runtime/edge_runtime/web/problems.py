"""Errors as `application/problem+json` (RFC 9457), with the reasons that the command names."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import Response

from edge_runtime.console import say
from edge_runtime.errors import MachineLacks, Refusal
from edge_runtime.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from edge_runtime.errors import FilmError

MEDIA_TYPE = "application/problem+json"
RETRY = 5
"""Seconds after which a request that found the page busy is worth another try."""

REASONS = (
    *("unreadable", "too_small", "too_large", "blank", "colour_photo"),
    *("wrong_modality", "wrong_body_part", "wrong_view", "outside_intended_use", "not_a_film"),
    *("busy", "slow", "machine_lacks", "engine_failed", "unexpected", "gone"),
    *("login_needed", "wrong_login", "locked_out", "cross_site", "wrong_host", "bad_request"),
    *("not_found", "wrong_method"),
)
"""What the key `reason` of a problem may be: those of refused films, and the page's own."""


class Problem(Exception):
    """What a request is answered by that has no other answer."""

    def __init__(
        self,
        status: int,
        reason: str,
        detail: str,
        cure: str = "",
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        if reason not in REASONS:
            raise ValueError(f"undocumented reason {reason!r}")
        super().__init__(detail)
        self.status, self.reason, self.detail, self.cure = status, reason, detail, cure
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """Return the problem as a document."""
        document = {
            "type": f"urn:edge-run:{self.reason}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": printable(self.detail),
            "reason": self.reason,
        }
        if self.cure:
            document["cure"] = printable(self.cure)
        return Response(
            json.dumps(document), self.status, media_type=MEDIA_TYPE, headers=self.headers
        )


def busy(detail: str) -> Problem:
    """Return the problem of a request that finds no place."""
    headers = {"Retry-After": str(RETRY)}
    return Problem(503, "busy", detail, "try again in some seconds", headers=headers)


def of_film(error: FilmError) -> Problem:
    """Return the problem of a film that has no answer; its name is not in it."""
    if isinstance(error, Refusal):
        return Problem(422, error.reason, error.problem, error.cure)
    if isinstance(error, MachineLacks):
        headers = {"Retry-After": str(RETRY)}
        return Problem(503, "machine_lacks", error.problem, error.cure, headers=headers)
    return Problem(500, "engine_failed", error.problem, error.cure)


async def answer_problem(request: Request, error: Exception) -> Response:
    """Return the answer for a `Problem`."""
    del request
    assert isinstance(error, Problem)  # noqa: S101 - it is registered for nothing else
    return error.response()


async def answer_http(request: Request, error: Exception) -> Response:
    """Return the answer where no route fits, or none of this method."""
    del request
    assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for nothing else
    if error.status_code == 405:
        headers = error.headers
        return Problem(405, "wrong_method", "not this method here", headers=headers).response()
    if error.status_code == 404:
        return Problem(404, "not_found", "nothing is here", "see /openapi.json").response()
    return Problem(error.status_code, "bad_request", error.detail).response()


async def answer_unexpected(request: Request, error: Exception) -> Response:
    """Return the answer for a mistake of ours; one line says where, and nothing of the film."""
    del request
    trace, place = error.__traceback__, ""
    while trace:
        code = trace.tb_frame.f_code
        if "edge_runtime" in code.co_filename:
            place = f" in {code.co_name}, line {trace.tb_lineno}"
        trace = trace.tb_next
    say(f"edge-run: the page failed at one request: {type(error).__name__}{place}")
    return Problem(500, "unexpected", "the page failed at this request").response()


async def answer_gone(request: Request, error: Exception) -> Response:
    """Return an answer that nobody reads: the client left before it had sent its film."""
    del request, error
    return Problem(400, "gone", "the film ended before its end").response()
