"""A process that reads films for a classifier: `python -m edge_runtime.isolation.worker`.

It takes requests from stdin and answers to stdout, until stdin ends. What a decoder does to it ends
with it, and what a decoder writes goes nowhere.
"""

from __future__ import annotations

import os
import signal
import warnings
from contextlib import nullcontext

from edge_runtime.bundle.records import IntendedUse, Preprocess
from edge_runtime.errors import FilmError, MachineLacks, Refusal
from edge_runtime.film.preprocess import film_pixels
from edge_runtime.film.source import SourceFile
from edge_runtime.film.view import film_view
from edge_runtime.isolation.limits import Limits, allow, confine
from edge_runtime.isolation.messages import Broken, receive, send
from edge_runtime.memory.reserve import asking

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO

    from PIL import Image

OUT_OF_MEMORY = "OutOfMemory"
"""The kind of answer where a film breaks the limit of memory."""
SMALL = 16 << 20
"""Bytes that a process takes without asking."""
_MOST_FILE = 1 << 32  # bytes of a film in memory
_MOST_WORDS = 2000  # characters of a problem, which may quote a file


def main() -> None:
    """Answer requests until there are no more."""
    requests, answers = _pipes()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # which the classifier's process is to handle
    warnings.simplefilter("ignore")
    try:
        setup, _ = receive(requests, 0)
        reader = _Reader(setup, requests, answers)
        send(answers, {"kind": "ready"})
        while True:
            request, data = receive(requests, _MOST_FILE)
            send(answers, *reader.answer(request, data))
    except (Broken, MemoryError):  # nobody asks any more, or not even the answer has room
        os._exit(1)


def _pipes() -> tuple[BinaryIO, BinaryIO]:
    """Return stdin and stdout; what asks for them later gets nothing."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    return requests, answers


class _Reader:
    """Reads one film after another, each within the limits."""

    def __init__(self, setup: dict[str, Any], requests: BinaryIO, answers: BinaryIO) -> None:
        self._preprocess = Preprocess(**setup["preprocess"])
        self._use = IntendedUse(**setup["use"])
        self._limits = Limits.from_json(setup["limits"])
        self._requests, self._answers = requests, answers
        self._confined = confine(self._limits)

    def answer(self, request: dict[str, Any], data: bytes) -> tuple[dict[str, object], bytes]:
        """Return the answer to a request, and the pixels that belong to it."""
        allow(self._limits.processor)
        path = request["path"]
        source = None if path is None else SourceFile(digested=request["digested"])
        watch = source.watch if source else nullcontext
        heard: list[str] = []
        try:
            with asking(self._ask):
                film = data if path is None else path
                if side := request.get("view"):
                    return _viewed(film_view(film, self._preprocess, side))
                pixels = film_pixels(film, self._preprocess, self._use, heard.append, watch)
        except FilmError as error:
            return {**self._told(error), **_seen(source)}, b""
        return {"kind": "pixels", "warnings": heard, **_seen(source)}, pixels

    def _ask(self, size: int) -> None:
        """Let the classifier's process say when there is memory for the film.

        Most films are small, and asking takes as long as a part of their decoding.
        """
        if size <= SMALL:
            return
        send(self._answers, {"kind": "needs", "bytes": size})
        receive(self._requests, 0)

    def _told(self, error: FilmError) -> dict[str, object]:
        kind = type(error).__name__
        if isinstance(error, MachineLacks) and isinstance(error.__cause__, MemoryError):
            kind = OUT_OF_MEMORY if self._confined else kind
        reason = error.reason if isinstance(error, Refusal) else None
        words = {"problem": error.problem[:_MOST_WORDS], "cure": error.cure[:_MOST_WORDS]}
        return {"kind": kind, "reason": reason, **words}


def _viewed(view: Image.Image) -> tuple[dict[str, object], bytes]:
    """Return the answer that holds a film for people."""
    return {"kind": "view", "size": view.size}, view.tobytes()


def _seen(source: SourceFile | None) -> dict[str, object]:
    """Return what is known of the file that was read."""
    return {"source": source and [source.bytes, source.sha256, source.stamp]}


if __name__ == "__main__":
    main()
