"""Pixels are those of the runtime, decoded once, whatever happens to the files of the cache."""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFile

from edge_export.films.film import Film
from edge_export.films.pixels import load_pixels
from edge_kit.data import decoding as module
from edge_kit.data.fingerprints import scan
from edge_kit.data.pixel_store import CachedPixels, PixelFile
from edge_kit.data.reader import FilmReader
from edge_runtime.bundle.digest import sha256
from edge_runtime.errors import DataError
from edge_runtime.film.preprocess import film_stages, standard
from films import write_film

RECIPE = standard(32, 48, 1)


def silent(line: str) -> None:
    pytest.fail(line)


def cached_pixels(
    films: Sequence[Film], preprocess: Any, folder: Path | None, say: Callable[[str], None]
) -> CachedPixels:
    return FilmReader(folder, say).read(films, preprocess)


@pytest.fixture
def films(tmp_path: Path) -> list[Film]:
    paths = [write_film(tmp_path / "films" / f"{name}.png", name) for name in range(6)]
    return [Film(one, "covid", "train", one.stem, sha256(one.read_bytes())) for one in paths]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "cache"


def file(folder: Path) -> Path:
    (found,) = folder.glob("*.films")
    return found


def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that grows with each film that is decoded from now on."""
    count: list[int] = []

    def counted(*arguments: Any) -> Any:
        count.append(1)
        return film_stages(*arguments)

    monkeypatch.setattr(module, "film_stages", counted)
    return count


@pytest.mark.parametrize("recipe", [RECIPE, standard(40, 40, 3)])
def test_a_film_s_pixels_are_those_of_the_runtime_decoded_once_and_mapped(
    recipe: Any, films: list[Film], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected, count = load_pixels(films, recipe), decoded(monkeypatch)
    for _ in range(2):
        pixels = cached_pixels(films, recipe, folder, silent)
        assert (np.asarray(pixels) == expected).all()
        assert (pixels[np.array([4, 1, 4])] == expected[[4, 1, 4]]).all()
        assert (pixels[1:3] == expected[1:3]).all()
        assert isinstance(pixels.store, np.memmap)
        assert len(pixels) == 6
    assert len(count) == 6


def test_a_copy_under_another_name_and_a_film_that_is_gone_are_not_decoded_again(
    films: list[Film], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = np.asarray(cached_pixels(films, RECIPE, folder, silent))
    count = decoded(monkeypatch)
    films[0].path.unlink()
    again = [films[0], replace(films[2], path=Path("elsewhere.png"))]
    assert (np.asarray(cached_pixels(again, RECIPE, folder, silent)) == first[[0, 2]]).all()
    assert not count


def test_another_recipe_is_another_file_and_no_file_holds_a_name(
    films: list[Film], folder: Path
) -> None:
    cached_pixels(films, RECIPE, folder, silent)
    cached_pixels(films, replace_percentile(), folder, silent)
    FilmReader(folder, silent).scan([film.path for film in films])
    names = [one.name for one in folder.iterdir()]
    assert len([name for name in names if name.endswith(".films")]) == 2
    content = b"".join(one.read_bytes() for one in folder.iterdir())
    assert b".png" not in content
    assert all(one.stat().st_mode & 0o077 == 0 for one in (folder, file_of(folder)))


def replace_percentile() -> Any:
    content = RECIPE.to_json()
    return type(RECIPE)(**{**content, "low_percentile": 2.0})


def file_of(folder: Path) -> Path:
    return next(folder.glob("*.films"))


def flip(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


@pytest.mark.parametrize(
    ("damage", "again"),
    [
        pytest.param(lambda c: c[:-1], 1, id="torn in the last record"),
        pytest.param(lambda c: c[:-3000], 2, id="torn in the one before"),
        pytest.param(lambda c: c + c[32:100], 0, id="a record begun"),
        pytest.param(lambda c: flip(c, 32), 1, id="another digest"),
        pytest.param(lambda c: flip(c, 32 + 33), 1, id="another check sum"),
        pytest.param(lambda c: flip(c, 32 + 500), 1, id="another pixel"),
        pytest.param(lambda c: c[:32] + bytes(len(c) - 32), 6, id="zeros after a power failure"),
        pytest.param(lambda c: flip(c, 0), 6, id="another recipe's"),
        pytest.param(lambda c: c[:7], 6, id="torn in its head"),
        pytest.param(lambda _: b"", 6, id="empty"),
        pytest.param(lambda _: b"something else", 6, id="foreign and short"),
        pytest.param(lambda c: os.urandom(len(c)), 6, id="foreign"),
    ],
)
def test_what_is_torn_or_foreign_is_decoded_again_and_the_rest_is_not(
    damage: Callable[[bytes], bytes],
    again: int,
    films: list[Film],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected = np.asarray(cached_pixels(films, RECIPE, folder, silent))
    file(folder).write_bytes(damage(file(folder).read_bytes()))
    count = decoded(monkeypatch)
    for _ in range(2):
        assert (np.asarray(cached_pixels(films, RECIPE, folder, silent)) == expected).all()
    assert len(count) == again


def test_two_trainings_at_once_have_all_films_each(films: list[Film], folder: Path) -> None:
    expected = load_pixels(films, RECIPE)

    def read(order: list[int]) -> bool:
        chosen = [films[index] for index in order]
        pixels = np.asarray(cached_pixels(chosen, RECIPE, folder, silent))
        return bool((pixels == expected[order]).all())

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(read, [[0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0]] * 4))
    record = 32 + 4 + 32 * 48
    assert (file(folder).stat().st_size - 32) % record == 0


def test_a_training_keeps_the_films_it_has_mapped_when_another_begins_the_file_anew(
    films: list[Film], folder: Path
) -> None:
    pixels = cached_pixels(films, RECIPE, folder, silent)
    expected = np.array(pixels)
    with file(folder).open("r+b") as stream:
        stream.write(b"foreign")
    cached_pixels(films[:1], RECIPE, folder, silent)
    assert (np.asarray(pixels) == expected).all()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_disk_that_refuses_is_one_line_and_films_are_held_in_memory(
    number: int, films: list[Film], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    cached_pixels(films[:2], RECIPE, folder, silent)
    before = file(folder).read_bytes()
    monkeypatch.setattr(PixelFile, "add", refuse)
    lines: list[str] = []
    pixels = cached_pixels(films, RECIPE, folder, lines.append)
    assert (np.asarray(pixels) == load_pixels(films, RECIPE)).all()
    (line,) = lines
    assert line.startswith(f"{folder}: {os.strerror(number)}; pixels are decoded anew")
    assert file(folder).read_bytes() == before


def test_a_disk_that_is_full_within_a_film_leaves_whole_records(
    films: list[Film], folder: Path
) -> None:
    import resource

    cached_pixels(films[:2], RECIPE, folder, silent)
    before = file(folder).read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 700, hard))
    lines: list[str] = []
    try:
        pixels = cached_pixels(films, RECIPE, folder, lines.append)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (np.asarray(pixels) == load_pixels(films, RECIPE)).all()
    assert len(lines) == 1
    assert file(folder).read_bytes() == before


def test_without_a_cache_nothing_is_written(films: list[Film], folder: Path) -> None:
    pixels = cached_pixels(films, RECIPE, None, silent)
    assert (np.asarray(pixels) == load_pixels(films, RECIPE)).all()
    assert FilmReader().scan([films[0].path]) == scan([films[0].path])
    assert not folder.exists()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda path: path.unlink(), "No such file or directory; replace or remove this film"),
        (lambda path: write_film(path, 99), "has changed since it was scanned; begin anew"),
    ],
)
def test_a_film_that_vanished_or_changed_is_one_line(
    change: Callable[[Path], object], problem: str, films: list[Film], folder: Path
) -> None:
    change(films[3].path)
    with pytest.raises(DataError, match=problem) as caught:
        cached_pixels(films, RECIPE, folder, silent)
    assert str(caught.value).startswith(str(films[3].path))


def test_a_film_that_the_runtime_refuses_is_named(films: list[Film], folder: Path) -> None:
    path = films[0].path
    path.write_bytes(b"no film")
    film = replace(films[0], sha256=sha256(path.read_bytes()))
    with pytest.raises(DataError, match=r"0\.png: .*; replace or remove this film"):
        cached_pixels([film], RECIPE, folder, silent)


def test_no_films_are_no_pixels(folder: Path) -> None:
    assert np.asarray(cached_pixels([], RECIPE, folder, silent)).shape == (0, 32, 48, 1)


def test_rows_come_in_the_order_that_is_asked_for() -> None:
    pixels = CachedPixels(np.arange(5, dtype=np.uint8)[:, None, None, None], np.array([3, 1]))
    assert np.asarray(pixels).ravel().tolist() == [3, 1]
    assert pixels[np.array([1])].ravel().tolist() == [1]


COLOUR = standard(32, 48, 3)


def counted_decodes(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Return a count, by content of the file, of the pictures whose pixels are decoded."""
    count: Counter[str] = Counter()
    load = ImageFile.ImageFile.load

    def counted(image: ImageFile.ImageFile) -> Any:
        if image.tile and image.fp is not None:
            place = image.fp.tell()
            image.fp.seek(0)
            count[sha256(image.fp.read())] += 1
            image.fp.seek(place)
        return load(image)

    monkeypatch.setattr(ImageFile.ImageFile, "load", counted)
    return count


@pytest.mark.parametrize("cached", [True, False])
@pytest.mark.parametrize("preprocess", [RECIPE, COLOUR])
def test_fingerprint_pixels_and_their_grey_twin_come_of_one_decoding(
    preprocess: Any,
    cached: bool,
    films: list[Film],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paths = [film.path for film in films]
    prints = scan(paths)
    expected = {one: load_pixels(films, wanted) for one, wanted in ((1, RECIPE), (3, COLOUR))}
    count, reader = counted_decodes(monkeypatch), FilmReader(folder if cached else None, silent)
    reader.expect(preprocess)
    for _ in range(2):
        assert reader.scan(paths) == prints
        channels = preprocess.channels
        assert (reader.pixels(films, preprocess) == expected[channels]).all()
        assert (reader.pixels(films[::-2], RECIPE) == expected[1][::-2]).all()
    assert count == {film.sha256: 1 for film in films}
    again = FilmReader(folder if cached else None, silent)
    again.expect(preprocess)
    assert again.scan(paths) == prints
    assert (again.pixels(films, RECIPE) == expected[1]).all()
    assert set(count.values()) == {1 if cached else 2}
    assert folder.exists() == cached


def test_films_of_several_scans_are_all_held(films: list[Film]) -> None:
    reader = FilmReader(None, silent)
    reader.expect(RECIPE)
    before = reader.read(films[:1], RECIPE)
    for film in films:
        reader.scan([film.path])
    expected = load_pixels(films, RECIPE)
    assert (reader.pixels(films, RECIPE) == expected).all()
    assert (np.asarray(before) == expected[:1]).all()


def test_a_disk_that_is_full_within_a_scan_is_one_line_and_the_scan_goes_on(
    films: list[Film], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add, taken = PixelFile.add, list[str]()

    def fill(file: PixelFile, digest: str, pixels: bytes) -> None:
        taken.append(digest)
        if len(taken) > 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        add(file, digest, pixels)

    monkeypatch.setattr(PixelFile, "add", fill)
    lines: list[str] = []
    reader, paths = FilmReader(folder, lines.append), [film.path for film in films]
    reader.expect(COLOUR)
    assert reader.scan(paths) == scan(paths)
    for preprocess in (COLOUR, RECIPE):
        assert (reader.pixels(films, preprocess) == load_pixels(films, preprocess)).all()
    assert len(lines) == 1
    assert lines[0].startswith(f"{folder}: No space left on device; ")


def test_a_film_that_the_runtime_refuses_is_scanned_and_told_of_when_it_is_asked_for(
    folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "blank.png"
    Image.new("L", (90, 90), 7).save(path)
    for cache in (folder, None):
        reader = FilmReader(cache, silent)
        reader.expect(COLOUR)
        (fingerprint,) = reader.scan([path])
        assert [fingerprint] == scan([path])
        film = Film(path, "covid", "train", "group", sha256(path.read_bytes()))
        with pytest.raises(DataError, match=r"blank\.png: .*; replace or remove this film"):
            reader.pixels([film], COLOUR)
