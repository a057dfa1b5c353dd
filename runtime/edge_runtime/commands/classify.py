"""`edge-run classify`: a row for every film."""
# On the cold path, where loading pathlib would cost more than it is worth:
# ruff: noqa: PTH113

from __future__ import annotations

import os
import sys
from contextlib import closing, contextmanager, nullcontext, suppress
from itertools import chain, islice

from edge_runtime.answer.classify import classify
from edge_runtime.answer.rows import FORMATS, row_writer
from edge_runtime.commands import REQUIRE, open_named, threads_of
from edge_runtime.console import is_watched, say, silenced_stderr
from edge_runtime.engines import MANY, open_engine
from edge_runtime.engines.opening import OpeningEngine
from edge_runtime.errors import EdgeError, FilmError, UsageError
from edge_runtime.film.walk import are_at_least, films_in, in_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from contextlib import AbstractContextManager

    from edge_runtime.answer.batch import Judge
    from edge_runtime.answer.classify import Answer, ReadFilm
    from edge_runtime.answer.resume import Results
    from edge_runtime.answer.rows import Writer
    from edge_runtime.bundle import Bundle
    from edge_runtime.bundle.records import Decision
    from edge_runtime.engines import Engine

OPTIONS = (
    *("audit=", "band=", "bundle=", "engine=", "files-from=", "format=", "heatmap=", "resume="),
    "threads=",
    *("isolated", "null", REQUIRE),
)
NOTICE = "research use; not a medical device"
USAGE = """\
usage: edge-run classify PATH... [--bundle B] [--format F] [--engine E]
       edge-run classify --files-from LIST [-0]   (LIST is - for stdin)

PATH is a film or a folder; every file below a folder gets a row, in the order
of names (in a folder of more than 10,000, as the disk lists them). Text files
and what systems leave in folders are passed over there, and counted in a line.

  --bundle B         the bundle; else $EDGE_BUNDLE, else the one that
                     edge-run bundles shows to be in use
  --format F         table, json (one object a line) or csv
  --engine E         auto, litert, litert-python, tflite-runtime, onnxruntime;
                     auto is the first here, for many films the fastest (bench)
  --threads N        films at once; else one for each processor
  --files-from LIST  films and folders, one a line, in UTF-8 or UTF-16, or
  -0, --null         each ended by NUL, as find -print0 writes them
  --resume FILE.csv  append the rows to FILE.csv and skip the films it has, but
                     not those that have changed since or could not be read
  --band W           say uncertain within W (0 to 0.5) of the threshold, but not
                     in rows that --resume finds done
  --heatmap OUT.png  draw what the answer depends on; for one film
  --audit FILE       write a line for each answer into an audit trail first (see
                     edge-run audit); where that cannot be, nothing is answered
  --isolated         read films in processes with limits of memory and time, as
                     is fit for films from a network; one that breaks a limit
                     or a decoder is refused, and the others are answered
  --require-signature  take no bundle but one that a trusted key has signed (see
                     edge-run trust)

Exit status: 0 ok, 2 usage, 3 not a bundle, 4 integrity, 5 a film was refused or
unreadable, 6 no engine, 10 cannot write, 130/143 interrupted.
"""


def run(paths: list[str], options: dict[str, str]) -> int:
    """Write a row for each film in and below `paths`, and return 5 if one of them has no answer."""
    _refuse_what_clashes(paths, options)
    threads = threads_of(options)
    with (
        open_named(options.get("bundle"), options) as bundle,
        _reader(options, bundle, threads) as read,
    ):
        decision = _decision(bundle, options.get("band"))
        say(NOTICE)
        if "bundle" not in options:
            # The rows of a table do not name the bundle.
            say(f"bundle: {bundle.path}")

        digested = _is_digested(options)

        def judge_with(engine: Engine) -> Judge:
            return lambda film: classify(
                film, bundle, engine, decision=decision, digested=digested, read=read
            )

        def another() -> Judge:
            return judge_with(open_engine(bundle, engine.name))

        def answers(films: Iterator[str]) -> Generator[Answer]:
            return _answers(films, judge_with(engine), another, _at_once(threads, read))

        def start() -> Engine:
            return open_engine(bundle, options.get("engine", "auto"), say, before=before)

        before = _tried_first(paths, options, bundle, threads)
        # Asked before `silenced_stderr` takes the terminal's place.
        watched = is_watched(rows_elsewhere="resume" in options)
        with silenced_stderr(), OpeningEngine(start) as engine:
            status = _written(paths, options, answers, bundle, engine, watched=watched)
            if "heatmap" in options:
                _draw(options["heatmap"], paths[0], bundle, engine, decision, status=status)
    return status


def _tried_first(
    paths: list[str], options: dict[str, str], bundle: Bundle, threads: int | None
) -> str:
    """Return the engine to try first: that of the rows there are, or the fastest on many films."""
    if options.get("engine", "auto") != "auto":
        return ""
    if "resume" in options:
        from edge_runtime.answer.rowfile import engine_of

        if engine := engine_of(options["resume"]):
            return engine
    listing = options.get("files-from")
    if listing is not None and (listing == "-" or not os.path.isfile(listing)):  # read once alone
        return ""
    with suppress(EdgeError):  # whoever answers the films says it
        if are_at_least(chain(paths, _listed(options)), MANY):
            from edge_runtime.machine.many_films import engine_for

            films = chain(paths, _listed(options))
            return engine_for(bundle, threads, say, lambda least: are_at_least(films, least))
    return ""


def _draw(
    out: str, film: str, bundle: Bundle, engine: Engine, decision: Decision, *, status: int
) -> None:
    from edge_runtime.commands.heatmap import draw

    draw(out, film, bundle, engine, decision, status=status)


def _is_digested(options: dict[str, str]) -> bool:
    """Tell whether the digest of a film is shown, or kept."""
    return bool({"audit", "resume"} & options.keys()) or options.get("format", "table") != "table"


def _written(
    paths: list[str],
    options: dict[str, str],
    answers: Callable[[Iterator[str]], Generator[Answer]],
    bundle: Bundle,
    engine: Engine,
    *,
    watched: bool,
) -> int:
    """Write a row for each film, show progress where it is `watched`; return the exit status."""
    status = 0

    def complain(folder: str) -> None:
        nonlocal status
        say(f"edge-run: {FilmError(folder, 'holds no films', 'name another folder')}")
        status = FilmError.exit_status

    passed_over = dict[str, int]()
    # Chained, so that a film is answered before the next name has come down the pipe.
    films = films_in(chain(paths, _listed(options)), complain, passed_over)
    with (
        _results(options.get("resume"), bundle, engine) as results,
        _audited(options.get("audit"), bundle, engine) as audited,
    ):
        judged = answers(results.not_done(films) if results else films)
        if watched:
            judged = _reported(judged, [] if "files-from" in options else paths, results)
        with closing(judged):
            first = [*islice(judged, 1)]  # while it is read, the engine opens
            form = options.get("format", "table")
            write = results.write if results else row_writer(form, sys.stdout, bundle, engine.name)
            of_films = _write_each(chain(first, judged), audited(write))  # which may complain
    if passed_over:
        say(f"edge-run: {in_words(passed_over)}")
    if results:
        say(f"edge-run: {results}")
        status = FilmError.exit_status if results.refused else status
    return max(status, of_films)


def _reported(
    answers: Generator[Answer], folders: list[str], results: Results | None
) -> Generator[Answer]:
    from edge_runtime.answer.progress import reported

    return reported(answers, folders, results)


def _write_each(answers: Iterator[Answer], write: Callable[[Answer], None]) -> int:
    """Write each answer, and return the exit status that they ask for."""
    status = 0
    for answer in answers:
        write(answer)
        status = answer.error.exit_status if answer.error else status
    return status


def _answers(
    films: Iterator[str], judge: Judge, another: Callable[[], Judge], threads: int | None
) -> Generator[Answer]:
    """Yield the answers in order. The first one waits for no thread, nor for a second film."""
    yield from map(judge, islice(films, 1))
    for film in islice(films, 1):
        rest = chain((film,), films)
        if threads == 1:
            yield from map(judge, rest)
        else:
            from edge_runtime.answer.batch import in_order, processors

            yield from in_order(rest, judge, another, threads or processors())


def _refuse_what_clashes(paths: list[str], options: dict[str, str]) -> None:
    form = options.get("format", "table")
    if form not in FORMATS:
        raise UsageError("--format", f"{form!r} is not known", f"one of: {', '.join(FORMATS)}")
    if "resume" in options and options.get("format", "csv") != "csv":
        raise UsageError("--resume", f"writes no {form}", "leave --format out")
    if "null" in options and "files-from" not in options:
        raise UsageError("--null", "is for --files-from", "leave it out")
    if "files-from" not in options and not all(paths or [""]):
        raise UsageError("classify", "no film given", "name a file or a folder")
    if "heatmap" in options:
        from edge_runtime.commands.heatmap import refuse_what_clashes

        refuse_what_clashes(paths, options)


def _at_once(threads: int | None, read: ReadFilm | None) -> int | None:
    """Return how many films are in work: while processes read some, engines judge as many."""
    if read is None:
        return threads
    from edge_runtime.answer.batch import processors

    return 2 * (threads or processors())


def _decision(bundle: Bundle, band: str | None) -> Decision:
    """Return what the bundle decides by, uncertain within `band` of the threshold at least."""
    if band is None:
        return bundle.manifest.decision
    from edge_runtime.answer.decide import widened

    try:
        return widened(bundle.manifest.decision, float(band))
    except ValueError:
        raise UsageError("--band", f"{band!r} is no number", "give one from 0 to 0.5") from None


@contextmanager
def _reader(
    options: dict[str, str], bundle: Bundle, threads: int | None
) -> Iterator[ReadFilm | None]:
    """Yield what reads films in processes of their own, where that is asked for."""
    if "isolated" not in options:
        yield None
        return
    from edge_runtime.answer.batch import processors
    from edge_runtime.isolation.workers import Workers

    with Workers(bundle.manifest, threads or processors()) as workers:
        yield workers.pixels


def _results(
    path: str | None, bundle: Bundle, engine: Engine
) -> AbstractContextManager[Results | None]:
    if path is None:
        return nullcontext()
    from edge_runtime.answer.resume import Results

    return Results(path, bundle, engine.name)


def _audited(
    path: str | None, bundle: Bundle, engine: Engine
) -> AbstractContextManager[Callable[[Writer], Writer]]:
    if path is None:
        return nullcontext(lambda write: write)
    from edge_runtime.commands.audited import audited

    return audited(path, bundle, engine)


def _listed(options: dict[str, str]) -> Iterator[str]:
    """Yield the paths in the list that is named, if one is."""
    if "files-from" in options:
        from edge_runtime.film.filelist import listed

        yield from listed(options["files-from"], by_nul="null" in options)
