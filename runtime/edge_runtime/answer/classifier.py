"""The runtime as a library: one bundle, opened once, that answers from any thread."""

from __future__ import annotations

import os
from contextlib import contextmanager
from threading import Condition

from PIL import Image

from edge_runtime.answer.batch import processors
from edge_runtime.answer.classify import classify
from edge_runtime.answer.decide import widened
from edge_runtime.bundle import open_bundle
from edge_runtime.bundle.defaults import open_default
from edge_runtime.engines import EngineUnavailable, open_engine
from edge_runtime.errors import FilmError, NoEngine, UsageError
from edge_runtime.film.preprocess import film_pixels
from edge_runtime.film.view import film_view
from edge_runtime.memory.budget import MemoryBudget
from edge_runtime.trust import verify_bundle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType
    from typing import Self

    from edge_runtime.answer.classify import Answer
    from edge_runtime.bundle import Bundle
    from edge_runtime.bundle.manifest import Manifest
    from edge_runtime.bundle.records import Decision
    from edge_runtime.engines import Engine
    from edge_runtime.film.preprocess import FilmInput
    from edge_runtime.isolation.workers import Workers


_MAPPED = 192 << 20
"""Bytes of address space that a process maps before it has read a film, numpy among them."""


class Classifier:
    """A bundle ready to judge films, from any number of threads at once.

    >>> from edge_runtime import Classifier
    >>> with Classifier("covid.edge") as classifier:
    ...     answer = classifier.classify("film.png")
    >>> print(answer.status, answer.label, round(answer.probability, 2))
    ok covid 0.62

    Each call has an engine to itself, of one thread, so that an answer does not depend on what else
    is running. Up to `engines` are opened, as calls overlap; more calls than that wait their turn.
    """

    def __init__(
        self,
        bundle: str | os.PathLike[str] | None = None,
        *,
        engine: str = "auto",
        engines: int | None = None,
        band: float = 0.0,
        isolated: bool = False,
        memory: int | None = None,
        require_signature: bool = False,
    ) -> None:
        """Open `bundle`, or the default one, and its first engine.

        `engine` is a key of `edge_runtime.engines.ENGINES`, or `auto`; `engines` is the most that
        are opened, by default as many as there are processors; `band` widens the uncertain band to
        at least that probability on each side of the threshold. Where it is `isolated`, films
        are read in processes that have limits of memory and time: for those from a network.
        `memory` is what all films may take between them while they are decoded, in bytes, by
        default half of what is free; an isolated one that takes more is refused as `too_large`.
        `require_signature` takes no bundle but one that keys signed which this machine trusts.

        Raises:
            UsageError: no engine or no default bundle is called so, or a number is out of range.
            NotABundle, IntegrityError: the bundle is none, or not as it was written, or signed.
            NoEngine: nothing on this machine can run it.
        """
        self._most = processors() if engines is None else engines
        if self._most < 1:
            raise UsageError("engines", f"{engines} are too few to run anything", "give 1 or more")
        self._bundle = open_default() if bundle is None else open_bundle(bundle)
        verify_bundle(self._bundle, required=require_signature)
        self._decision = widened(self._bundle.manifest.decision, band)
        first = open_engine(self._bundle, engine)
        self._engine = first.name
        self._free = [first]
        self._opened = 1
        self._closed = False
        self._memory = MemoryBudget(memory)
        self._workers = _workers(self._bundle.manifest, self._most, memory) if isolated else None
        self._changed = Condition()  # guards the engines

    @property
    def manifest(self) -> Manifest:
        """What the bundle says of itself: intended use, classes, threshold and more."""
        return self._bundle.manifest

    @property
    def engine(self) -> str:
        """The key in `ENGINES` of what runs the graph."""
        return self._engine

    def classify(
        self,
        film: FilmInput,
        *,
        digested: bool = False,
        seen: Callable[[bytes], None] | None = None,
    ) -> Answer:
        """Return the answer for `film`: a path, an encoded image in memory, or a Pillow image.

        A film that cannot be judged raises nothing: its answer has a `status` other than `ok` and
        an `error` that tells why, so that one bad film does not stop a batch. Where it is to be
        `digested`, the answer's `source` has the SHA-256 of the film's file. `seen` is called with
        the pixels that the graph gets, if it comes as far as that.

        Raises:
            TypeError: `film` is none of these.
            ValueError: the classifier is closed.
        """
        if not isinstance(film, str | os.PathLike | bytes | Image.Image):
            kind = type(film).__name__
            raise TypeError(f"a film is a path, bytes or a Pillow image, and no {kind}")
        if self._workers:
            # An engine is borrowed for the pixels alone, so that it judges one film while the
            # processes read others.
            with self._memory.film():
                return classify(
                    *(film, self._bundle, _telling(_InTurn(self), seen)),
                    decision=self._decision,
                    digested=digested,
                    read=self._workers.pixels,
                )
        with self.borrowed() as engine, self._memory.film():
            decision = self._decision
            told = _telling(engine, seen)
            return classify(film, self._bundle, told, decision=decision, digested=digested)

    @property
    def bundle(self) -> Bundle:
        """The bundle that answers."""
        return self._bundle

    @property
    def decision(self) -> Decision:
        """What answers are decided by: the bundle's, with the band that was asked for."""
        return self._decision

    def pixels(self, film: bytes) -> Image.Image:
        """Return the encoded picture `film` as the graph takes it.

        Raises:
            FilmError, Refusal: it cannot be judged.
        """
        manifest = self._bundle.manifest
        recipe, name = manifest.preprocess, "image in memory"
        with self._memory.film():
            if self._workers:
                pixels = self._workers.pixels(film, name)
            else:
                pixels = film_pixels(film, recipe, manifest.intended_use)
        mode = "L" if recipe.channels == 1 else "RGB"
        return Image.frombytes(mode, (recipe.width, recipe.height), pixels)

    def view(self, film: bytes, side: int) -> Image.Image:
        """Return the encoded picture `film` for people: upright, grey, no side over `side` pixels.

        Raises:
            FilmError, Refusal: it cannot be read.
        """
        with self._memory.film():
            if self._workers:
                return self._workers.view(film, side)
            return film_view(film, self._bundle.manifest.preprocess, side)

    def heatmap(self, film: bytes) -> Image.Image:
        """Return what the answer for the encoded picture `film` depends on, as RGBA.

        It has the size of `pixels`, to lie over them; others are answered meanwhile.

        Raises:
            FilmError, Refusal: the film cannot be judged, or the engine failed.
        """
        from edge_runtime.answer.figure import draw_overlay
        from edge_runtime.answer.occlusion import occlusion

        pixels = self.pixels(film)
        try:
            found = occlusion(pixels, _InTurn(self))
        except EngineUnavailable as error:
            raise FilmError("image in memory", str(error), "try another --engine") from error
        return draw_overlay(found, pixels.size, self._decision)

    def close(self) -> None:
        """Free the engines and the bundle, once the calls that are running have their answer."""
        with self._changed:
            self._closed = True
            while self._free:
                self._free.pop().close()
            self._bundle.close()
            self._changed.notify_all()
        if self._workers:
            self._workers.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @contextmanager
    def borrowed(self) -> Iterator[Engine]:
        """Yield an engine that nothing else uses during the block."""
        engine = self._take()
        try:
            yield engine
        finally:
            with self._changed:
                if self._closed:
                    engine.close()
                else:
                    self._free.append(engine)
                    self._changed.notify()

    def _take(self) -> Engine:
        with self._changed:
            while True:
                if self._closed:
                    raise ValueError("the classifier is closed")
                if self._free:
                    return self._free.pop()
                if self._opened < self._most and (engine := self._another()):
                    return engine
                self._changed.wait()

    def _another(self) -> Engine | None:
        """Open one more engine; where there is no room for it, return nothing and open no more."""
        try:
            engine = open_engine(self._bundle, self._engine)
        except (NoEngine, MemoryError):
            self._most = self._opened
            return None
        self._opened += 1
        return engine


class _InTurn:
    """The first engine of a classifier that is free when it is asked."""

    def __init__(self, classifier: Classifier) -> None:
        self.name = classifier.engine
        self._classifier = classifier

    def logits(self, pixels: bytes) -> tuple[float, ...]:
        """Return what the engine answers, which nothing else uses meanwhile."""
        with self._classifier.borrowed() as engine:
            return engine.logits(pixels)

    def close(self) -> None:
        """Leave the engines to the classifier."""


class _Telling:
    """An engine that tells which pixels it gets."""

    def __init__(self, engine: Engine, seen: Callable[[bytes], None]) -> None:
        self.name = engine.name
        self._engine, self._seen = engine, seen

    def logits(self, pixels: bytes) -> tuple[float, ...]:
        """Return what the engine answers."""
        self._seen(pixels)
        return self._engine.logits(pixels)

    def close(self) -> None:
        """Leave the engine to its owner."""


def _telling(engine: Engine, seen: Callable[[bytes], None] | None) -> Engine:
    return _Telling(engine, seen) if seen else engine


def _workers(manifest: Manifest, most: int, memory: int | None) -> Workers:
    from edge_runtime.isolation.limits import Limits
    from edge_runtime.isolation.workers import Workers  # costs what `subprocess` does

    limits = Limits.of(manifest.preprocess)
    if memory is not None:
        limits.memory = min(limits.memory, _MAPPED + memory)
    return Workers(manifest, most, limits)
