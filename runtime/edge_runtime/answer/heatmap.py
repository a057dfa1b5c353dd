"""What the answer for a film depends on, as a picture."""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO
from pathlib import Path

from PIL import Image, PngImagePlugin  # noqa: F401 - to save as PNG

from edge_runtime.answer.classify import classify
from edge_runtime.answer.figure import draw_figure
from edge_runtime.answer.occlusion import occlusion
from edge_runtime.engines import EngineUnavailable
from edge_runtime.errors import CannotWrite, FilmError
from edge_runtime.film.preprocess import film_stages
from edge_runtime.output import write_whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os

    from edge_runtime.bundle import Bundle
    from edge_runtime.bundle.records import Decision, Preprocess
    from edge_runtime.engines import Engine


def write_heatmap(
    path: str | os.PathLike[str],
    bundle: Bundle,
    engine: Engine,
    out: str | os.PathLike[str],
    decision: Decision | None = None,
) -> None:
    """Write what the answer for the film at `path` depends on as the PNG `out`.

    The film as the graph sees it stands beside the film with the map over it, with the answer, a
    scale and the map's limits. No name, time or other metadata goes in; what is burned into the
    film's pixels stays in them. `decision` takes the place of the bundle's.

    Raises:
        FilmError: the film has no answer that could be explained.
        CannotWrite: `out` is the film itself, or the disk did not take it.
    """
    decision = decision or bundle.manifest.decision
    answer = classify(path, bundle, engine, decision=decision)
    if answer.error:
        raise answer.error
    if _are_one(path, out):
        raise CannotWrite(out, "is the film itself", "give another name")
    film, size = _prepared(path, bundle.manifest.preprocess)
    try:
        found = occlusion(film, engine)
    except EngineUnavailable as error:
        raise FilmError(path, str(error), "try another --engine") from error
    figure = draw_figure(
        film, found, answer, manifest=bundle.manifest, decision=decision, size=size
    )
    stream = BytesIO()
    figure.save(stream, "PNG")
    write_whole(out, stream.getvalue())


def _prepared(
    path: str | os.PathLike[str], recipe: Preprocess
) -> tuple[Image.Image, tuple[int, int]]:
    """Return the film as the graph takes it, and its width and height before it was resized."""
    stages = film_stages(path, recipe)
    next(stages)  # no stage is kept, or two of a large film would be in memory at once
    size = next(stages)[1].size
    next(stages)
    return next(stages)[1], size


def _are_one(path: str | os.PathLike[str], out: str | os.PathLike[str]) -> bool:
    """Tell whether two names, links included, lead to one file."""
    with suppress(OSError, ValueError):
        return Path(out).samefile(path)
    return False
