"""`edge-run watch`: films that come into a folder are answered, each once."""

from __future__ import annotations

import math
import os
import signal
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from edge_runtime.answer.batch import processors
from edge_runtime.answer.classifier import Classifier
from edge_runtime.answer.in_use import ModelInUse
from edge_runtime.commands import REQUIRE, open_named, threads_of
from edge_runtime.commands.classify import NOTICE
from edge_runtime.console import Terminated, say, silenced_stderr
from edge_runtime.errors import UsageError
from edge_runtime.tray.folder import TrayFolder
from edge_runtime.tray.session import TrayPlan
from edge_runtime.tray.watch import TrayWatch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

OPTIONS = ("audit=", "bundle=", "engine=", "quiet=", "threads=", "leave", "once", REQUIRE)
QUIET = 3.0
"""Seconds for which a film has to be quiet, unless told otherwise."""
USAGE = """\
usage: edge-run watch TRAY [--bundle B] [--audit FILE] [--quiet S] [--leave]

Answer for films as they come into the folder TRAY. A film is judged once it is
whole: quiet for some seconds, and its end seen. A film whose end is not seen is
judged after 20 times as long. Each gets a row in TRAY/results.csv, with the
columns of classify --format csv, and a file of JSON beside it, and goes to
done, refused or failed (not read) in TRAY. Names ending in .part, .tmp and the
like, and hidden ones, wait until they are renamed. Films are read in processes
with limits, as by classify --isolated. SIGTERM and Ctrl-C end it between two
films.

  --bundle B     the bundle; else the one that edge-run bundles shows in use
  --engine E     auto, litert, litert-python, tflite-runtime, onnxruntime
  --threads N    films at once; else one for each processor
  --audit FILE   write a line for each answer into an audit trail first (see
                 edge-run audit); where that cannot be, nothing is answered
  --quiet S      seconds for which a film has to be quiet, 3 unless told
  --leave        leave films where they are
  --once         end when no film is left
  --require-signature
                 take no bundle but one that a trusted key has signed

Exit status: 0 ok (--once), 2 usage, or another one watches TRAY, 3 not a
bundle, 4 integrity, 6 no engine, 10 cannot write (start it again when there is
room: it goes on where it was), 130/143 interrupted.
"""
_MOST_QUIET = 86_400.0  # seconds


def run(paths: list[str], options: dict[str, str]) -> int:
    """Watch a tray until a signal comes, or, where it is `once`, until no film is left."""
    if len(paths) != 1 or not paths[0]:
        raise UsageError("watch", "takes one tray", "name the folder that films come into")
    quiet, threads = _quiet(options), threads_of(options) or processors()
    with ExitStack() as stack:
        bundle = stack.enter_context(open_named(options.get("bundle"), options))
        folder = TrayFolder(Path(paths[0]))
        trail = None
        if "audit" in options:
            _require_outside(options["audit"], folder.root)
            from edge_runtime.audit_trail import AuditTrail

            trail = stack.enter_context(AuditTrail(options["audit"]))
        say(NOTICE)
        say(f"bundle: {bundle.path}")
        stack.enter_context(silenced_stderr())
        engine = options.get("engine", "auto")
        model = stack.enter_context(ModelInUse(
            options.get("bundle"),
            lambda path: Classifier(
                path, engine=engine, engines=threads, isolated=True,
                require_signature=REQUIRE in options,
            ),
            lambda line: say(f"edge-run: {line}"),
        ))  # fmt: skip
        plan = TrayPlan(
            **_judging(model.current), quiet=quiet, workers=2 * threads, leave="leave" in options,
            once="once" in options, trail=trail, renewed=lambda plan: _renewed(plan, model),
        )  # fmt: skip
        watch = TrayWatch(folder, plan, lambda line: say(f"edge-run: {line}"))
        with ending(watch.stop) as caught:
            try:
                watch.run()
            finally:
                say(f"edge-run: {watch}")
    if caught:
        raise caught[0]
    return 0


def _judging(classifier: Classifier) -> dict[str, Any]:
    """Return the part of a plan that depends on the model."""
    return {
        "judge": lambda film: classifier.classify(film, digested=True),
        "bundle": classifier.bundle,
        "engine": classifier.engine,
    }


def _renewed(plan: TrayPlan, model: ModelInUse) -> TrayPlan | None:
    """Return the plan for the model that is to answer, if that is not the one of `plan`."""
    classifier = model.latest()
    if classifier.bundle is plan.bundle:
        model.retire()
        return None
    return replace(plan, **_judging(classifier))


def _require_outside(audit: str, tray: Path) -> None:
    """Refuse a trail among the films, one of which it would be taken for.

    Raises:
        UsageError: it lies in the tray itself.
    """
    with suppress(OSError, ValueError):
        if Path(os.path.realpath(audit)).parent == tray.resolve():
            raise UsageError("--audit", "lies in the tray", "name a place outside it")


def _quiet(options: dict[str, str]) -> float:
    text = options.get("quiet", str(QUIET))
    with suppress(ValueError):
        seconds = float(text)
        if math.isfinite(seconds) and 0 < seconds <= _MOST_QUIET:
            return seconds
    raise UsageError("--quiet", f"{text!r} is no number of seconds", "give one above 0")


@contextmanager
def ending(stop: Callable[[], None]) -> Iterator[list[KeyboardInterrupt]]:
    """Let SIGTERM and Ctrl-C call `stop` inside the block, and yield what came."""
    caught: list[KeyboardInterrupt] = []

    def note(signum: int, frame: object) -> None:
        del frame
        caught.append(Terminated() if signum == signal.SIGTERM else KeyboardInterrupt())
        stop()

    before = {}
    with suppress(ValueError):  # not the main thread: a host program handles its own signals
        for number in (signal.SIGTERM, signal.SIGINT):
            before[number] = signal.signal(number, note)
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
