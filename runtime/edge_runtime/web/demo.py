"""Generated films for a page that is shown: those that the bundle proves itself by, and no film."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from edge_runtime.bench.drawn import draw
from edge_runtime.web.problems import Problem

if TYPE_CHECKING:
    from starlette.requests import Request

    from edge_runtime.bundle import Bundle

_SIDE = 512  # pixels


class Demo:
    """Films that may be shown to anybody, for nobody was before the machine."""

    def __init__(self, bundle: Bundle) -> None:
        golden = bundle.manifest.golden.films
        self._films = {
            f"film-{number}.png": bytes(bundle.read(film.file))
            for number, film in enumerate(golden, 1)
        }
        stream = BytesIO()
        draw(_SIDE).save(stream, "PNG")
        self._films["no-film.png"] = stream.getvalue()

    def routes(self) -> list[Route]:
        """Return the routes of the demonstration."""
        return [Route("/demo", self.listing), Route("/demo/{name}", self.film)]

    async def listing(self, request: Request) -> Response:
        """List the films."""
        del request
        return JSONResponse(
            {"films": [{"name": name, "url": f"/demo/{name}"} for name in self._films]}
        )

    async def film(self, request: Request) -> Response:
        """Return one film."""
        found = self._films.get(request.path_params["name"])
        if found is None:
            raise Problem(404, "not_found", "no film of the demonstration has that name")
        return Response(found, media_type="image/png")
