"""Which bundle is used when none is named.

`$EDGE_BUNDLE` counts first. Of those in the data folder it is the one that was chosen, which the
folder's `bundles.json` names by file and identity; without a choice, the only one that is there.
Several without a choice, and a chosen one that is gone or another by now, are errors: which bundle
answers never changes by copying a file. On the cold path, hence what it does not import.
"""
# ruff: noqa: PTH110, PTH111, PTH118, PTH119, PTH123, PTH208

from __future__ import annotations

import json
import os
import sys

from edge_runtime.bundle import open_bundle
from edge_runtime.errors import IntegrityError, NotABundle, UsageError
from edge_runtime.ownership import require_own

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NotRequired, TypedDict

    from edge_runtime.bundle import Bundle

    class BundlesRecord(TypedDict):
        """What `bundles.json` holds."""

        chosen: dict[str, str] | None
        """The `file` and the `identity` of the bundle that was chosen."""
        added: dict[str, str]
        """File -> SHA-256 of what `edge-run bundles --add` wrote: uninstalling removes these."""
        installed: NotRequired[list[str]]
        """Those of `added` that an installer wrote, and that nobody has named since."""


RECORD = "bundles.json"
SUFFIX = ".edge"
_NAMED = "name a bundle with --bundle or EDGE_BUNDLE"


class DamagedRecord(UsageError):
    """`bundles.json` is not what we wrote, so that nobody knows what was chosen."""


class DefaultBundle:
    """The bundle at `path`, `why` it is used, and its `identity` where one was chosen."""

    __slots__ = ("identity", "path", "why")

    def __init__(self, path: str, why: str, identity: str | None = None) -> None:
        self.path = path
        self.why = why
        self.identity = identity


def data_folder() -> str | None:
    """Return the folder of this user for bundles, or `None` where the user has no home."""
    home = os.path.expanduser("~")
    if home == "~":
        return None
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA") or os.path.join(home, "AppData", "Local")
        return os.path.join(local, "edge-kit")
    if sys.platform == "darwin":
        return os.path.join(home, "Library", "Application Support", "edge-kit")
    data = os.environ.get("XDG_DATA_HOME") or os.path.join(home, ".local", "share")
    return os.path.join(data, "edge-kit")


def choosing(words: str, name: str = "NAME") -> str:
    """Return a cure: the command that chooses the bundle `name`, after `words`."""
    from edge_runtime.cures import program, quoted

    return f"{words}: {program()} bundles --use {quoted(name)}"


def adding(words: str) -> str:
    """Return a cure: the command that adds a bundle, after `words`."""
    from edge_runtime.cures import program

    return f"{words}: {program()} bundles --add FILE.edge"


def bundle_names(folder: str) -> list[str]:
    """Return the names of what looks like a bundle in `folder`, sorted; none where it is missing.

    Hidden files are none: macOS leaves a `._NAME` beside each file that it copies to a stick.

    Raises:
        UsageError: the folder cannot be listed.
    """
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        problem = f"cannot be listed ({error.strerror or error})"
        raise UsageError(folder, problem, _NAMED) from error
    return sorted(name for name in names if name[0] != "." and name.lower().endswith(SUFFIX))


def record(folder: str) -> BundlesRecord:
    """Return what `bundles.json` in `folder` holds; nothing was chosen or added without one.

    Raises:
        DamagedRecord: it is not what we wrote.
        UsageError: it cannot be read.
    """
    path = os.path.join(folder, RECORD)
    try:
        with open(path, encoding="utf-8") as stream:
            document = json.load(stream)
        chosen, added = document["chosen"], document["added"]
        plain = [*added, *added.values(), *document.get("installed", ())]
        if chosen is not None:
            plain += [chosen["file"], chosen["identity"]]
        if not all(
            isinstance(text, str) and text == os.path.basename(text) != "" for text in plain
        ):
            raise ValueError("a name is none")
    except (FileNotFoundError, NotADirectoryError):
        return {"chosen": None, "added": {}}
    except OSError as error:
        problem = f"cannot be read ({error.strerror or error})"
        raise UsageError(path, problem, _NAMED) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        cure = choosing("choose a bundle again")
        if not bundle_names(folder):
            cure = adding("begin anew")
        raise DamagedRecord(path, "is not what edge-run wrote", cure) from error
    kept: BundlesRecord = {"chosen": chosen, "added": added}
    if "installed" in document:
        kept["installed"] = list(document["installed"])
    return kept


def used_in(folder: str) -> DefaultBundle | None:
    """Return the bundle in `folder` that is used, or `None` where there is no bundle at all.

    Raises:
        UsageError: there are several and none was chosen, or the folder cannot be read, or others
            may change what is in it.
    """
    for place in (folder, os.path.join(folder, RECORD)):
        require_own(place, UsageError, _NAMED)
    if chosen := record(folder)["chosen"]:
        return DefaultBundle(os.path.join(folder, chosen["file"]), "chosen", chosen["identity"])
    # A link that leads nowhere must not keep us from the only one.
    paths = [os.path.join(folder, name) for name in bundle_names(folder)]
    there = [path for path in paths if os.path.exists(path)]
    if len(there) > 1:
        problem = f"none given, and none of the {len(there)} bundles in {folder} was chosen"
        raise UsageError("--bundle", problem, choosing("choose one"))
    for path in there:  # nobody has written down what it has to be
        require_own(path, UsageError, _NAMED)
    return DefaultBundle(there[0], "the only one") if there else None


def default_bundle() -> DefaultBundle:
    """Return the bundle that is used when none is named, which nobody has opened yet.

    Raises:
        UsageError: there is none, or none of several was chosen.
    """
    if named := os.environ.get("EDGE_BUNDLE"):
        return DefaultBundle(named, "named by EDGE_BUNDLE")
    folder = data_folder()
    default = used_in(folder) if folder else None
    if default is None:
        more = adding(" or add one") if folder else ""
        raise UsageError(
            "--bundle", "none given and none found", f"name one, set EDGE_BUNDLE{more}"
        )
    return default


def open_default() -> Bundle:
    """Return the bundle that is used when none is named, ready for `read`.

    Raises:
        UsageError: as `default_bundle` says.
        NotABundle, IntegrityError: as `require_chosen` says.
    """
    return require_chosen(default_bundle())


def require_chosen(default: DefaultBundle) -> Bundle:
    """Return the bundle of `default`, opened, if it is the one that was chosen.

    Raises:
        NotABundle, IntegrityError: as `open_bundle` says, or it is gone, or another by now.
    """
    if default.identity and not os.path.exists(default.path):
        cure = choosing("put it back, or choose another")
        raise NotABundle(default.path, "was chosen, and is not there", cure)
    bundle = open_bundle(default.path)
    if default.identity and default.identity != bundle.identity:
        now, then = bundle.identity[:16], default.identity[:16]
        problem = f"is not the bundle that was chosen (identity {now}, chosen was {then})"
        name = os.path.basename(default.path)
        cure = choosing("put that one back, or choose this one", name)
        raise IntegrityError(default.path, problem, cure)
    return bundle
