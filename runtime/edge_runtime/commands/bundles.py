"""`edge-run bundles`: the bundles of this user, and which one is used when none is named."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from edge_runtime.bundle import open_bundle
from edge_runtime.bundle.defaults import (
    DefaultBundle,
    choosing,
    data_folder,
    default_bundle,
    used_in,
)
from edge_runtime.bundle.store import ADDED, REPLACED, Addition, Store, StoredBundle, examine
from edge_runtime.commands import require_trusted
from edge_runtime.console import say, write
from edge_runtime.errors import CannotWrite, EdgeError, UsageError
from edge_runtime.text import printable

OPTIONS = ("add", "format=", "in-use", "keep", "remove", "replace", "use")
USAGE = """\
usage: edge-run bundles [--format F]
       edge-run bundles --use NAME
       edge-run bundles --add FILE... [--replace | --keep] [--use]
       edge-run bundles --remove NAME... [--in-use]

Show the bundles in the data folder, all of their bytes checked, and which one
is used when none is named: that of $EDGE_BUNDLE, else the chosen one, else the
only one. Where there are several and none was chosen, none is used.

  --use        choose NAME, a file in the data folder, or the one that is added
  --add        copy bundles there; the one that is used stays so, and the first
               one in an empty folder is chosen
  --replace    with --add: also where another bundle has that file name
  --keep       with --add, as installers add: replaces what an installer wrote,
               unless somebody has changed, added or chosen it since; beside any
               other bundle of that file name the new one is NAME-IDENTITY.edge
  --remove     remove bundles from there
  --in-use     with --remove: also the one that is used
  --format F   table or json

Exit status: 0 done, or shown and one is used; 2 none is used, 3 and 4 the one
that is used is no bundle or was changed; 10 cannot write.
"""


def run(paths: list[str], options: dict[str, str]) -> int:
    """Change what is asked for, then list the bundles as they are."""
    form = options.get("format", "table")
    if form not in ("table", "json"):
        raise UsageError("--format", f"{form!r} is not known here", "one of: table, json")
    _refuse_what_clashes(paths, options)
    folder = data_folder()
    if folder is None:
        cure = "name bundles with --bundle or EDGE_BUNDLE"
        raise UsageError("bundles", "this user has no home folder", cure)
    store = Store(folder)
    done = _carried_out(store, paths, options)
    used = _used()
    if done:
        say(f"edge-run: {'; '.join([*done, _in_use(used, store)])}")
    shown = _document(store, used) if form == "json" else _table(store, used)
    write(shown)
    problem = used if isinstance(used, UsageError) else used[1].problem
    return problem.exit_status if problem and not done else 0


def _refuse_what_clashes(paths: list[str], options: dict[str, str]) -> None:
    actions = [name for name in ("add", "remove", "use") if name in options]
    if paths and not actions:
        raise UsageError(paths[0], "nothing to do with it", "say --use, --add or --remove")
    if actions and not paths:
        raise UsageError(f"--{actions[0]}", "no bundle given", "name one")
    if "remove" in actions and len(actions) > 1:
        (action,) = set(actions[:2]) - {"remove"}
        raise UsageError("--remove", f"does not go with --{action}", "do one after the other")
    if "use" in options and len(paths) > 1:
        raise UsageError("--use", "more than one bundle given", "name one")
    if "replace" in options and "keep" in options:
        raise UsageError("--replace", "does not go with --keep", "leave one of them out")
    for name, of in (("replace", "add"), ("keep", "add"), ("in-use", "remove")):
        if name in options and of not in options:
            raise UsageError(f"--{name}", f"is for --{of}", f"add --{of}, or leave it out")


def _carried_out(store: Store, paths: list[str], options: dict[str, str]) -> list[str]:
    """Return in words what was changed."""
    if "add" in options:
        for path in paths:
            _require_trusted(path)
        changes = store.add(paths, replace="replace" in options, keep="keep" in options)
        if "use" in options:
            store.choose(Path(changes[0].entry.path).name)
        return [_changed(change) for change in changes]
    if "remove" in options:
        names = list(dict.fromkeys(store.named(path) for path in paths))
        if "in-use" not in options:
            _require_unused(store, names)
        for name in names:
            store.remove(name)
        return [f"removed {name}" for name in names]
    if "use" in options:
        _require_trusted(store.path(store.named(paths[0])))
        return [f"chosen {Path(store.choose(store.named(paths[0])).path).name}"]
    return []


def _require_trusted(path: str) -> None:
    """Refuse to add or to choose what no command would take afterwards."""
    with open_bundle(path) as bundle:
        require_trusted(bundle)


def _changed(change: Addition) -> str:
    name = Path(change.entry.path).name
    words = f"{name}: {change.entry.words}"
    if change.state == REPLACED and change.before:
        return f"replaced {words}; before that {change.before.words}"
    if change.before:  # which has the file name that the new one was to have
        using = choosing("to use it", name)
        return f"added {words}, beside the file of its name, which stays; {using}"
    return f"added {words}" if change.state == ADDED else f"{words}, {change.state}"


def _require_unused(store: Store, names: list[str]) -> None:
    """Refuse to remove the bundle that is used when none is named, here or by `$EDGE_BUNDLE`."""
    used = set()
    with suppress(UsageError):
        used.add(os.path.realpath(default_bundle().path))
    with suppress(UsageError):
        default = used_in(store.folder)
        used |= {os.path.realpath(default.path)} if default else set()
    for name in names:
        path = store.path(name)
        if os.path.realpath(path) in used:
            cure = "choose another first (--use NAME), or add --in-use"
            raise CannotWrite(path, "is the one that is used", cure)


def _used() -> tuple[DefaultBundle, StoredBundle] | UsageError:
    """Return the bundle that is used when none is named, or why there is none."""
    try:
        default = default_bundle()
    except UsageError as error:
        return error
    return default, examine(default)


def _in_use(used: tuple[DefaultBundle, StoredBundle] | UsageError, store: Store) -> str:
    """Return in words which bundle is used."""
    if isinstance(used, UsageError):
        return f"in use: none: {used.problem}; {used.cure}"
    default, entry = used
    head = f"in use: {_shown(default.path, store)} ({default.why})"
    return head if entry.problem is None else f"{head}, which cannot be used: {_why(entry.problem)}"


def _shown(path: str, store: Store) -> str:
    """Return the name of a file in the data folder, or the path of another."""
    name = Path(path).name
    return name if path == store.path(name) else path


def _why(problem: EdgeError) -> str:
    return problem.problem + (f"; {problem.cure}" if problem.cure else "")


def _listed(
    store: Store, used: tuple[DefaultBundle, StoredBundle] | UsageError
) -> list[tuple[StoredBundle, bool]]:
    """Return every bundle in the data folder and the one that is used, and which that is."""
    entries = store.entries()
    if isinstance(used, UsageError):
        return [(entry, False) for entry in entries]
    inside = [
        (used[1], True) if entry.path == used[0].path else (entry, False) for entry in entries
    ]
    return inside if any(is_used for _, is_used in inside) else [(used[1], True), *inside]


def _table(store: Store, used: tuple[DefaultBundle, StoredBundle] | UsageError) -> str:
    rows = []
    for entry, is_used in _listed(store, used):
        name, manifest = printable(_shown(entry.path, store)), entry.manifest
        what = [printable(_why(entry.problem))] if entry.problem else [""]
        if manifest:
            what = [f"{manifest.name} {manifest.version}", manifest.verdict, manifest.identity[:16]]
        rows.append(["*" if is_used else "", name, *what])
    lines = _aligned([["", "file", "bundle", "verdict", "identity"], *rows]) if rows else []
    lines += ["", printable(f"data folder: {store.folder}"), printable(_in_use(used, store))]
    return "\n".join(lines).lstrip("\n") + "\n"


def _aligned(rows: list[list[str]]) -> list[str]:
    """Return rows in columns; the last cell of a short row may reach into the next ones."""
    columns = range(max(map(len, rows)))
    cells = [[row[n] for row in rows if len(row) > n + 1] for n in columns]
    widths = [max(map(len, column), default=0) for column in cells]
    return [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)).rstrip()
        for row in rows
    ]


def _document(store: Store, used: tuple[DefaultBundle, StoredBundle] | UsageError) -> str:
    bundles = []
    for entry, is_used in _listed(store, used):
        manifest, problem = entry.manifest, entry.problem
        bundles.append({
            "file": entry.path, "in_use": is_used, "name": manifest and manifest.name,
            "version": manifest and manifest.version, "identity": manifest and manifest.identity,
            "verdict": manifest and manifest.verdict, "problem": problem and problem.problem,
            "cure": problem and problem.cure,
        })  # fmt: skip
    content: dict[str, object] = {"folder": store.folder, "in_use": None, "problem": None}
    if isinstance(used, UsageError):
        content["problem"] = _why(used)
    else:
        content["in_use"] = {"file": used[0].path, "why": used[0].why}
    return json.dumps({**content, "bundles": bundles}, indent=2) + "\n"
