"""The commands of `edge-run`, one module each.

Each has `OPTIONS`, the long options it takes, those with a value ending in `=`; `USAGE`, what
`--help` prints; and `run(paths, options)`, which writes its result to stdout and returns the exit
status.
"""

from __future__ import annotations

from edge_runtime.errors import NotABundle, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from edge_runtime.bundle import Bundle


MOST_THREADS = 1024


def bundle_path(path: str | None) -> str:
    """Return `path`, or that of the default bundle where none is given.

    Raises:
        UsageError: none is named and there is no default.
    """
    if path is not None:
        return path
    from edge_runtime.bundle.defaults import default_bundle

    return default_bundle().path


def open_named(path: str | None) -> Bundle:
    """Return the bundle at `path`, or the default one where no path is given.

    Raises:
        UsageError: none is named and there is no default.
        NotABundle, IntegrityError: as `open_bundle` says, and `open_default`.
    """
    if path is None:
        from edge_runtime.bundle.defaults import open_default

        return open_default()
    from edge_runtime.bundle import open_bundle

    if not path:
        raise NotABundle("--bundle", "is empty", "name a .edge file")
    return open_bundle(path)


def only_bundle(paths: list[str], options: dict[str, str]) -> str | None:
    """Return the one bundle that a command line names, if it names any.

    Raises:
        UsageError: it names more than one.
    """
    if len(paths) + ("bundle" in options) > 1:
        raise UsageError("command line", "more than one bundle given", "name one")
    return paths[0] if paths else options.get("bundle")


def threads_of(options: dict[str, str]) -> int | None:
    """Return how many films at once a command line asks for, if it does.

    Raises:
        UsageError: it is no number of threads.
    """
    text = options.get("threads")
    if text is None:
        return None
    if text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= MOST_THREADS:
        return int(text)
    raise UsageError("--threads", f"{text!r} is no number of threads", f"1 to {MOST_THREADS}")
