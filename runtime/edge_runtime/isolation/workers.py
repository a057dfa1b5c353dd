"""Films read by several processes: one that a film breaks is replaced, and the others go on."""

from __future__ import annotations

import os
from threading import Condition, Event, Thread
from typing import TYPE_CHECKING, Any, TypeVar

from PIL import Image

from edge_runtime.errors import REFUSALS, FilmError, MachineLacks, Refusal
from edge_runtime.film.preprocess import film_pixels
from edge_runtime.film.refuse import unreadable
from edge_runtime.isolation.limits import Limits
from edge_runtime.isolation.messages import Broken
from edge_runtime.isolation.process import Process
from edge_runtime.isolation.worker import OUT_OF_MEMORY

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from edge_runtime.bundle.manifest import Manifest
    from edge_runtime.film.preprocess import FilmInput
    from edge_runtime.film.source import SourceFile

Read = TypeVar("Read")
"""What is made of an answer."""

_LOOK = 0.5  # seconds between two looks at the clock
_CLOSE_OTHERS = "close other programs, and try again"


class Workers:
    """Up to `most` processes that read films for one bundle, from any number of threads."""

    def __init__(self, manifest: Manifest, most: int, limits: Limits | None = None) -> None:
        """Start nothing yet: a process is started when a film finds none that is idle."""
        self.preprocess, self._use = manifest.preprocess, manifest.intended_use
        self._setup = {"preprocess": self.preprocess.to_json(), "use": self._use.to_json()}
        self._limits = limits or Limits.of(self.preprocess)
        self._most = most
        self._idle: list[Process] = []
        self._busy: set[Process] = set()
        self._starting = 0
        self._changed = Condition()  # guards the three above, and whether they are watched
        self._closed = Event()
        self._watched = False

    def pixels(
        self,
        film: FilmInput,
        name: str,
        warn: Callable[[str], object] = str,
        source: SourceFile | None = None,
    ) -> bytes:
        """Return what `film_pixels` returns for `film`, which errors call `name`.

        A picture that the caller has decoded is not read again, and goes through this process.

        Raises:
            FilmError, Refusal: as `film_pixels` does, and where the film breaks a limit.
        """
        if isinstance(film, Image.Image):
            return film_pixels(film, self.preprocess, self._use, warn)
        request, data = _request(film, name, source)

        def read(answer: dict[str, Any], pixels: bytes) -> bytes:
            if source is not None:
                source.adopt(answer.get("source"))
            expected = self.preprocess.width * self.preprocess.height * self.preprocess.channels
            if answer.get("kind") == "pixels" and len(pixels) == expected:
                return pixels
            raise self._error(answer, name)

        answer, pixels = self._answered(request, data, name, read)
        for warning in answer.get("warnings", []):
            warn(str(warning))
        return pixels

    def view(self, film: bytes, side: int) -> Image.Image:
        """Return what `film_view` returns for the encoded picture `film`.

        Raises:
            FilmError, Refusal: as `pixels` does.
        """
        name = "image in memory"

        def read(answer: dict[str, Any], pixels: bytes) -> Image.Image:
            size = answer.get("size")
            if answer.get("kind") == "view" and isinstance(size, list) and len(size) == 2:
                width, height = size
                if _is_size(width, height, side, len(pixels)):
                    return Image.frombytes("L", (width, height), pixels)
            raise self._error(answer, name)

        request: dict[str, object] = {"path": None, "digested": False, "view": side}
        return self._answered(request, film, name, read)[1]

    def _answered(
        self,
        request: dict[str, object],
        data: bytes,
        name: str,
        read: Callable[[dict[str, Any], bytes], Read],
    ) -> tuple[dict[str, Any], Read]:
        """Return the answer of a process to `request`, and what `read` makes of it."""
        process = self._take(name)
        try:
            answer, pixels = process.ask(request, data)
            found = read(answer, pixels)
        except Broken:
            problem, blamed = process.how_it_ended()
            self._give_back(process, usable=False)
            if not blamed:  # with a cause, so that it is tried once more, alone
                raise MachineLacks(name, problem, _CLOSE_OTHERS) from MemoryError()
            raise unreadable(name, problem) from None
        except FilmError:
            self._give_back(process, usable=True)
            raise
        except BaseException:  # it may still be answering
            self._give_back(process, usable=False)
            raise
        self._give_back(process, usable=True)
        return answer, found

    def _error(self, answer: dict[str, Any], name: str) -> FilmError:
        """Return the error that an answer tells of.

        Raises:
            Broken: it is of no known kind.
        """
        kind, reason = answer.get("kind"), answer.get("reason")
        problem, cure = str(answer.get("problem", "")), str(answer.get("cure", ""))
        if kind == "Refusal" and reason in REFUSALS:
            return Refusal(str(reason), name, problem, cure)
        if kind == OUT_OF_MEMORY:
            problem = f"takes more than {self._limits.memory >> 20} MiB to read"
            return Refusal("too_large", name, problem, "export the film at a lower resolution")
        if kind in ("FilmError", "MachineLacks"):
            return (MachineLacks if kind == "MachineLacks" else FilmError)(name, problem, cure)
        raise Broken("an answer of no known kind")

    def _take(self, name: str) -> Process:
        """Return an idle process, or a new one; wait where there are as many as may be."""
        with self._changed:
            if self._closed.is_set():
                raise ValueError("the processes that read films were told to end")
            while not self._idle and len(self._busy) + self._starting >= self._most:
                self._changed.wait()
            while self._idle:
                process = self._idle.pop()
                if process.is_alive():
                    self._busy.add(process)
                    return process
                process.close()  # it was ended while nothing was asked of it
            self._starting += 1
        started = None
        try:
            self._be_watched()
            started = Process(self._setup, self._limits)
            return started
        except (OSError, RuntimeError, Broken) as error:  # no process, no thread
            problem = f"no process can be started to read it ({error})"
            raise MachineLacks(name, problem, _CLOSE_OTHERS) from None
        finally:
            with self._changed:
                self._starting -= 1
                self._busy.update([started] if started else [])
                self._changed.notify()

    def _give_back(self, process: Process, *, usable: bool) -> None:
        with self._changed:
            self._busy.discard(process)
            usable = usable and not self._closed.is_set()
            if usable:
                self._idle.append(process)
            self._changed.notify()
        if not usable:
            process.close()

    def _be_watched(self) -> None:
        """Start the thread that looks at the clock, once there is something to look at.

        Raises:
            RuntimeError: the machine starts no thread.
        """
        with self._changed:
            if not self._watched:
                Thread(target=self._watch, daemon=True).start()
            self._watched = True

    def _watch(self) -> None:
        """End each process whose answer takes too long."""
        while not self._closed.wait(_LOOK):
            with self._changed:
                busy = list(self._busy)
            for process in busy:
                process.end_if_overdue()

    def close(self) -> None:
        """Let the idle processes end now, and the others once they have answered."""
        with self._changed:
            self._closed.set()
            idle, self._idle = self._idle, []
        for process in idle:
            process.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _request(
    film: str | os.PathLike[str] | bytes, name: str, source: SourceFile | None
) -> tuple[dict[str, object], bytes]:
    """Return the request for a film, and the bytes that belong to it.

    Raises:
        FilmError: its path is one from a folder that is no more.
    """
    if isinstance(film, bytes):
        return {"path": None, "digested": False}, film
    digested = source is not None and source.digested
    try:
        path = os.path.abspath(film)  # noqa: PTH100
    except OSError as error:
        problem = error.strerror or str(error)
        raise FilmError(name, problem, "check the path, the disk and the rights") from error
    return {"path": path, "digested": digested}, b""


def _is_size(width: object, height: object, most: int, pixels: int) -> bool:
    """Tell whether `width` and `height` are those of so many grey pixels."""
    if type(width) is not int or type(height) is not int:
        return False
    return 0 < width <= most and 0 < height <= most and width * height == pixels
