"""Which engine judges many films here: the one that is remembered, or else it is measured.

A run has one engine, and a choice that cannot be remembered is not made, so that the same command
on the same machine goes on giving the same rows. Decision 62.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable

from edge_runtime.answer.batch import processors
from edge_runtime.bundle import Bundle, open_bundle
from edge_runtime.bundle.defaults import data_folder, open_default
from edge_runtime.engines import ENGINES, MANY
from edge_runtime.errors import CannotWrite, NoEngine, UsageError
from edge_runtime.machine import computer
from edge_runtime.machine.engine_choice import (
    START_UP,
    EngineChoice,
    circumstances,
    forget,
    remember,
    remembered,
    require_room,
)
from edge_runtime.memory.machine import available, memory, memory_limit

ROOM = 512 << 20
"""Bytes of memory without which neither a second engine is tried nor a choice is used."""
SECONDS = 60
"""Seconds after which a trial counts as failed."""

Say = Callable[[str], None]


def measured_engine(
    bundle: str | os.PathLike[str] | None = None, *, engines: int | None = None
) -> str:
    """Return the engine that is fastest on many films here, for `Classifier(engine=...)`.

    It is measured the first time, for `bundle` or the default one and `engines` at once (as many as
    there are processors), which takes a second or two, and remembered for this user and machine.
    `auto` where it cannot be measured or remembered.

    Raises:
        UsageError: there is no default bundle.
        NotABundle, IntegrityError: the bundle is none, or not the one that was written.
    """
    with open_default() if bundle is None else open_bundle(bundle) as opened:
        return engine_for(opened, engines, lambda _: None) or START_UP


def engine_for(
    bundle: Bundle, threads: int | None, say: Say, are_many: Callable[[int], bool] = bool
) -> str:
    """Return the engine to try first for many films of `bundle`, `threads` at once; else nothing.

    `are_many` is asked whether there are so many. `say` gets a line where it was measured just now,
    or what is remembered is not believed.
    """
    threads = threads or processors()
    if not are_many(MANY * threads):
        return ""
    folder = data_folder()
    if folder is None or len(rivals(bundle)) < 2 or _is_tight():
        return ""
    try:
        choice = remembered(folder, circumstances(bundle.identity, threads))
        if choice is None and (available() or ROOM) >= ROOM:
            choice = _measured(bundle, threads, folder)
            say(f"edge-run: engine for many films: {choice.words}")
    except UsageError as error:
        say(f"edge-run: {error}")
        return ""
    except CannotWrite:  # where there is no room for it, nothing is chosen
        return ""
    return choice.engine if choice and choice.engine != START_UP else ""


def forget_all(bundle: Bundle) -> int:
    """Forget what was chosen for `bundle`, and return how many choices there were.

    Raises:
        UsageError: others may change what remembers it.
        CannotWrite: the disk does not let us.
    """
    folder = data_folder()
    return forget(folder, bundle.identity) if folder else 0


def choose(bundle: Bundle, threads: int) -> EngineChoice:
    """Measure, whatever is remembered, and remember it.

    Raises:
        UsageError: this user has no home folder, or others may change what remembers it.
        NoEngine: fewer than two engines are here for the bundle.
        CannotWrite: there is no folder to remember it in, or the disk does not let us.
    """
    folder = data_folder()
    if folder is None:
        raise UsageError("--choose", "this user has no home folder", "name one with --engine")
    if len(here := rivals(bundle)) < 2:
        problem = f"there is nothing to choose from: {' '.join(here) or 'no engine is installed'}"
        raise NoEngine(bundle.path, problem, "install another engine")
    return _measured(bundle, threads, folder)


def rivals(bundle: Bundle) -> list[str]:
    """Return the engines that are installed and have a graph in `bundle`, one of each package."""
    packages: dict[str, str] = {}
    for name, (_, form, _) in ENGINES.items():
        package = computer.DISTRIBUTIONS[name]
        if bundle.manifest.graph(form) and computer.installed(package) is not None:
            packages.setdefault(package, name)
    return list(packages.values())


def told(bundle: Bundle, threads: int | None = None) -> tuple[str, EngineChoice | None]:
    """Return in words which engine judges many films of `bundle`, and the choice behind it."""
    threads, folder, here = threads or processors(), data_folder(), rivals(bundle)
    if len(here) < 2:
        return f"{' '.join(here) or START_UP}: there is no other engine here for it", None
    if folder is None or _is_tight():
        lacking = "home folder" if folder is None else f"{ROOM >> 20} MiB of memory"
        return f"the one that start-up takes, without {lacking} for another choice", None
    try:
        choice = remembered(folder, circumstances(bundle.identity, threads))
    except UsageError as error:
        return f"the one that start-up takes: {error}", None
    if choice is None:
        words = f"not measured yet, which the first run of {MANY * threads} films or more does"
        return words, None
    return f"{choice.words}; from {MANY * threads} films on", choice


def _is_tight() -> bool:
    """Tell whether this machine, or what this process may have of it, is too small for a choice."""
    total, _ = memory()
    return min(size for size in (total, memory_limit(), ROOM) if size is not None) < ROOM


def _measured(bundle: Bundle, threads: int, folder: str) -> EngineChoice:
    """Measure and remember; where another process has done so meanwhile, the later one counts.

    Raises:
        UsageError: others may change what remembers it.
        CannotWrite: there is no folder to remember it in, or the disk does not let us.
    """
    require_room(folder)
    of = circumstances(bundle.identity, threads)
    choice = _tried(bundle, threads)
    remember(folder, of, choice)
    return choice


def _tried(bundle: Bundle, threads: int) -> EngineChoice:
    """Return what a process of its own says; one that fails is a reason to choose nothing."""
    import subprocess  # which no run needs that finds a choice

    from edge_runtime.isolation import child

    try:
        done = child.module(
            *("machine.engine_trial", os.fspath(bundle.path), str(threads)), seconds=SECONDS
        )
        if done.returncode:
            return _failed(child.ending(done.returncode))
        document = json.loads(done.stdout)
        choice = EngineChoice.from_json(document)
    except subprocess.TimeoutExpired:
        return _failed(f"no answer within {SECONDS} s")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return _failed(str(error))
    if choice.engine != START_UP and document["identity"] != bundle.identity:
        return _failed("the bundle was changed meanwhile")
    return choice


def _failed(why: str) -> EngineChoice:
    return EngineChoice(START_UP, why=f"it could not be measured ({why})")
