"""Films judged for requests: places for them, threads that wait for processes, what is kept."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import TYPE_CHECKING

from PIL import PngImagePlugin  # noqa: F401 - to save as PNG

from edge_runtime.answer.batch import processors
from edge_runtime.answer.classifier import Classifier
from edge_runtime.answer.rows import fields_of
from edge_runtime.bundle.digest import sha256
from edge_runtime.film.source import SourceFile
from edge_runtime.web.body import declared_length, read_body, refuse_longer
from edge_runtime.web.model import card
from edge_runtime.web.places import FilmPlaces

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Self, TypeVar

    from PIL import Image
    from starlette.requests import Request

    from edge_runtime.answer.classify import Answer
    from edge_runtime.bundle import Bundle
    from edge_runtime.web.settings import Settings

    Result = TypeVar("Result")

VIEW_SIDE = 1600
"""The most pixels along a side of a film that is shown."""
_FOR_A_PROCESS = 80 << 20  # bytes of `Settings.memory`
_AT_ONCE = 32  # films that come or are judged
_WAITING = 256  # requests that wait for a place
_PATIENCE = 20.0  # seconds that a request waits for a place


class FilmService:
    """One bundle that judges the films of requests, within `settings.memory`."""

    def __init__(
        self,
        bundle: str | None,
        settings: Settings,
        engine: str = "auto",
        *,
        require_signature: bool = False,
    ) -> None:
        """Open the bundle, or the default one, and its first engine.

        Raises:
            EdgeError: as `Classifier` does.
        """
        self._settings = settings
        # Each process keeps memory of its own, so that few have room where there is little.
        count = min(processors(), max(1, settings.memory // _FOR_A_PROCESS))
        self.classifier = Classifier(
            bundle, engine=engine, engines=count, isolated=True, memory=settings.for_pixels,
            require_signature=require_signature,
        )  # fmt: skip
        self.places = FilmPlaces(_AT_ONCE, settings.for_bodies, _WAITING, _PATIENCE)
        # While processes read some films, engines judge as many.
        self._threads = ThreadPoolExecutor(2 * count, thread_name_prefix="film")
        self._maps = ThreadPoolExecutor(1, thread_name_prefix="map")
        self.card = card(self.classifier.bundle)  # which may be replaced on the disk meanwhile
        self._fields = fields_of(self.classifier.bundle, self.classifier.engine)

    @property
    def largest(self) -> int:
        """The most bytes that a film may have."""
        return self._settings.largest

    @property
    def bundle(self) -> Bundle:
        """The bundle that answers."""
        return self.classifier.bundle

    async def judged(self, request: Request) -> tuple[Answer, bytes]:
        """Return the answer for the film in the body of a request, and the film.

        Raises:
            Problem: the body cannot be had.
        """
        return await self._with_film(request, self._judge, self._threads)

    async def pixels(self, request: Request) -> bytes:
        """Return the film of a request as the network sees it, as PNG.

        Raises:
            Problem: the body cannot be had.
            FilmError: the film cannot be judged.
        """

        def work(film: bytes) -> bytes:
            return _png(self.classifier.pixels(film))

        return await self._with_film(request, work, self._threads)

    async def view(self, request: Request) -> bytes:
        """Return the film of a request for people, as PNG.

        Raises:
            Problem, FilmError: as `pixels` does.
        """

        def work(film: bytes) -> bytes:
            return _png(self.classifier.view(film, VIEW_SIDE))

        return await self._with_film(request, work, self._threads)

    async def heatmap(self, request: Request) -> bytes:
        """Return what the answer depends on, as PNG to lie over `pixels`; one map is made at once.

        Raises:
            Problem, FilmError: as `pixels` does.
        """

        def work(film: bytes) -> bytes:
            return _png(self.classifier.heatmap(film))

        return await self._with_film(request, work, self._maps)

    def row(self, answer: Answer, name: str, film: bytes) -> dict[str, Any]:
        """Return an answer by the keys of `edge-run classify --format json`."""
        answer.file = name
        answer.source = SourceFile(digested=True)
        answer.source.bytes, answer.source.sha256 = len(film), sha256(film)
        return {**self._fields(answer), "place": None}

    async def _with_film(
        self, request: Request, work: Callable[[bytes], Result], threads: ThreadPoolExecutor
    ) -> Result:
        most = self._settings.largest
        refuse_longer(request, most)
        async with self.places.place(declared_length(request) or 0) as held:
            film = await read_body(request, most, held)
            return await asyncio.get_running_loop().run_in_executor(threads, work, film)

    def _judge(self, film: bytes) -> tuple[Answer, bytes]:
        return self.classifier.classify(film), film

    def close(self) -> None:
        """End the processes and free the engines; films in work are not waited for."""
        for threads in (self._threads, self._maps):
            threads.shutdown(wait=False, cancel_futures=True)
        self.classifier.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _png(image: Image.Image) -> bytes:
    stream = BytesIO()
    image.save(stream, "PNG", compress_level=1)
    return stream.getvalue()
