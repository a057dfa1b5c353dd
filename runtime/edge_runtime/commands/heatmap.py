"""`edge-run classify --heatmap`: what it goes with, and drawing it."""

from __future__ import annotations

import os

from edge_runtime.answer.heatmap import write_heatmap
from edge_runtime.console import say
from edge_runtime.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from edge_runtime.bundle import Bundle
    from edge_runtime.bundle.records import Decision
    from edge_runtime.engines import Engine


def refuse_what_clashes(paths: list[str], options: dict[str, str]) -> None:
    """Refuse a heat map of anything but one film, or under a name that is none of a PNG.

    Raises:
        UsageError: it is one of these.
    """
    if "files-from" in options or len(paths) != 1 or os.path.isdir(paths[0]):  # noqa: PTH112
        raise UsageError("--heatmap", "is for one film", "name one, and no folder")
    if "isolated" in options:
        problem = "reads the film in this process"
        raise UsageError("--heatmap", problem, "leave --heatmap or --isolated out")
    if "resume" in options:
        raise UsageError("--heatmap", "does not go with --resume", "leave one of them out")
    if not options["heatmap"].lower().endswith(".png"):
        problem = f"{options['heatmap']!r} is no name of a PNG"
        raise UsageError("--heatmap", problem, "let it end in .png")


def draw(
    out: str, film: str, bundle: Bundle, engine: Engine, decision: Decision, *, status: int
) -> None:
    """Draw what the answer for a film depends on, unless `status` says that it has none."""
    if status:
        say(f"edge-run: {out}: not drawn, because the film has no answer")
        return
    write_heatmap(film, bundle, engine, out, decision)
