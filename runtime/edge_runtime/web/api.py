"""The answers for programs and for the page: one film in the body of each request."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from edge_runtime.errors import FilmError, Refusal
from edge_runtime.text import guarded_path, printable
from edge_runtime.web.model import RESEARCH_USE, health, model, model_name
from edge_runtime.web.openapi import description
from edge_runtime.web.problems import of_film

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from edge_runtime.web.films import FilmService
    from edge_runtime.web.keep import Keeper
    from edge_runtime.web.metrics import PageMetrics
    from edge_runtime.web.record import Recorder

UNNAMED = "film"
_LONGEST_NAME = 255  # characters


class Api:
    """Answers requests with the help of `films`."""

    def __init__(
        self,
        films: FilmService,
        metrics: PageMetrics,
        *,
        keeper: Keeper | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self._films = films
        self._metrics = metrics
        self._keeper, self._recorder = keeper, recorder

    def routes(self) -> list[Route]:
        """Return the routes of the API."""
        pictures = [
            Route(f"/api/{name}", self._picture(work), methods=["POST"])
            for name, work in (
                ("pixels", self._films.pixels),
                ("view", self._films.view),
                ("heatmap", self._films.heatmap),
            )
        ]
        return [
            Route("/api/classify", self.classify, methods=["POST"]),
            *pictures,
            Route("/health", self.health),
            Route("/metrics", self.metrics),
            Route("/model", self.model),
            Route("/card", self.card),
            Route("/openapi.json", self.openapi),
        ]

    async def classify(self, request: Request) -> Response:
        """Answer for one film, as `edge-run classify --format json` does."""
        name = film_name(request.headers.get("x-film-name", ""))
        judged = await self._films.judged(request)
        answer, film, by = judged
        row = self._films.row(judged, name)
        self._metrics.film(str(row["status"]), str(row["refusal"] or ""), answer.milliseconds)
        if self._recorder:
            await self._recorder.record(request, judged, str(row["sha256"]))
        error = answer.error
        if error and (not isinstance(error, Refusal) or error.reason == "unreadable"):
            raise of_film(error)
        if self._keeper:
            await self._keeper.keep(film, row)
        row["time"] = datetime.now(UTC).isoformat(timespec="milliseconds")
        row["model"] = model_name(by.bundle)
        row["research_use_only"] = RESEARCH_USE
        return JSONResponse(row)

    def _picture(
        self, work: Callable[[Request], Awaitable[bytes]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            try:
                return Response(await work(request), media_type="image/png")
            except FilmError as error:
                raise of_film(error) from None

        return answer

    async def _look(self) -> None:
        """Go over to a newer model, if there is one: a page that nobody sends films to shows it."""
        await asyncio.to_thread(self._films.model.latest)

    async def health(self, request: Request) -> Response:
        """Tell that the page works, and with what."""
        del request
        await self._look()
        return JSONResponse(health(self._films))

    async def model(self, request: Request) -> Response:
        """Tell what the bundle is, and for whom."""
        del request
        await self._look()
        return JSONResponse(model(self._films))

    async def card(self, request: Request) -> Response:
        """Return the card of the model, as its maker wrote it."""
        del request
        await self._look()
        return Response(self._films.card, media_type="text/markdown; charset=utf-8")

    async def metrics(self, request: Request) -> Response:
        """Return what was counted, for Prometheus."""
        del request
        text = self._metrics.text(waiting=self._films.places.waiting)
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    async def openapi(self, request: Request) -> Response:
        """Return the description of this API."""
        del request
        return JSONResponse(description(self._films.largest))


def film_name(encoded: str) -> str:
    """Return the name that a client gave a film, fit for a terminal and for a spreadsheet.

    It is sent percent-encoded, and goes nowhere but into the answer.
    """
    name = unquote(encoded[: 12 * _LONGEST_NAME]).replace("\\", "/").rpartition("/")[2]
    # Escaped once its folders are gone, for an escape begins with a backslash.
    return guarded_path(printable(name)[:_LONGEST_NAME]) or UNNAMED
