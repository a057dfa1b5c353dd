"""`edge-run check`: prove a bundle on this machine, and write down what was proved."""

from __future__ import annotations

import os
from contextlib import closing

from edge_runtime.commands import REQUIRE, bundle_path, only_bundle, open_named
from edge_runtime.console import say, write
from edge_runtime.cures import doctor
from edge_runtime.engines import ENGINES, open_engine, require_sound_graphs
from edge_runtime.errors import CannotWrite, EdgeError, NoEngine, UsageError
from edge_runtime.machine import computer
from edge_runtime.machine.check import Replay, replay
from edge_runtime.machine.receipt import CheckResult, receipt
from edge_runtime.output import write_whole
from edge_runtime.text import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from edge_runtime.bundle import Bundle

OPTIONS = ("bundle=", "engine=", "receipt=", REQUIRE)
USAGE = """\
usage: edge-run check [BUNDLE] [--engine E] [--receipt FILE]
                      [--require-signature]

Check every byte of the bundle, then answer its golden films and compare the
pixels and the logits with those of its maker.

  --bundle B      the bundle, like BUNDLE
  --engine E      auto (the first that runs), all (each that is installed), or
                  litert, litert-python, tflite-runtime, onnxruntime
  --receipt FILE  write what was proved as JSON, also where it failed; it holds
                  no name of a machine, a user or a patient
  --require-signature  take no bundle but one that a trusted key has signed

Exit status: 0 proved, 3 not a bundle, 4 a byte was changed, 6 no engine,
7 the golden films give other pixels or logits, 10 cannot write.
"""
_ALL = "all"


def run(paths: list[str], options: dict[str, str]) -> int:
    """Check a bundle and write a receipt where one is asked for, of a failure too."""
    named, choice = only_bundle(paths, options), options.get("engine", "auto")
    if choice not in ("auto", _ALL, *ENGINES):
        cure = f"one of: auto, {_ALL}, {', '.join(ENGINES)}"
        raise UsageError("--engine", f"no engine is called {choice!r}", cure)
    if "receipt" in options and _is_in(bundle_path(named), options["receipt"]):
        raise UsageError("--receipt", "is the bundle, or lies in it", "give another name")
    outcome = CheckResult()
    try:
        _check(named, options, outcome)
    except UsageError:
        raise
    except EdgeError as error:
        outcome.problem = error
    if "receipt" in options:
        _write(options["receipt"], outcome)
    if outcome.problem:
        raise outcome.problem
    return 0


def _is_in(bundle: str, out: str) -> bool:
    """Tell whether writing `out` would change the bundle, a file or a folder."""
    # Links are followed, and capitals ignored where the file system ignores them.
    whole, part = (os.path.normcase(os.path.realpath(path)) for path in (bundle, out))
    return part == whole or part.startswith(whole + os.sep)


def _check(named: str | None, options: dict[str, str], outcome: CheckResult) -> None:
    """Fill `outcome`; with all engines, each is tried even where one before it failed."""
    choice = options.get("engine", "auto")
    with open_named(named, options) as bundle:
        outcome.manifest = bundle.manifest
        bundle.verify()
        outcome.whole = True
        write(f"{printable(bundle.path)}: every byte is as written, identity {bundle.identity}\n")
        require_sound_graphs(bundle)
        if choice != _ALL:
            with closing(open_engine(bundle, choice, say)) as engine:
                outcome.replays.append(replay(bundle, engine))
        else:
            _replay_all(bundle, outcome)
        for replayed in outcome.replays:
            write(_line(replayed, bundle.manifest.intended_use.modality))
        for name, why in outcome.without.items():
            write(f"{name}: {printable(why)}\n")
        for replayed in outcome.replays:
            replayed.require_parity(bundle.path)


def _replay_all(bundle: Bundle, outcome: CheckResult) -> None:
    for name in ENGINES:
        if computer.installed(computer.DISTRIBUTIONS[name]) is None:
            outcome.without[name] = "not installed"
            continue
        try:
            with closing(open_engine(bundle, name, say)) as engine:
                outcome.replays.append(replay(bundle, engine))
        except NoEngine:
            outcome.without[name] = "cannot be used"
    if not outcome.replays:
        cure = f"{doctor()} for what to install"
        raise NoEngine(bundle.path, "no engine here can run it", cure)


def _line(replayed: Replay, modality: str) -> str:
    golden = "golden pictures" if modality == "other" else "golden films"
    version = computer.installed(computer.DISTRIBUTIONS[replayed.engine]) or ""
    failed = "" if replayed.largest <= replayed.tolerance else "FAILED: "
    return (
        f"{replayed.engine} {version} on {replayed.graph}: {failed}{replayed.films} {golden}, "
        f"largest difference {replayed.largest:.2g} of a logit "
        f"(tolerance {replayed.tolerance:g})\n"
    )


def _write(path: str, outcome: CheckResult) -> None:
    """Write the receipt; where the check failed, its status counts, not that of the writing."""
    try:
        write_whole(path, receipt(outcome))
    except CannotWrite as error:
        if outcome.problem is None:
            raise
        say(f"edge-run: {error}")
        return
    time, sane = computer.clock()
    doubt = "" if sane else ", which is implausible: set the clock"
    result = "a failure" if outcome.problem else "a pass"
    say(f"edge-run: receipt of {result} written to {path} (the clock says {time}{doubt})")
