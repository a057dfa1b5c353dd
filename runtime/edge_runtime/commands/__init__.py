"""The commands of `edge-run`, one module each.

Each has `OPTIONS`, the long options it takes, those with a value ending in `=`; `USAGE`, what
`--help` prints; and `run(paths, options)`, which writes its result to stdout and returns the exit
status.
"""

# On the cold path:
# ruff: noqa: PTH112

from __future__ import annotations

import os

from edge_runtime.errors import NotABundle, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge_runtime.bundle import Bundle


MOST_THREADS = 1024
REQUIRE = "require-signature"
"""The option of every command that answers: take no bundle but one that a trusted key signed."""


def bundle_path(path: str | None) -> str:
    """Return `path`, or that of the default bundle where none is given.

    Raises:
        UsageError: none is named and there is no default.
    """
    if path is not None:
        return path
    from edge_runtime.bundle.defaults import default_bundle

    return default_bundle().path


def open_named(path: str | None, options: Mapping[str, str]) -> Bundle:
    """Return the bundle at `path`, or the default one, if this machine trusts who signed it.

    Signatures are asked for by the machine's policy, and by `--require-signature`.

    Raises:
        UsageError: none is named and there is no default.
        NotABundle, IntegrityError: as `open_bundle` says, and `open_default`.
        UntrustedBundle: as `edge_runtime.trust.verify_bundle` says.
    """
    from edge_runtime.bundle import open_bundle

    if path is None:
        from edge_runtime.bundle.defaults import default_bundle, require_chosen

        default = default_bundle()
        settle_store(default.path)
        bundle = require_chosen(default)
    elif not path:
        raise NotABundle("--bundle", "is empty", "name a .edge file")
    else:
        settle_store(path)
        bundle = open_bundle(path)
    require_trusted(bundle, required=REQUIRE in options)
    return bundle


def require_trusted(bundle: Bundle, *, required: bool = False) -> None:
    """Refuse a bundle that this machine does not trust; say where nobody can tell who signed it.

    A bundle without signatures, on a machine without a policy, loads nothing here.

    Raises:
        UntrustedBundle: as `edge_runtime.trust.verify_bundle` says.
    """
    from edge_runtime.bundle import policy_path

    if not (bundle.signatures or required or policy_path()):
        return
    from edge_runtime.trust import verify_bundle

    verify_bundle(bundle, required=required)
    say_unchecked(bundle)


def say_unchecked(bundle: Bundle) -> None:
    """Say of a bundle that is signed that nobody can tell by whom, where that is so."""
    if bundle.signers and not bundle.signers.are_checked:
        from edge_runtime.console import say
        from edge_runtime.cures import installing

        say(f"{bundle.path}: is signed, and this machine cannot verify it; {installing('trust')}")


def settle_store(path: str) -> None:
    """Where `path` is a store of installed models, check the one that waits to answer, if any.

    Raises:
        NotABundle, IntegrityError: the record of the store is not what was written.
    """
    if not os.path.isdir(path):
        return
    from edge_runtime.bundle.installed import is_store, store_content

    if is_store(path) and store_content(path).get("pending"):
        from edge_runtime.console import say
        from edge_runtime.installation.store import settle_at_start

        settle_at_start(path, lambda line: say(f"edge-run: {line}"))


def store_named(options: dict[str, str]) -> str:
    """Return the store that a command line names, or `$EDGE_BUNDLE` where that is one.

    Raises:
        UsageError: neither names one.
    """
    from edge_runtime.bundle.installed import is_store

    named = options.get("store") or os.environ.get("EDGE_BUNDLE", "")
    if "store" in options or (named and is_store(named)):
        return named
    raise UsageError("--store", "none given", "name the folder of the installed models")


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
