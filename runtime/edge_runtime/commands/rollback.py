"""`edge-run rollback`: the model that answered before answers again."""

from __future__ import annotations

from edge_runtime.commands import store_named
from edge_runtime.console import say
from edge_runtime.errors import UsageError
from edge_runtime.installation.golden import Unfinished
from edge_runtime.installation.store import ModelStore

OPTIONS = ("store=",)
USAGE = """\
usage: edge-run rollback [--store DIR]

Let the model that answered before the current one answer again, once its golden
films were replayed here. The current one is kept, and no update installs it
again by itself; a second rollback goes back to it.

  --store DIR  the store; else $EDGE_BUNDLE, where that is one

Exit status: 0 done, 2 usage, nothing to go back to, or an update is at it,
4 the model before is not whole or does not answer, 10 cannot write.
"""


def run(paths: list[str], options: dict[str, str]) -> int:
    """Go back by one model."""
    if paths:
        raise UsageError(paths[0], "nothing to do with it", "name the store with --store")
    store = ModelStore(store_named(options))
    with store.writing():
        try:
            store.roll_back(lambda line: say(f"edge-run: {line}"))
        except Unfinished as error:
            raise UsageError(store.folder, str(error), "try it again") from error
    return 0
