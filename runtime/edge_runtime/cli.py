"""`edge-run`: classify films, show a bundle, prove it and this machine.

On the cold path, so only what the given command needs is imported, and only inside functions: until
`run` can catch it, an interruption would print a traceback.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sys import UnraisableHookArgs
    from typing import NoReturn

USAGE = """\
usage: edge-run COMMAND ...
       edge-run help [COMMAND] | COMMAND --help | --version

  classify PATH...  answer for films and folders of films
  info [BUNDLE]     what a bundle is, and for whom
  check [BUNDLE]    prove a bundle on this machine, with a receipt
  doctor [BUNDLE]   what this machine has, what it lacks and what to install
  bundles           the bundles here: list, choose, add, remove
  bench [BUNDLE]    how fast this machine answers, against customary scripts
  watch TRAY        answer for films as they come into a folder
  audit ...         verify an audit trail of answers, and report on it
  serve [BUNDLE]    answer for films on a page, and for programs
  users ACTION      who may use a page: add, remove, list
  demo-clinic       a page with films to try
  dicom-listen C    answer for DICOM images, back into their studies
  trust ACTION      whose signed bundles are taken: list, add, remove, require
  receipt TRAIL...  what this box runs, signed, for those who look after many
  update --from R   install the newest model of a repository
  rollback          let the model before the current one answer again

Exit status: 0 ok, 1 unexpected, 2 usage, 3 not a bundle, 4 integrity, 5 a film
was refused or unreadable (the others were answered), 6 no engine or no Pillow,
7 golden films differ, 9 data unusable, 10 cannot write, 130/143 interrupted.
Results go to stdout, everything else to stderr.
"""
COMMANDS = (
    "classify",
    "info",
    "check",
    "doctor",
    "bundles",
    "bench",
    "watch",
    "audit",
    "serve",
    "users",
    "demo-clinic",
    "dicom-listen",
    "trust",
    "receipt",
    "update",
    "rollback",
)
INTERRUPTED = 130
_HELP = ("-h", "--help", "help")
_SHORT = {"-h": "--help", "-0": "--null"}


def main() -> NoReturn:
    """Run the command line and exit, without the interpreter's slow shutdown."""
    import gc

    gc.disable()  # while modules load there is no garbage, and looking for it takes 3 % of one film
    sys.unraisablehook = _exit_by_signal
    try:
        status = run(sys.argv[1:])
    except KeyboardInterrupt as signal:  # before `run` could say so, or once more
        status = getattr(signal, "exit_status", INTERRUPTED)
    try:
        if sys.stdout:
            sys.stdout.flush()
    except (OSError, KeyboardInterrupt):
        pass  # nobody reads the output any more, or a second signal came
    os._exit(status)


def _exit_by_signal(lost: UnraisableHookArgs) -> None:
    """End the program by a signal that arrived where Python could not raise an exception.

    No row is torn by that: each is written at once, and whole.
    """
    if isinstance(lost.exc_value, KeyboardInterrupt):
        os._exit(_interrupted(lost.exc_value))
    sys.__unraisablehook__(lost)


def _interrupted(signal: KeyboardInterrupt) -> int:
    """Say what ended the program and return the exit status it documents."""
    from edge_runtime.console import Terminated, say

    terminated = isinstance(signal, Terminated)
    say(f"edge-run: {'terminated' if terminated else 'interrupted'}")
    return Terminated.exit_status if terminated else INTERRUPTED


def run(arguments: list[str]) -> int:
    """Carry out a command line and return the exit status it documents."""
    import warnings

    from edge_runtime.console import prepare, say
    from edge_runtime.errors import CannotWrite, EdgeError, MachineLacks

    warnings.simplefilter("ignore")  # Pillow's, about tags of damaged files
    try:
        prepare()
        if sys.stdout is None:
            raise CannotWrite("stdout", "is closed", "give it a file or a pipe")
        status = _dispatch(arguments)
        sys.stdout.flush()
        return status
    except EdgeError as error:
        say(f"edge-run: {error}")
        return error.exit_status
    except KeyboardInterrupt as signal:
        return _interrupted(signal)
    except BrokenPipeError:
        # Nobody reads on; what could not be written must not be tried again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        import errno

        if error.errno in (errno.EMFILE, errno.ENFILE):  # as where a module is imported late
            say("edge-run: no file descriptor is left; close other programs, or raise ulimit -n")
            return MachineLacks.exit_status
        say(f"edge-run: output: {error.strerror or error}; free the disk or choose another")
        return 10


def _dispatch(arguments: list[str]) -> int:
    import gc
    from importlib import import_module

    from edge_runtime.console import write
    from edge_runtime.errors import NoEngine, UsageError

    if not arguments:
        raise UsageError("command line", "no command given", _see())
    command, rest = arguments[0], arguments[1:]
    if command in _HELP:
        named = [word for word in rest if word not in _HELP]
        if not named:
            write(USAGE)
            return 0
        command, rest = named[0], ["--help"]
    if command == "--version":
        from importlib.metadata import version

        write(f"edge-run {version('edge-runtime')}\n")
        return 0
    if command not in COMMANDS:
        cure = f"one of: {', '.join(COMMANDS)}; {_see()}"
        raise UsageError("command line", f"no command is called {command!r}", cure)
    try:
        module = import_module(module_of(command))
    except ImportError as error:  # Pillow is missing, or was built for another Python
        problem = f"cannot be loaded ({error})"
        from edge_runtime.cures import doctor

        raise NoEngine(error.name or "Python", problem, doctor()) from error
    paths, options = _parsed(command, rest, module.OPTIONS)
    if "help" in options:
        write(module.USAGE)
        return 0
    gc.freeze()
    gc.enable()
    status: int = module.run(paths, options)
    return status


def module_of(command: str) -> str:
    """Return the name of the module that carries out a command."""
    return f"edge_runtime.commands.{command.replace('-', '_')}"


def _parsed(
    command: str, arguments: list[str], known: tuple[str, ...]
) -> tuple[list[str], dict[str, str]]:
    """Return the paths and the options of a command line; the last of two equal options counts.

    Options may stand anywhere before a `--`. `getopt` would do, but loads translations: a hundredth
    of a cold start.
    """
    from edge_runtime.errors import UsageError

    paths, options, rest = list[str](), dict[str, str](), iter(arguments)
    for word in rest:
        argument = _SHORT.get(word, word)
        name, equals, value = argument.removeprefix("--").partition("=")
        if argument == "--":
            paths += rest
        elif argument == "--help":
            options["help"] = ""
        elif not argument.startswith("-") or argument == "-":
            paths.append(argument)
        elif argument.startswith("--") and f"{name}=" in known:
            text = value if equals else next(rest, None)
            if text is None:
                raise UsageError(command, f"option {argument} requires a value", _see(command))
            options[name] = text
        elif argument.startswith("--") and name in known and not equals:
            options[name] = ""
        else:
            problem = f"option {word.partition('=')[0]} not recognized"
            raise UsageError(command, problem, _see(command))
    return paths, options


def _see(command: str = "") -> str:
    from edge_runtime.cures import program

    return " ".join(["see", program(), *([command] if command else []), "--help"])
