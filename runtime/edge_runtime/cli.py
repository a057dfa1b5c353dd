"""`edge-run`: classify films, show a bundle, prove it on this machine.

On the cold path, so options are read by `getopt` and what only `info` and `check` need is
imported there.
"""

from __future__ import annotations

import os
import sys
import warnings
from contextlib import suppress
from getopt import GetoptError, gnu_getopt
from itertools import chain

from edge_runtime.errors import CannotWrite, EdgeError, FilmError, NotABundle, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import NoReturn

    from edge_runtime.bundle import Bundle

USAGE = """\
usage: edge-run classify PATH... [--bundle B] [--engine E] [--format F]
       edge-run classify --files-from LIST   (one path a line, - for stdin)
       edge-run info [BUNDLE] [--format F]   what a bundle is, and for whom
       edge-run check [BUNDLE] [--engine E]  prove its bytes and golden films
       edge-run --version | --help

PATH is a film or a folder; every file below a folder gets a row.
The bundle is --bundle, else $EDGE_BUNDLE, else the newest in the data folder.
Engines: auto, litert, litert-python, tflite-runtime, onnxruntime.
Formats: table, json (one object a line), csv; info knows table and json.
Exit status: 0 ok, 2 usage, 3 not a bundle, 4 integrity, 5 a film was refused or
unreadable, 6 no engine, 7 golden films differ, 10 cannot write,
130/143 interrupted.
"""
NOTICE = "research use; not a medical device"
INTERRUPTED, TERMINATED = 130, 143


class Terminated(BaseException):
    """SIGTERM, raised between two instructions so that files close and no line is torn."""


def main() -> NoReturn:
    """Run the command line and leave, without the interpreter's slow way out."""
    status = run(sys.argv[1:])
    if sys.stdout:
        # Nothing is left to be said: the reader is gone, or a signal came once more.
        with suppress(OSError, KeyboardInterrupt, Terminated):
            sys.stdout.flush()
    os._exit(status)


def run(arguments: list[str]) -> int:
    """Carry out a command line and return the exit status it documents."""
    warnings.simplefilter("ignore")  # Pillow's, about tags of damaged files
    try:
        _prepare_streams()
        if sys.stdout is None:
            raise CannotWrite("stdout", "is closed", "give it a file or a pipe")
        status = _dispatch(arguments)
        sys.stdout.flush()
        return status
    except EdgeError as error:
        say(f"edge-run: {error}")
        return error.exit_status
    except KeyboardInterrupt:
        say("edge-run: interrupted")
        return INTERRUPTED
    except Terminated:
        say("edge-run: terminated")
        return TERMINATED
    except BrokenPipeError:
        # Nobody reads on; what could not be written must not be tried again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        say(f"edge-run: output: {error.strerror or error}; free the disk or choose another")
        return 10


def say(line: str) -> None:
    """Write one line to stderr, where there is one."""
    if sys.stderr:  # which is None when it was closed
        with suppress(OSError):
            print(line, file=sys.stderr, flush=True)  # noqa: T201


def _prepare_streams() -> None:
    import signal

    def terminate(signum: int, frame: object) -> None:
        del signum, frame
        raise Terminated

    with suppress(ValueError):  # not the main thread: a host program handles its own signals
        signal.signal(signal.SIGTERM, terminate)
    for stream, errors in ((sys.stdout, "surrogateescape"), (sys.stderr, "backslashreplace")):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors=errors)


def _dispatch(arguments: list[str]) -> int:
    if not arguments:
        raise UsageError("command line", "no command given", "try edge-run --help")
    command, rest = arguments[0], arguments[1:]
    if command in ("-h", "--help", "help"):
        sys.stdout.write(USAGE)
        return 0
    if command == "--version":
        from importlib.metadata import version

        sys.stdout.write(f"edge-run {version('edge-runtime')}\n")
        return 0
    try:
        handler, options = COMMANDS[command]
    except KeyError:
        cure = f"one of: {', '.join(COMMANDS)}; see edge-run --help"
        raise UsageError("command line", f"no command is called {command!r}", cure) from None
    try:
        found, positional = gnu_getopt(rest, "h", ["help", *(f"{one}=" for one in options)])
    except GetoptError as error:
        raise UsageError(command, error.msg, "see edge-run --help") from None
    given = {name.lstrip("-"): value for name, value in found}
    if given.keys() & {"help", "h"}:
        sys.stdout.write(USAGE)
        return 0
    return handler(positional, given)


def _classify(paths: list[str], options: dict[str, str]) -> int:
    from edge_runtime.classify import classify, films_below
    from edge_runtime.engines import open_engine
    from edge_runtime.engines.silence import silence
    from edge_runtime.rows import FORMATS, row_writer

    form = options.get("format", "table")
    if form not in FORMATS:
        raise UsageError("--format", f"{form!r} is not known", f"one of: {', '.join(FORMATS)}")
    if "files-from" not in options and not paths:
        raise UsageError("classify", "no film given", "name a file or a folder")
    status = 0
    with _open(options.get("bundle")) as bundle:
        engine = open_engine(bundle, options.get("engine", "auto"), say)
        say(NOTICE)
        write = row_writer(form, sys.stdout, bundle, engine.name)
        # Chained, so that a film is answered before the next name has come down the pipe.
        for argument in chain(paths, _listed(options.get("files-from"))):
            empty = True
            for path in films_below(argument):
                with silence():  # libtiff reports damage on stderr by itself
                    answer = classify(path, bundle, engine)
                write(answer)
                empty = False
                if answer.error:
                    status = answer.error.exit_status
            if empty:
                say(f"edge-run: {FilmError(argument, 'holds no files', 'name another folder')}")
                status = FilmError.exit_status
    return status


def _listed(source: str | None) -> Iterator[str]:
    """Yield the paths in the file `source`, one a line; `-` is stdin."""
    if source is None:
        return
    try:
        descriptor = 0 if source == "-" else source
        # A name may hold a carriage return; Windows begins such lists with a byte order mark.
        with open(  # noqa: PTH123
            descriptor, encoding="utf-8-sig", errors="surrogateescape", newline="\n"
        ) as lines:
            for line in lines:
                if path := line.rstrip("\r\n"):
                    yield path
    except OSError as error:
        problem = error.strerror or str(error)
        raise UsageError(source, problem, "give a text file with one path a line") from error


def _info(paths: list[str], options: dict[str, str]) -> int:
    from edge_runtime.info import describe

    with _open(_only(paths, options)) as bundle:
        sys.stdout.write(describe(bundle, options.get("format", "table")))
    return 0


def _check(paths: list[str], options: dict[str, str]) -> int:
    from edge_runtime.check import replay_golden
    from edge_runtime.engines import open_engine

    with _open(_only(paths, options)) as bundle:
        bundle.verify()
        sys.stdout.write(f"{bundle.path}: every byte is as written, identity {bundle.identity}\n")
        replay = replay_golden(bundle, open_engine(bundle, options.get("engine", "auto"), say))
        sys.stdout.write(
            f"{replay.engine} on {replay.graph}: {replay.films} golden films, largest difference "
            f"{replay.largest:.2g} of a logit (tolerance {replay.tolerance:g})\n"
        )
    return 0


def _only(paths: list[str], options: dict[str, str]) -> str | None:
    if len(paths) + ("bundle" in options) > 1:
        raise UsageError("command line", "more than one bundle given", "name one")
    return paths[0] if paths else options.get("bundle")


def _open(path: str | None) -> Bundle:
    from edge_runtime.bundle import open_bundle

    if path is None:
        from edge_runtime.defaults import default_bundle

        path = default_bundle()
    if not path:
        raise NotABundle("--bundle", "is empty", "name a .edge file")
    return open_bundle(path)


COMMANDS = {
    "classify": (_classify, ("bundle", "format", "engine", "files-from")),
    "info": (_info, ("bundle", "format")),
    "check": (_check, ("bundle", "engine")),
}
