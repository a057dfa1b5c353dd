"""Films judged for requests: places for them, threads that wait for processes, what is kept."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple

from PIL import PngImagePlugin  # noqa: F401 - to save as PNG

from edge_runtime.answer.batch import processors
from edge_runtime.answer.classifier import Classifier
from edge_runtime.answer.in_use import ModelInUse
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


class JudgedFilm(NamedTuple):
    """An answer, the film, and the classifier whose answer it is."""

    answer: Answer
    film: bytes
    by: Classifier


class FilmService:
    """One bundle that judges the films of requests, within `settings.memory`.

    A store of installed models is one whose bundle may be another one for the next film.
    """

    def __init__(
        self,
        bundle: str | None,
        settings: Settings,
        engine: str = "auto",
        say: Callable[[str], None] | None = None,
        *,
        require_signature: bool = False,
    ) -> None:
        """Open the bundle, or the default one, and its first engine; `say` takes lines for people.

        Raises:
            EdgeError: as `Classifier` does.
        """
        self._settings = settings
        # Each process keeps memory of its own, so that few have room where there is little.
        count = min(processors(), max(1, settings.memory // _FOR_A_PROCESS))
        self.model = ModelInUse(
            bundle,
            lambda path: Classifier(
                path, engine=engine, engines=count, isolated=True, memory=settings.for_pixels,
                require_signature=require_signature,
            ),
            say or (lambda _: None),
        )  # fmt: skip
        self.places = FilmPlaces(_AT_ONCE, settings.for_bodies, _WAITING, _PATIENCE)
        # While processes read some films, engines judge as many.
        self._threads = ThreadPoolExecutor(2 * count, thread_name_prefix="film")
        self._maps = ThreadPoolExecutor(1, thread_name_prefix="map")
        self._card = (self.bundle, card(self.bundle))  # may be replaced on the disk meanwhile

    @property
    def largest(self) -> int:
        """The most bytes that a film may have."""
        return self._settings.largest

    @property
    def classifier(self) -> Classifier:
        """What answers now; the next film may be answered by a newer one."""
        return self.model.current

    @property
    def bundle(self) -> Bundle:
        """The bundle that answers now."""
        return self.classifier.bundle

    @property
    def card(self) -> str:
        """The card of that bundle."""
        bundle = self.bundle
        if self._card[0] is not bundle:
            self._card = (bundle, card(bundle))
        return self._card[1]

    async def judged(self, request: Request) -> JudgedFilm:
        """Return the answer for the film in the body of a request, and whose answer it is.

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
            with self.model.lease() as classifier:
                return _png(classifier.pixels(film))

        return await self._with_film(request, work, self._threads)

    async def view(self, request: Request) -> bytes:
        """Return the film of a request for people, as PNG.

        Raises:
            Problem, FilmError: as `pixels` does.
        """

        def work(film: bytes) -> bytes:
            with self.model.lease() as classifier:
                return _png(classifier.view(film, VIEW_SIDE))

        return await self._with_film(request, work, self._threads)

    async def heatmap(self, request: Request) -> bytes:
        """Return what the answer depends on, as PNG to lie over `pixels`; one map is made at once.

        Raises:
            Problem, FilmError: as `pixels` does.
        """

        def work(film: bytes) -> bytes:
            with self.model.lease() as classifier:
                return _png(classifier.heatmap(film))

        return await self._with_film(request, work, self._maps)

    def row(self, judged: JudgedFilm, name: str) -> dict[str, Any]:
        """Return an answer by the keys of `edge-run classify --format json`."""
        answer, film, by = judged
        answer.file = name
        answer.source = SourceFile(digested=True)
        answer.source.bytes, answer.source.sha256 = len(film), sha256(film)
        return {**fields_of(by.bundle, by.engine)(answer), "place": None}

    async def _with_film(
        self, request: Request, work: Callable[[bytes], Result], threads: ThreadPoolExecutor
    ) -> Result:
        most = self._settings.largest
        refuse_longer(request, most)
        async with self.places.place(declared_length(request) or 0) as held:
            film = await read_body(request, most, held)
            return await asyncio.get_running_loop().run_in_executor(threads, work, film)

    def _judge(self, film: bytes) -> JudgedFilm:
        with self.model.lease() as classifier:
            return JudgedFilm(classifier.classify(film), film, classifier)

    def close(self) -> None:
        """End the processes and free the engines; films in work are not waited for."""
        for threads in (self._threads, self._maps):
            threads.shutdown(wait=False, cancel_futures=True)
        self.model.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _png(image: Image.Image) -> bytes:
    stream = BytesIO()
    image.save(stream, "PNG", compress_level=1)
    return stream.getvalue()
