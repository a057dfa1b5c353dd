"""A heatmap as a picture: the film, the map over it, a scale with numbers, and what it cannot tell.

Drawn with Pillow alone. One hue speaks for either class, blue and orange, which readers with any
common colour vision tell apart; the less a place matters, the more of the film shows through.
"""

from __future__ import annotations

from functools import cache

from PIL import Image, ImageDraw, ImageFont

from edge_runtime.answer.decide import calibrated
from edge_runtime.answer.occlusion import CELLS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_runtime.answer.classify import Answer
    from edge_runtime.answer.occlusion import Heatmap
    from edge_runtime.bundle.manifest import Manifest
    from edge_runtime.bundle.records import Classes, Decision

    Font = ImageFont.ImageFont | ImageFont.FreeTypeFont
    Colour = tuple[int, int, int]

LEAST_SCALE = 0.1
"""The least logit at the scale's ends: a map of nothing stays pale instead of being magnified."""

_MARGIN, _GAP, _PANEL = 40, 32, 448
_WIDTH = 2 * _MARGIN + 2 * _PANEL + _GAP
_PAGE, _INK, _QUIET, _LINE = (18, 20, 23), (240, 240, 238), (165, 170, 176), (62, 66, 72)
_NEGATIVE, _POSITIVE = (56, 148, 255), (255, 138, 31)
_STRONGEST = 0.72  # of the colour at the scale's ends; the rest is film
_DIMMED = 0.85  # of the film under the map, so that white bones take colour too
_BAR = (96, 96, 96)  # what the scale's colours lie on, a middle grey of films
_NO_PROOF = {"film": "not where disease is", "picture": "not what is really there"}
_LIMITS = (
    "The map shows what this model's answer depends on, {no_proof}. It was made by "
    "hiding {patches} overlapping patches of the {thing}, one at a time, behind a blurred copy. "
    "Research use; not a medical device."
)


def draw_figure(
    film: Image.Image,
    heatmap: Heatmap,
    answer: Answer,
    *,
    manifest: Manifest,
    decision: Decision,
    size: tuple[int, int] | None = None,
) -> Image.Image:
    """Return the picture of the map of `film`, which is as the graph takes it.

    `size` is (width, height) in pixels of the film in its file, upright, where that is known.
    """
    scale = decision.calibration.scale
    cells = [[scale * value for value in row] for row in heatmap.cells]
    limit = max(LEAST_SCALE, *(abs(value) for row in cells for value in row))
    ratio = _PANEL / max(film.size)
    panel = (max(1, round(ratio * film.width)), max(1, round(ratio * film.height)))
    shown = film.convert("RGB").resize(panel, Image.Resampling.BICUBIC)
    page = _Page(panel[1] + 600)
    page.write(f"Answer: {answer.label}", 28)
    page.write(_summary(answer, manifest, decision), 15, _QUIET, gap=22)
    top, right = page.y, _MARGIN + _PANEL + _GAP
    page.image.paste(shown, (_MARGIN, top))
    dimmed = shown.point([round(_DIMMED * level) for level in range(256)] * 3)
    page.image.paste(_overlaid(dimmed, _levels(cells, limit, panel)), (right, top))
    if heatmap.place:
        _frame(page, (right, top), panel, heatmap.place)  # the film itself stays as it is
    page.y = top + panel[1] + 14
    strongest = calibrated(heatmap.strongest, decision.calibration)
    _describe(page, film, size, manifest)
    _tell_strongest(page, answer, strongest, heatmap.place)
    _scale(page, (right, page.y), limit, manifest.classes)
    page.y += 112
    page.rule()
    thing = _thing(manifest)
    told = _LIMITS.format(patches=heatmap.patches, thing=thing, no_proof=_NO_PROOF[thing])
    page.write(told, 14, _QUIET)
    page.write(f"{manifest.name} {manifest.version}, {manifest.identity[:16]}", 14, _QUIET)
    return page.finished()


def draw_overlay(heatmap: Heatmap, size: tuple[int, int], decision: Decision) -> Image.Image:
    """Return the map alone as RGBA of `size`, to lie over the film as the graph sees it.

    The less a place matters, the more transparent it is.
    """
    scale = decision.calibration.scale
    cells = [[scale * value for value in row] for row in heatmap.cells]
    limit = max(LEAST_SCALE, *(abs(value) for row in cells for value in row))
    bands, mask = _coloured(_levels(cells, limit, size))
    return Image.merge("RGBA", [*bands, mask])


class _Page:
    """A page that is written from the top; `y` is where the next line goes."""

    def __init__(self, height: int) -> None:
        self.image = Image.new("RGB", (_WIDTH, height), _PAGE)
        self.draw = ImageDraw.Draw(self.image)
        self.y = _MARGIN

    def text(
        self,
        place: tuple[float, float],
        text: str,
        size: int,
        colour: Colour = _INK,
        side: str = "l",
    ) -> int:
        """Write one line whose left, middle or right is at `place`; return its height."""
        text, font = _ascii(text), _font(size)
        x = place[0] - {"l": 0.0, "m": 0.5, "r": 1.0}[side] * self.draw.textlength(text, font)
        self.draw.text((x, place[1]), text, fill=colour, font=font)
        return round(size * 1.45)

    def write(self, text: str, size: int, colour: Colour = _INK, *, gap: int = 4) -> None:
        """Write a paragraph over the width of the page, and `gap` below it."""
        width, lines = _WIDTH - 2 * _MARGIN, [""]
        for word in text.split():
            longer = f"{lines[-1]} {word}".strip()
            if lines[-1] and not self.fits(longer, size, width):
                lines.append(word)
            else:
                lines[-1] = longer
        for line in lines:
            place = (_MARGIN, self.y)
            self.y += self.text(place, self.shortened(line, size, width), size, colour)
        self.y += gap

    def fits(self, text: str, size: int, width: int) -> bool:
        """Tell whether `text` in one line is no wider than `width`."""
        return self.draw.textlength(_ascii(text), _font(size)) <= width

    def shortened(self, text: str, size: int, width: int) -> str:
        """Return `text`, or as much of its beginning as fits into `width`."""
        kept = len(text)
        while not self.fits(text if kept == len(text) else f"{text[:kept]}...", size, width):
            kept -= 1
        return text if kept == len(text) else f"{text[:kept]}..."

    def rule(self) -> None:
        """Draw a line over the width of the page."""
        self.draw.line((_MARGIN, self.y, _WIDTH - _MARGIN, self.y), _LINE)
        self.y += 18

    def finished(self) -> Image.Image:
        """Return the page, as long as what is written on it."""
        return self.image.crop((0, 0, _WIDTH, self.y + _MARGIN - 8))


def _ascii(text: str) -> str:
    """Return `text` in the letters that Pillow's own font has."""
    return text.encode("ascii", "replace").decode("ascii")


@cache
def _font(size: int) -> Font:
    try:
        return ImageFont.load_default(size)
    except ImportError:  # a Pillow built without FreeType has one size
        return ImageFont.load_default_imagefont()


def _thing(manifest: Manifest) -> str:
    return "picture" if manifest.intended_use.modality == "other" else "film"


def _summary(answer: Answer, manifest: Manifest, decision: Decision) -> str:
    band = decision.uncertain
    return (
        f"probability of {manifest.classes.positive} {answer.probability:.2f}, decided at "
        f"{decision.threshold:.2f}, uncertain from {band.low:.2f} to {band.high:.2f}"
    )


def _describe(
    page: _Page, film: Image.Image, size: tuple[int, int] | None, manifest: Manifest
) -> None:
    """Say below the film what it is, and what was done to its shape."""
    page.text((_MARGIN, page.y), f"The {_thing(manifest)} as the graph sees it", 16)
    told = f"{film.width} x {film.height} pixels"
    if size:
        crop = manifest.preprocess.crop or 1.0
        middle = f" the middle {100 * crop:.0f} % of" if crop < 1 else " of"
        told += f",{middle} {size[0]} x {size[1]}"
        if size[0] * film.height != size[1] * film.width:
            told += f": {_squashed(film.size, size)}"
    page.text((_MARGIN, page.y + 26), page.shortened(told, 14, _PANEL), 14, _QUIET)


def _squashed(seen: tuple[int, int], size: tuple[int, int]) -> str:
    """Return in which direction a film of `size` was made narrower than the other, and how much."""
    ratio = size[0] * seen[1] / (size[1] * seen[0])
    direction, share = ("across", 1 - 1 / ratio) if ratio > 1 else ("from top to bottom", 1 - ratio)
    return f"squashed {direction} by {100 * share:.0f} %"


def _tell_strongest(
    page: _Page, answer: Answer, strongest: float, place: tuple[int, int] | None
) -> None:
    """Say what hiding the patch that matters most does, and where it lies on the picture."""
    lines = ["No patch changes the answer when it is hidden"]
    if place:
        lines = [
            f"Strongest patch, framed: {_where(place)} of the picture",
            f"Hidden, it takes the probability from {answer.probability:.2f} to {strongest:.2f}",
        ]
    for number, line in enumerate(lines):
        page.text((_MARGIN, page.y + 48 + 22 * number), line, 14, _QUIET)


def _where(place: tuple[int, int]) -> str:
    """Return in words where a patch lies on the picture; its left is not the patient's."""
    thirds = [(at + 1) * 3 // CELLS for at in place]  # of the middle of the patch
    down, across = ("top", "middle", "bottom")[thirds[0]], ("left", "centre", "right")[thirds[1]]
    return "centre" if (down, across) == ("middle", "centre") else f"{down} {across}"


def _frame(
    page: _Page, corner: tuple[int, int], panel: tuple[int, int], place: tuple[int, int]
) -> None:
    """Frame the patch of two by two cells on a panel whose upper left is `corner`."""
    (row, column), (width, height) = place, panel
    left, right = (corner[0] + round(width * at / CELLS) for at in (column, column + 2))
    top, bottom = (corner[1] + round(height * at / CELLS) for at in (row, row + 2))
    # A panel may be one pixel high.
    if right - left > 4 and bottom - top > 4:
        page.draw.rectangle((left, top, right - 1, bottom - 1), outline=_PAGE, width=3)
        page.draw.rectangle((left + 1, top + 1, right - 2, bottom - 2), outline=_INK)


def _scale(page: _Page, place: tuple[int, int], limit: float, classes: Classes) -> None:
    """Draw below the map what it is, and its scale with numbers."""
    x, y = place
    middle, end = x + _PANEL // 2, x + _PANEL
    page.text((x, y), "What the answer depends on", 16)
    page.text((end, y + 1), "logit lost when hidden", 14, _QUIET, "r")
    ramp = Image.linear_gradient("L").rotate(90).resize((_PANEL, 10))
    bar = Image.new("RGB", ramp.size, _BAR)
    page.image.paste(_overlaid(bar, ramp), (x, y + 30))
    page.text((x, y + 46), f"-{limit:.2f}", 14)
    page.text((middle, y + 46), "0", 14, side="m")
    page.text((end, y + 46), f"+{limit:.2f}", 14, side="r")
    for at, side, name, colour in (
        (x, "l", classes.negative, _NEGATIVE),
        (end, "r", classes.positive, _POSITIVE),
    ):
        said = page.shortened(f"speaks for {name}", 14, _PANEL // 2 - 8)
        page.text((at, y + 68), said, 14, colour, side)


def _levels(cells: Sequence[Sequence[float]], limit: float, size: tuple[int, int]) -> Image.Image:
    """Return the map as grey levels: 0 at -`limit`, 255 at `limit`, smooth between the cells."""
    small = Image.new("F", (len(cells[0]), len(cells)))
    small.putdata([127.5 + 127.5 * value / limit for row in cells for value in row])
    return small.resize(size, Image.Resampling.BICUBIC).convert("L")


def _overlaid(picture: Image.Image, levels: Image.Image) -> Image.Image:
    """Return `picture` under the colours of `levels`."""
    bands, mask = _coloured(levels)
    return Image.composite(Image.merge("RGB", bands), picture, mask)


def _coloured(levels: Image.Image) -> tuple[list[Image.Image], Image.Image]:
    """Return red, green and blue of `levels`, and how much they cover."""
    strengths = [abs(level - 127.5) / 127.5 for level in range(256)]
    mask = levels.point([round(255 * _STRONGEST * strength) for strength in strengths])
    bands = [
        levels.point([low if level < 128 else high for level in range(256)])
        for low, high in zip(_NEGATIVE, _POSITIVE, strict=True)
    ]
    return bands, mask
