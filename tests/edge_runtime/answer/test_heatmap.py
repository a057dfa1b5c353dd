"""The map shows what the answer depends on, and the picture of it tells nothing else."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import pytest
from PIL import Image, ImageFont

from edge_runtime.answer import figure
from edge_runtime.answer.classify import Answer
from edge_runtime.answer.decide import widened
from edge_runtime.answer.heatmap import write_heatmap
from edge_runtime.answer.occlusion import CELLS, Heatmap, occlusion
from edge_runtime.bundle import Bundle, open_bundle
from edge_runtime.bundle.manifest import Manifest
from edge_runtime.bundle.records import Classes
from edge_runtime.engines import EngineUnavailable, open_engine
from edge_runtime.errors import CannotWrite, FilmError, Refusal
from edge_runtime.film.preprocess import film_pixels
from sample_bundle import sample_manifest
from tiny_bundle import film_image, write_tiny_bundle
from tiny_graphs import SIDE

LAST = CELLS - 1


class Fake:
    """An engine whose logit is `weight` times how much of one cell is as it was, per pixel."""

    name = "litert"

    def __init__(self, film: Image.Image, row: int, column: int, weight: float = 1.0) -> None:
        width, height = film.size
        left, right = (width * at // CELLS for at in (column, column + 1))
        top, bottom = (height * at // CELLS for at in (row, row + 1))
        self._box = (left, top, right, bottom)
        self._mode, self._size, self._weight = film.mode, film.size, weight
        self._known = self._cell(film.tobytes())
        self.seen: list[bytes] = []

    def _cell(self, pixels: bytes) -> bytes:
        return Image.frombytes(self._mode, self._size, pixels).crop(self._box).tobytes()

    def logits(self, pixels: bytes) -> tuple[float, ...]:
        self.seen.append(pixels)
        cell = self._cell(pixels)
        same = sum(one == other for one, other in zip(cell, self._known, strict=True))
        return (self._weight * same / len(cell),)

    def close(self) -> None:
        """Nothing to free."""


class Constant(Fake):
    """An engine that says the same of everything, until it fails."""

    def __init__(self, answers: int = 1000) -> None:
        self._left = answers

    def logits(self, pixels: bytes) -> tuple[float, ...]:
        self._left -= 1
        if self._left < 0:
            raise EngineUnavailable(f"failed on {len(pixels)} bytes")
        return (1.5,)


def noise(width: int = SIDE, height: int = SIDE, mode: str = "L") -> Image.Image:
    shades = Random(5).randbytes(width * height)
    return Image.frombytes("L", (width, height), shades).convert(mode)


def flat(found: Heatmap) -> dict[tuple[int, int], float]:
    return {(y, x): value for y, row in enumerate(found.cells) for x, value in enumerate(row)}


@pytest.mark.parametrize("weight", [1.0, -1.0])
@pytest.mark.parametrize("corner", [(0, 0), (0, LAST), (LAST, 0), (LAST, LAST)])
def test_where_the_answer_depends_on_one_corner_the_map_does(
    corner: tuple[int, int], weight: float
) -> None:
    film = noise()
    cells = flat(occlusion(film, Fake(film, *corner, weight)))
    strongest = max(cells, key=lambda cell: abs(cells[cell]))
    assert strongest == corner
    assert weight * cells[corner] > 0.8
    assert abs(cells[LAST - corner[0], LAST - corner[1]]) < 1e-9


@pytest.mark.parametrize("place", [(3, 4), (0, 5), (6, 6)])
def test_the_map_is_strongest_where_the_answer_comes_from(place: tuple[int, int]) -> None:
    film = noise()
    cells = flat(occlusion(film, Fake(film, *place)))
    assert cells[place] == max(cells.values())
    far = [
        value for (y, x), value in cells.items() if max(abs(y - place[0]), abs(x - place[1])) > 2
    ]
    assert max(map(abs, far)) < 0.1


def test_the_graph_is_asked_a_few_dozen_times_and_first_of_the_whole_film() -> None:
    film = noise()
    engine = Fake(film, 0, 0)
    found = occlusion(film, engine)
    assert len(engine.seen) == found.patches + 1 == 50
    assert engine.seen[0] == film.tobytes()
    assert len(set(engine.seen)) == 50


@pytest.mark.parametrize("corner", [(0, 0), (0, LAST), (LAST, 0), (LAST, LAST)])
def test_the_strongest_patch_is_the_one_that_covers_what_the_answer_comes_from(
    corner: tuple[int, int],
) -> None:
    film = noise()
    place = occlusion(film, Fake(film, *corner)).place
    assert place == tuple(min(at, LAST - 1) for at in corner)


@pytest.mark.parametrize(
    ("place", "words"),
    [((0, 0), "top left"), ((6, 6), "bottom right"), ((3, 3), "centre"), ((0, 3), "top centre"),
     ((3, 6), "middle right")],
)  # fmt: skip
def test_a_patch_is_where_its_middle_lies_on_the_picture(
    place: tuple[int, int], words: str
) -> None:
    assert figure._where(place) == words


@pytest.mark.parametrize(
    ("size", "words"),
    [((200, 100), "squashed across by 50 %"), ((100, 400), "squashed from top to bottom by 75 %"),
     ((2048, 1536), "squashed across by 25 %")],
)  # fmt: skip
def test_a_film_that_was_no_square_is_said_to_be_squashed(
    size: tuple[int, int], words: str
) -> None:
    assert figure._squashed((SIDE, SIDE), size) == words


def test_the_shape_of_the_file_changes_what_is_said_of_the_film() -> None:
    seen, found = noise(), occlusion(noise(), Constant())
    pages = {drawn(seen, found, size=size).tobytes() for size in (None, (90, 90), (90, 45))}
    assert len(pages) == 3


def test_of_a_film_that_is_cropped_the_page_says_that_it_shows_the_middle() -> None:
    seen, found, content = noise(), occlusion(noise(), Constant()), sample_manifest()
    cropped = {**content, "preprocess": {**content["preprocess"], "crop": 0.9}}
    pages = {
        drawn(seen, found, manifest=Manifest(**fields), size=(90, 90)).tobytes()
        for fields in (content, cropped)
    }
    assert len(pages) == 2


def test_hiding_adds_no_grey_level_that_the_film_does_not_have() -> None:
    film = noise().point([60 + level // 4 for level in range(256)])
    engine = Fake(film, 0, 0)
    occlusion(film, engine)
    levels = film.tobytes()
    for pixels in engine.seen:
        assert min(levels) <= min(pixels) <= max(pixels) <= max(levels)


def test_an_even_film_has_nothing_to_hide() -> None:
    film = Image.new("L", (SIDE, SIDE), 77)
    engine = Fake(film, 0, 0)
    assert set(flat(occlusion(film, engine)).values()) == {0.0}
    assert set(engine.seen) == {film.tobytes()}


def test_an_answer_that_depends_on_nothing_gives_an_empty_map() -> None:
    found = occlusion(noise(), Constant())
    assert set(flat(found).values()) == {0.0}
    assert found.strongest == 1.5
    assert found.place is None


@pytest.mark.parametrize(
    ("width", "height", "mode"), [(1, 1, "L"), (3, 5, "L"), (65, 130, "RGB"), (300, 20, "L")]
)
def test_films_of_any_shape_have_a_map_and_a_picture(width: int, height: int, mode: str) -> None:
    film = noise(width, height, mode)
    found = occlusion(film, Constant())
    page = drawn(film, found)
    assert page.width == figure._WIDTH
    assert page.height > 300


def drawn(
    film: Image.Image,
    found: Heatmap,
    manifest: Manifest | None = None,
    size: tuple[int, int] | None = None,
) -> Image.Image:
    manifest = manifest or Manifest(**sample_manifest())
    answer = Answer("film.png", 1.0, logit=1.5, probability=0.8, decided=manifest.classes.positive)
    decision = manifest.decision
    return figure.draw_figure(film, found, answer, manifest=manifest, decision=decision, size=size)


def colour_at(page: Image.Image, row: int, column: int) -> tuple[int, ...]:
    """Return the colour in the middle of a cell of the map, on a square film."""
    left, top = figure._MARGIN + figure._PANEL + figure._GAP, None
    # The panel begins in the first row of pixels that the left film fills.
    for y in range(page.height):
        if page.getpixel((figure._MARGIN + 5, y)) == (128, 128, 128):
            top = y
            break
    assert top is not None
    cell = figure._PANEL / CELLS
    found = page.getpixel((round(left + (column + 0.5) * cell), round(top + (row + 0.5) * cell)))
    assert isinstance(found, tuple)
    return found


@pytest.mark.parametrize(("weight", "warm"), [(2.0, True), (-2.0, False)])
def test_what_speaks_for_the_positive_class_is_orange_and_against_it_blue(
    weight: float, warm: bool
) -> None:
    cells = [[0.0] * CELLS for _ in range(CELLS)]
    cells[6][1] = weight
    page = drawn(Image.new("L", (SIDE, SIDE), 128), Heatmap(cells, 49, 0.0))
    red, _, blue = colour_at(page, 6, 1)
    assert (red > blue + 80) if warm else (blue > red + 80)
    red, green, blue = colour_at(page, 1, 6)
    assert max(red, green, blue) - min(red, green, blue) < 8


def test_a_map_of_next_to_nothing_stays_pale() -> None:
    cells = [[0.0] * CELLS for _ in range(CELLS)]
    cells[6][1] = figure.LEAST_SCALE / 50
    page = drawn(Image.new("L", (SIDE, SIDE), 128), Heatmap(cells, 49, 0.0))
    red, green, blue = colour_at(page, 6, 1)
    assert max(red, green, blue) - min(red, green, blue) < 8


@pytest.mark.parametrize(
    ("negative", "positive"), [("n" * 64, "W" * 64), ("健康", "肺炎"), ("noncovid", "covid")]
)
@pytest.mark.parametrize("freetype", [True, False])
def test_any_names_of_classes_can_be_written_with_any_pillow(
    negative: str, positive: str, freetype: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not freetype:
        monkeypatch.setattr(ImageFont, "load_default", no_freetype)
    figure._font.cache_clear()
    classes = Classes(negative=negative, positive=positive)
    manifest = Manifest(**{**sample_manifest(), "classes": classes})
    page = drawn(noise(), occlusion(noise(), Constant()), manifest)
    figure._font.cache_clear()
    # Nothing is written over the margin.
    margin = page.crop((page.width - figure._MARGIN + 2, 0, page.width, page.height))
    assert margin.getcolors() == [(margin.width * margin.height, figure._PAGE)]


def no_freetype(size: float | None = None) -> Any:
    raise ImportError(f"The _imagingft C module is not installed, for size {size}")


def test_the_picture_is_the_same_each_time_and_holds_no_metadata(
    bundle: Bundle, film: Path, tmp_path: Path
) -> None:
    other = tmp_path / "Jane Doe 1970-01-01.png"
    other.write_bytes(film.read_bytes())
    for name, path in (("a.png", film), ("b.png", other)):
        write_heatmap(str(path), bundle, open_engine(bundle), str(tmp_path / name))
    written = (tmp_path / "a.png").read_bytes()
    assert (tmp_path / "b.png").read_bytes() == written
    with Image.open(BytesIO(written)) as picture:
        picture.load()
        assert picture.info == {}
        assert picture.format == "PNG"
    kinds = {written[at - 4 : at] for at in chunk_data(written)}
    assert kinds == {b"IHDR", b"IDAT", b"IEND"}


def chunk_data(png: bytes) -> list[int]:
    """Return where the data of each chunk of a PNG begin."""
    found, at = [], 8
    while at < len(png):
        found.append(at + 8)
        at += 12 + int.from_bytes(png[at : at + 4], "big")
    return found


def test_the_picture_shows_the_film_as_the_graph_sees_it(
    bundle: Bundle, film: Path, tmp_path: Path
) -> None:
    out = tmp_path / "map.png"
    write_heatmap(film, bundle, open_engine(bundle), out)
    seen = Image.frombytes("L", (SIDE, SIDE), film_pixels(film, bundle.manifest.preprocess))
    panel = seen.convert("RGB").resize((figure._PANEL,) * 2, Image.Resampling.BICUBIC).tobytes()
    with Image.open(out) as page:
        shown = [
            page.crop((figure._MARGIN, top, figure._MARGIN + figure._PANEL, top + figure._PANEL))
            for top in range(100, 160)
        ]
    assert panel in [one.tobytes() for one in shown]


def test_a_wider_band_is_the_one_that_is_written(
    bundle: Bundle, film: Path, tmp_path: Path
) -> None:
    engine = open_engine(bundle)
    write_heatmap(film, bundle, engine, tmp_path / "a.png")
    wide = widened(bundle.manifest.decision, 0.3)
    write_heatmap(film, bundle, engine, tmp_path / "b.png", wide)
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "b.png").read_bytes()


def test_a_film_without_an_answer_gets_no_map(tmp_path: Path, film: Path, bundle: Bundle) -> None:
    out = tmp_path / "map.png"
    with pytest.raises(FilmError, match="missing"):
        write_heatmap(tmp_path / "missing.png", bundle, open_engine(bundle), out)
    path = write_tiny_bundle(tmp_path / "gate.edge", gate=100.0)
    with open_bundle(path) as strict, pytest.raises(Refusal, match="does not look like a film"):
        write_heatmap(film, strict, open_engine(strict), out)
    with pytest.raises(FilmError, match="failed on 4096 bytes"):
        write_heatmap(film, bundle, Constant(answers=20), out)
    assert not out.exists()


def test_the_film_itself_is_never_overwritten(tmp_path: Path, film: Path, bundle: Bundle) -> None:
    kept = film.read_bytes()
    link = tmp_path / "link.png"
    link.hardlink_to(film)
    for out in (film, tmp_path / "." / "film.png", link):
        with pytest.raises(CannotWrite, match="is the film itself"):
            write_heatmap(film, bundle, open_engine(bundle), out)
    assert film.read_bytes() == kept


def test_what_cannot_be_written_leaves_nothing_behind(
    tmp_path: Path, film: Path, bundle: Bundle
) -> None:
    before = sorted(tmp_path.iterdir())
    for out in (tmp_path / "missing" / "map.png", tmp_path):
        with pytest.raises(CannotWrite):
            write_heatmap(film, bundle, open_engine(bundle), out)
    assert sorted(tmp_path.iterdir()) == before


def test_three_channels_have_a_map_as_well() -> None:
    film = film_image(SIDE, SIDE).convert("RGB")
    cells = flat(occlusion(film, Fake(film, 2, 2)))
    assert cells[2, 2] == max(cells.values())
