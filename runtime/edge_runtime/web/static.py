"""The files of the page, read once: what is no file of it has no address."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from edge_runtime.bundle.digest import sha256
from edge_runtime.web.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.resources.abc import Traversable

    from starlette.requests import Request

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
INDEX, LOGIN = "index.html", "login.html"
FOLDERS = ("static", "languages")


class Static:
    """The files of the page by their addresses."""

    def __init__(self, root: Traversable | None = None) -> None:
        """Read all that lies in the folders `FOLDERS` of `root`, by default those of this room."""
        root = root or files("edge_runtime.web")
        self._found: dict[str, tuple[bytes, str]] = {}
        for folder in FOLDERS:
            self._read(root / folder, folder)

    def _read(self, folder: Traversable, path: str) -> None:
        if not folder.is_dir():
            return
        for entry in folder.iterdir():
            place = f"{path}/{entry.name}"
            kind = _TYPES.get(entry.name[entry.name.rfind(".") :])
            if entry.is_dir():
                self._read(entry, place)
            elif kind:
                self._found[place] = entry.read_bytes(), kind

    def routes(self, needs_login: Callable[[Request], bool]) -> list[Route]:
        """Return the routes of the page; `needs_login` tells who gets the page of the login."""

        async def index(request: Request) -> Response:
            name = LOGIN if needs_login(request) else INDEX
            return self._answer(request, f"static/{name}", no_store=True)

        async def login(request: Request) -> Response:
            return self._answer(request, f"static/{LOGIN}", no_store=True)

        async def one_file(request: Request) -> Response:
            return self._answer(request, request.scope["path"].lstrip("/"))

        return [
            Route("/", index),
            Route("/login", login, methods=["GET"]),
            *(Route(f"/{folder}/{{path:path}}", one_file) for folder in FOLDERS),
        ]

    def _answer(self, request: Request, place: str, *, no_store: bool = False) -> Response:
        found = self._found.get(place)
        if found is None:
            raise Problem(404, "not_found", "nothing is here")
        data, kind = found
        tag = f'"{sha256(data)[:32]}"'
        headers = {"ETag": tag, "Cache-Control": "no-store" if no_store else "no-cache"}
        if not no_store and request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(data, media_type=kind, headers=headers)
