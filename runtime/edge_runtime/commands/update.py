"""`edge-run update`: the newest model of a repository, installed so that no power cut hurts."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path

from edge_runtime.commands import store_named
from edge_runtime.console import say, write
from edge_runtime.cures import installing
from edge_runtime.errors import DataError, NoEngine, UsageError
from edge_runtime.installation.record import Following
from edge_runtime.installation.store import ModelStore

OPTIONS = (
    *("channel=", "format=", "from=", "model=", "region=", "root=", "store="),
    *("again", "status"),
)
USAGE = """\
usage: edge-run update --from URL|FOLDER [--store DIR]
       edge-run update --from URL|FOLDER --store NEW --root ROOT.json
       edge-run update --status [--store DIR]

Install the newest model that a repository offers to this box: fetched from a
server or from a stick, with the same checks of signatures (TUF), written beside
the current one, checked by its golden films on this machine, and only then the
one that answers. Name the store wherever a bundle is named: --bundle DIR. The
page, the tray and the DICOM node go over to a new model between two films.

  --from SOURCE    http://, https://, or the folder of a repository
  --store DIR      the installed models; else $EDGE_BUNDLE, where that is one
  --root FILE      make the store, which trusts this root.json from then on
  --channel C      stable or pilot; kept, as are the next two
  --region R       take the thresholds that the region R publishes; "" is none
  --model NAME     the model, where a repository offers several
  --again          also a model that was thrown out here or gone back from
  --status         show what answers, what waits and what is followed
  --format F       of --status: table or json

Exit status: 0 done, or nothing newer; 2 usage, or another update is at it,
4 the repository is not what was signed, is older than what was seen, or is over
its time (the installed model goes on), 6 no packages for it, 7 thrown out by
its golden films (the model before goes on), 9 it cannot be had, 10 cannot
write.
"""


def run(paths: list[str], options: dict[str, str]) -> int:
    """Update a store, or show it."""
    if paths:
        raise UsageError(paths[0], "nothing to do with it", "name the repository with --from")
    if "status" in options:
        return _show(options)
    if "from" not in options:
        raise UsageError("--from", "none given", "name the repository, or ask for --status")
    if not find_spec("tuf"):
        raise NoEngine("update", "needs tuf, which is not installed", installing("trust"))
    from edge_runtime.updates.fetching import fetcher_of
    from edge_runtime.updates.update import update

    address, fetcher = fetcher_of(options["from"])
    store = _store(options)
    with store.writing():
        _follow(store, options)
        update(store, address, fetcher, _say, again="again" in options)
    return 0


def _say(line: str) -> None:
    say(f"edge-run: {line}")


def _store(options: dict[str, str]) -> ModelStore:
    """Return the store, which is made where a root is given for it."""
    from edge_runtime.bundle.installed import is_store
    from edge_runtime.updates.trusted import TRUST, Trusted

    folder = store_named(options)
    if "root" not in options:
        return ModelStore(folder)
    root = _root(options["root"])
    if not is_store(folder):
        return ModelStore.made(folder, {TRUST: Trusted.beginning(root, options["root"]).to_bytes()})
    if Trusted.read(folder).root.encode() != root:
        cure = "leave --root out; new keys come by updates"
        raise UsageError("--root", "is another one than this store began with", cure)
    return ModelStore(folder)


def _root(path: str) -> bytes:
    try:
        with Path(path).open("rb") as stream:
            return stream.read(1 << 20)
    except OSError as error:
        problem = f"cannot be read ({error.strerror or error})"
        raise DataError(path, problem, "name the root.json of the repository's maker") from error


def _follow(store: ModelStore, options: dict[str, str]) -> None:
    """Keep what is to be followed from now on."""
    from edge_runtime.updates.release import CHANNELS

    state = store.state
    before = state.following
    channel = options.get("channel", before.channel)
    if channel not in CHANNELS:
        cure = f"one of: {', '.join(CHANNELS)}"
        raise UsageError("--channel", f"{channel!r} is not known here", cure)
    model = options.get("model", before.model or "") or None
    region = options.get("region", before.region or "") or None
    if model and state.current and model != state.current.name:
        problem = f"the store has {state.current.name}"
        raise UsageError("--model", problem, "give each model a store of its own")
    following = Following(channel, region, model)
    if following != before:
        store.change(replace(state, following=following))


def _show(options: dict[str, str]) -> int:
    state = ModelStore(store_named(options)).state
    form = options.get("format", "table")
    if form == "json":
        write(json.dumps(asdict(state), indent=2, sort_keys=True) + "\n")
        return 0
    if form != "table":
        raise UsageError("--format", f"{form!r} is not known here", "one of: table, json")
    following = state.following
    region = f", thresholds of {following.region}" if following.region else ""
    rows = [("answers", state.current), ("before it", state.previous), ("waits", state.pending)]
    lines = [f"{name:<10} {model or 'none'}" for name, model in rows]
    lines.append(f"{'follows':<10} {following.channel}{region}")
    lines += [f"{'held':<10} {identity[:16]}: {why}" for identity, why in state.held.items()]
    write("\n".join(lines) + "\n")
    return 0
