"""A process that scores parts: `python -m edge_kit.scoring.worker BOARD`.

It takes tasks from stdin and answers to stdout. It ends with the process that started it, in the
middle of a film: whoever resumes does not meet it.
"""

from __future__ import annotations

import os
import signal
import sys
import warnings
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, BinaryIO

from edge_kit.scoring.board import Board
from edge_kit.scoring.scorer import Scorer, part_of
from edge_runtime.errors import EdgeError
from edge_runtime.isolation.messages import Broken, receive, send


def main(descriptor: int) -> None:
    """Carry out tasks until nobody gives any."""
    tasks, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):  # what a decoder or an engine writes goes nowhere
        os.dup2(nowhere, stream)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # which the driver is to handle
    warnings.simplefilter("ignore")
    queue = SimpleQueue[dict[str, Any]]()
    setup, _ = receive(tasks, 0)
    Thread(target=_listen, args=(tasks, queue), daemon=True).start()
    try:
        scorer = Scorer(setup["bundle"], setup["engine"], Board(descriptor))
        if scorer.identity != setup["identity"]:
            raise EdgeError(setup["bundle"], "is another bundle than the driver's", "copy it anew")
    except EdgeError as error:
        send(answers, told(error))
        return
    send(answers, {"kind": "ready"})
    while True:
        task = queue.get()
        try:
            done = scorer.score(
                part_of(task), Path(setup["results"]), setup["manifest"], set(task["killers"])
            )
        except EdgeError as error:
            done = told(error)
        send(answers, done)


def told(error: EdgeError) -> dict[str, Any]:
    """Return an error as a message."""
    words = [error.subject, error.problem, error.cure]
    return {"kind": type(error).__name__, "words": words}


def _listen(tasks: BinaryIO, queue: SimpleQueue[dict[str, Any]]) -> None:
    """Pass tasks on, and end this process once nobody is there to give any."""
    while True:
        try:
            message, _ = receive(tasks, 0)
        except Broken:
            os._exit(1)
        queue.put(message)


if __name__ == "__main__":
    main(int(sys.argv[1]))
