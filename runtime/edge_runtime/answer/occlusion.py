"""Where an answer comes from: parts of the film are hidden one by one, and the graph asked again.

Occlusion sensitivity (Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks",
2014, section 4.2) needs nothing but the graph's answers, so that the map is of the very int8 graph
that gave the answer. A part is hidden by a blurred copy of the film, through a soft edge: a black
or grey square would be a new thing on the film, with four edges that no graph has seen in training
(Fong and Vedaldi, "Interpretable Explanations of Black Boxes by Meaningful Perturbation", 2017).
"""

from __future__ import annotations

from itertools import product

from PIL import Image, ImageFilter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge_runtime.engines import Engine

CELLS = 8
"""Cells along each side of the map. A patch hides two by two of them, so 7 x 7 patches overlap."""


class Heatmap:
    """How much each cell of a film speaks for the positive class.

    `cells` holds `CELLS` rows of `CELLS` differences of the logit: what hiding the cell takes away
    from it, on average over the patches that cover it. `strongest` is the logit that is furthest
    from the film's own among those with one of the `patches` hidden, and `place` row and column of
    the first of the two by two cells of that patch; None where no patch changes anything.
    """

    __slots__ = ("cells", "patches", "place", "strongest")

    def __init__(
        self,
        cells: list[list[float]],
        patches: int,
        strongest: float,
        place: tuple[int, int] | None = None,
    ) -> None:
        self.cells = cells
        self.patches = patches
        self.strongest = strongest
        self.place = place


def occlusion(film: Image.Image, engine: Engine) -> Heatmap:
    """Return the map of `film`, which is as the graph takes it; asks `engine` fifty times.

    Raises:
        EngineUnavailable: the engine failed.
    """
    whole = engine.logits(film.tobytes())[0]
    found: list[list[list[float]]] = [[[] for _ in range(CELLS)] for _ in range(CELLS)]
    logits: list[tuple[float, tuple[int, int]]] = []
    for row, column, hidden in _hidden(film):
        logit = engine.logits(hidden.tobytes())[0]
        logits.append((logit, (row, column)))
        for y, x in product((row, row + 1), (column, column + 1)):
            found[y][x].append(whole - logit)
    cells = [[sum(values) / len(values) for values in row] for row in found]
    strongest, place = max(logits, key=lambda hidden: abs(hidden[0] - whole))
    return Heatmap(cells, len(logits), strongest, None if strongest == whole else place)


def _hidden(film: Image.Image) -> Iterator[tuple[int, int, Image.Image]]:
    """Yield row and column of each patch's first cell, and `film` with that patch blurred."""
    width, height = film.size
    cell = max(film.size) / CELLS
    blurred = film.filter(ImageFilter.GaussianBlur(cell))
    for row in range(CELLS - 1):
        for column in range(CELLS - 1):
            left, right = (round(width * at / CELLS) for at in (column, column + 2))
            top, bottom = (round(height * at / CELLS) for at in (row, row + 2))
            mask = Image.new("L", film.size)
            mask.paste(255, (left, top, right, bottom))
            mask = mask.filter(ImageFilter.GaussianBlur(cell / 8))
            yield row, column, Image.composite(blurred, film, mask)
