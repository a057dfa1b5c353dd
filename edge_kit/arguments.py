"""What the commands' options have in common: the parser, and the types of values."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from edge_kit.console import say
from edge_kit.data.film_folders import FilmFolders, film_folders
from edge_runtime.errors import CannotWrite, UsageError

if TYPE_CHECKING:
    from edge_kit.data.reader import FilmReader


class Parser(argparse.ArgumentParser):
    """Reports a wrong command line like every other error."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # argparse would take the value of "--input-range -1,1" for an option, and has no other say.
        self._negative_number_matcher = re.compile(r"-[\d.]")

    def given(
        self, options: argparse.Namespace, places: Mapping[str, str], left_out: Collection[str]
    ) -> tuple[str, ...]:
        """Return the options that are not the default's, as words of a command line.

        `places` are what stands for values that are paths, which may be private; those in
        `left_out` change nothing of what comes out.
        """
        words: list[str] = []
        for action in self._actions:
            name = action.dest
            if not action.option_strings or name in left_out or name not in options:
                continue
            value, option = getattr(options, name), action.option_strings[0]
            if value == action.default or value is None:
                continue
            if name in places:
                words += [option, places[name]]
            elif isinstance(action, argparse.BooleanOptionalAction):
                words.append(action.option_strings[0 if value else 1])
            elif action.nargs == 0:
                words.append(option)
            else:
                for one in value if isinstance(value, list) else [value]:
                    parts = one if isinstance(one, tuple) else (one,)
                    words += [option, ",".join(map(str, parts))]
        return tuple(words)

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong with the command line."""
        subject = self.prog.removeprefix("edge-kit").strip() or "command line"
        raise UsageError(subject, message, f"see {self.prog} --help")


class _Folders(argparse.Action):
    """Takes the folders of films of an option, however often it is given, together."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        """Add the folders in `values` to those that were given before.

        Raises:
            UsageError: the same films would be found twice.
        """
        del parser, option_string
        before: FilmFolders | None = getattr(namespace, self.dest, None)
        paths = [*(before.by_name.values() if before else ()), *_paths(values)]
        setattr(namespace, self.dest, film_folders(paths))


def _paths(values: object) -> list[Path]:
    """Return the paths in what argparse gives of an option, one or a list."""
    return [Path(str(path)) for path in (values if isinstance(values, list) else [values])]


def folders_option(parser: argparse.ArgumentParser, told: str, *, required: bool = False) -> None:
    """Add `--data`, which may be given several times; the value is `FilmFolders`.

    `told` is the help's text, to which it is added that there may be several.
    """
    parser.add_argument(
        "--data",
        action=_Folders,
        required=required,
        metavar="DIR",
        help=f"{told}; may be given several times",
    )


def folders_argument(parser: argparse.ArgumentParser) -> None:
    """Add the folders of films as an argument without a name; the value is `FilmFolders`."""
    parser.add_argument(
        "data", action=_Folders, nargs="+", metavar="DIR", help="folder of films, or several"
    )


def data_options(parser: argparse.ArgumentParser) -> None:
    """Add what every command takes that reads a folder of films."""
    parser.add_argument(
        "--modality",
        choices=("xray", "ct", "other"),
        help="needed where neither the folders nor a manifest say it, or where there are both; "
        "other is for pictures of any other kind",
    )
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


def elsewhere_option(parser: argparse.ArgumentParser) -> None:
    """Add the folder of films that are none of the training's, and choose nothing."""
    parser.add_argument(
        "--elsewhere",
        type=Path,
        metavar="DIR",
        help="films of other sources, judged last, beside a linear baseline, and shown first",
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


def use_options(parser: argparse.ArgumentParser) -> None:
    """Add what a command takes that says which films a bundle is for."""
    not_stated = "where it is not said, it is not stated, and no film is refused for it"
    parser.add_argument(
        "--body-part",
        type=body_parts,
        default=(),
        metavar="PART,...",
        help=f"what the films show, in DICOM's terms, CHEST for example; {not_stated}",
    )
    parser.add_argument(
        "--views",
        type=views,
        default=(),
        metavar="VIEW,...",
        help="DICOM views that the bundle is for, PA,AP for example; likewise",
    )
    parser.add_argument(
        "--ages",
        type=ages,
        metavar="YOUNGEST,OLDEST",
        help="years of age that the bundle is for, 18,150 for example; likewise",
    )


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


def radius(text: str) -> int:
    """Return the radius of a window in pixels, 0 for none."""
    return _whole(text, 0, 255)


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
    return _terms(text, "views, PA,AP for example")


def body_parts(text: str) -> tuple[str, ...]:
    """Return DICOM's names of parts of the body."""
    return _terms(text, "parts of the body, CHEST for example")


def _terms(text: str, of: str) -> tuple[str, ...]:
    terms = tuple(dict.fromkeys(text.split(",")))
    if len(terms) <= 16 and all(re.fullmatch(r"[A-Z][A-Z0-9_]{0,15}", term) for term in terms):
        return terms
    raise argparse.ArgumentTypeError(f"{text!r} is not of DICOM's {of}")


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
