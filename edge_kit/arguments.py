"""What the commands' options have in common: the parser, and the types of values."""

from __future__ import annotations

import argparse
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from edge_kit.console import say
from edge_runtime.errors import CannotWrite, UsageError

if TYPE_CHECKING:
    from edge_kit.data.reader import FilmReader


class Parser(argparse.ArgumentParser):
    """Reports a wrong command line like every other error."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # argparse would take the value of "--input-range -1,1" for an option, and has no other say.
        self._negative_number_matcher = re.compile(r"-[\d.]")

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong with the command line."""
        subject = self.prog.removeprefix("edge-kit").strip() or "command line"
        raise UsageError(subject, message, f"see {self.prog} --help")


def data_options(parser: argparse.ArgumentParser) -> None:
    """Add what every command takes that reads a folder of films."""
    parser.add_argument("--modality", choices=("xray", "ct"), help="needed where there are both")
    parser.add_argument(
        "--negative",
        metavar="CLASS,...",
        help="the negative classes, where there are more than two; --positive may name several too",
    )
    parser.add_argument("--skip-unreadable", action="store_true", help="leave out damaged films")


def split_options(parser: argparse.ArgumentParser) -> None:
    """Add the seed by which a folder of films is split that gives no splits itself."""
    parser.add_argument(
        "--split-seed",
        type=seed,
        metavar="SEED",
        help="deals the splits that the folder does not give; default 0, of a RUN its own",
    )


def cache_options(parser: argparse.ArgumentParser) -> None:
    """Add what a command takes that needs the pixels of many films."""
    parser.add_argument("--cache", type=Path, metavar="DIR", help="where decoded films are kept")
    parser.add_argument("--no-cache", action="store_true", help="keep decoded films in memory only")


def reader_of(options: argparse.Namespace) -> FilmReader:
    """Return the reader of films that keeps them where `cache_options` have chosen."""
    from edge_kit.data.cache import default_cache
    from edge_kit.data.reader import FilmReader

    return FilmReader(None if options.no_cache else options.cache or default_cache(), say)


def out_file(text: str) -> Path:
    """Return the path of a file to be written, which a path to a folder is not.

    Raises:
        CannotWrite: it ends as the name of a folder does, and a `Path` would not tell.
    """
    if text.endswith(("/", os.sep)):
        raise CannotWrite(text, "is the name of a folder", "give the name of a file")
    return Path(text)


def count(text: str) -> int:
    """Return a number of things, 1 to 10,000."""
    return _whole(text, 1, 10_000)


def side(text: str) -> int:
    """Return the height and the width of a network's input, in pixels."""
    return _whole(text, 64, 1024)


def folds(text: str) -> int:
    """Return a number of folds."""
    return _whole(text, 2, 100)


def seed(text: str) -> int:
    """Return the seed of a generator."""
    return _whole(text, 0, 2**32 - 1)


def _whole(text: str, low: int, high: int) -> int:
    if text.isdecimal() and low <= int(text) <= high:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {low} to {high}")


def logit(text: str) -> float:
    """Return a logit."""
    with suppress(ValueError):
        if -1000 <= float(text) <= 1000:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number from -1000 to 1000")


def rate(text: str) -> float:
    """Return a learning rate."""
    with suppress(ValueError):
        if 0 < float(text) <= 1:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0 and up to 1")


def ages(text: str) -> tuple[int, int]:
    """Return the youngest and the oldest age, in years."""
    youngest, _, oldest = text.partition(",")
    if youngest.isdecimal() and oldest.isdecimal() and int(youngest) <= int(oldest) <= 150:
        return int(youngest), int(oldest)
    raise argparse.ArgumentTypeError(f"{text!r} is not two ages in order, up to 150")


def views(text: str) -> tuple[str, ...]:
    """Return DICOM's names of views."""
    views = tuple(dict.fromkeys(text.split(",")))
    if len(views) <= 16 and all(re.fullmatch(r"[A-Z][A-Z0-9_]{0,15}", view) for view in views):
        return views
    raise argparse.ArgumentTypeError(f"{text!r} is not of DICOM's views, PA,AP for example")


def share(text: str) -> float:
    """Return a number from 0 to 1."""
    with suppress(ValueError):
        if 0 <= float(text) <= 1:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")


def margin(text: str) -> float:
    """Return a number between 0 and 1."""
    if 0 < (value := share(text)) < 1:
        return value
    raise argparse.ArgumentTypeError(f"{text!r} is not a number between 0 and 1")


def name(text: str) -> str:
    """Return a name that a bundle may have."""
    if re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", text):
        return text
    raise argparse.ArgumentTypeError(f"{text!r} is not of a-z, 0-9, '.', '_' and '-'")


def version(text: str) -> str:
    """Return a version of digits and dots."""
    if re.fullmatch(r"(?=.{1,32}$)[0-9]+(\.[0-9]+)*", text):
        return text
    raise argparse.ArgumentTypeError(f"{text!r} is not a version of digits and dots")
