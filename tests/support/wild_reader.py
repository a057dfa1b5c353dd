"""A process that reads films like the runtime's own, but does what the name of a film tells it.

It stands in for a decoder that a film breaks.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge_runtime.film import preprocess
from edge_runtime.film.preprocess import film_pixels
from edge_runtime.isolation import worker
from edge_runtime.memory.reserve import reserve

COMMAND = [sys.executable, __file__]


def spin() -> None:
    """Work for ever."""
    while True:
        pass


def crash() -> None:
    """End as a decoder does that reads beyond its memory."""
    os.kill(os.getpid(), signal.SIGSEGV)


def killed() -> None:
    """End as a process does that the system ends."""
    os.kill(os.getpid(), signal.SIGKILL)


def ended() -> None:
    """End as a process does that a person ends."""
    os.kill(os.getpid(), signal.SIGTERM)


def eat() -> None:
    """Take more memory than a film may."""
    bytes(1 << 40)


def write() -> None:
    """Write a file, which the error of the system makes a film error."""
    with Path(os.environ["WILD_FILE"]).open("wb") as stream:
        stream.write(bytes(1 << 16))


DEEDS: dict[str, Callable[[], object]] = {
    "crash": crash,
    "eat": eat,
    "ended": ended,
    "exit": lambda: os._exit(3),
    "killed": killed,
    "large": lambda: reserve(1 << 30),
    "sleep": lambda: time.sleep(600),
    "spin": spin,
    "write": write,
}


def decode(stream: Any, subject: str, *arguments: Any) -> Any:
    """Do what the film is called, then decode it."""
    if deed := DEEDS.get(Path(subject).stem):
        deed()
    return decoded(stream, subject, *arguments)


def read(film: Any, *arguments: Any) -> bytes:
    """Return the pixels of a film, and too few of them where it is called so."""
    pixels = film_pixels(film, *arguments)
    return pixels[:-1] if Path(film).stem == "short" else pixels


if __name__ == "__main__":
    decoded = vars(preprocess)["decode"]
    vars(preprocess)["decode"] = decode
    vars(worker)["film_pixels"] = read
    worker.main()
