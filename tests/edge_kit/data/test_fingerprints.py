"""A fingerprint tells films apart by content, and near-duplicates are those of every pair."""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge_kit.data.decoding import decode_film
from edge_kit.data.fingerprints import Fingerprint, fingerprint, group_films, near_duplicates, scan
from edge_runtime.errors import FilmError
from edge_runtime.film.preprocess import standard
from films import write_film

ALL = 2**64 - 1


def truncated_jpeg() -> bytes:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "JPEG")
    return file.getvalue()[:1500]


def prints(*hashes: tuple[int, int]) -> list[Fingerprint]:
    return [Fingerprint(str(place), *pair) for place, pair in enumerate(hashes)]


def test_a_fingerprint_is_of_bytes_and_of_looks(tmp_path: Path) -> None:
    film, twin = write_film(tmp_path / "a.png", 1), write_film(tmp_path / "b.png", 1, brighter=9)
    one, other = fingerprint(film), fingerprint(twin)
    assert one.sha256 == hashlib.sha256(film.read_bytes()).hexdigest() != other.sha256
    assert near_duplicates([one, other]).tolist() == [[0, 1]]
    assert not near_duplicates([one, fingerprint(write_film(tmp_path / "c.png", 2))]).size


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "bad.png: is empty; restore or delete it"),
        (b"just text", "bad.png: is no image; restore"),
        (truncated_jpeg(), "bad.png: cannot be decoded (image file is truncated"),
        (b"P5 20000 20000 255 ", "pixels that are safe to decode"),
        (b"P5 10000 10000 255 ", "pixels that are safe to decode"),
    ],
    ids=["empty", "text", "truncated", "bomb", "small bomb"],
)
def test_unreadable_films_are_collected_in_order(tmp_path: Path, data: bytes, message: str) -> None:
    bad, good = tmp_path / "bad.png", write_film(tmp_path / "good.png", 1)
    bad.write_bytes(data)
    first, second, third = scan([good, bad, good], workers=2)
    assert isinstance(second, FilmError)
    assert message in str(second)
    assert first == third == fingerprint(good)


def test_a_missing_film_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(FilmError, match=r"cannot be decoded \(No such file or directory\)"):
        fingerprint(tmp_path / "gone.png")


def test_there_is_no_bar_without_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scan([write_film(tmp_path / "a.png", 1)])
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("least", "most"), [(0, 4095), (300, 65535), (-900, 40_000)])
def test_films_of_more_than_eight_bits_are_told_apart_by_their_content(
    least: int, most: int, tmp_path: Path
) -> None:
    kind, suffix = (np.uint16, "png") if least >= 0 else (np.int32, "tiff")
    paths = []
    for number in range(6):
        with Image.open(write_film(tmp_path / f"{number}.png", number)) as film:
            shades = np.asarray(film, np.float64) / 255
        path = tmp_path / f"wide-{number}.{suffix}"
        Image.fromarray((least + shades * (most - least)).astype(kind)).save(path)
        paths.append(path)
    wide = [one for one in scan(paths) if isinstance(one, Fingerprint)]
    assert len(wide) == 6
    assert not len(near_duplicates(wide))
    plain = scan([tmp_path / f"{n}.png" for n in range(6)])
    both = [*wide, *(one for one in plain if isinstance(one, Fingerprint))]
    assert near_duplicates(both).tolist() == [[n, n + 6] for n in range(6)]


def test_a_film_of_values_that_are_no_numbers_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "nan.tiff"
    Image.fromarray(np.full((70, 70), np.nan, np.float32)).save(path)
    (found,) = scan([path])
    assert "holds values that are not numbers" in str(found)


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [
        ((0, 0), (0, 0), True),
        ((0, 0), (0b1111, 0b1111 << 60), True),
        ((0, 0), (0b11111, 0), False),
        ((0, 0), (0, 0b11111 << 59), False),
        ((ALL, ALL), (ALL, 0), False),
    ],
)
def test_near_means_both_hashes_within_four_bits(
    one: tuple[int, int], other: tuple[int, int], near: bool
) -> None:
    assert len(near_duplicates(prints(one, other))) == near


def test_near_duplicates_are_those_of_the_double_loop() -> None:
    rng = np.random.default_rng(3)
    flips = [(1 << int(a)) | (1 << int(b)) for a, b in rng.integers(0, 64, (600, 2))]
    films = prints(*zip(flips[:300], flips[300:], strict=True))
    films[200:] = prints(*[(int(a), int(a)) for a in rng.integers(0, 2**63, 100)])
    expected = [
        [i, j]
        for i, one in enumerate(films)
        for j, other in enumerate(films[i + 1 :], i + 1)
        if (one.dhash ^ other.dhash).bit_count() <= 4 and (one.phash ^ other.phash).bit_count() <= 4
    ]
    assert near_duplicates(films).tolist() == expected
    assert len(expected) > 1000


def test_no_films_have_no_near_duplicates() -> None:
    assert near_duplicates([]).shape == (0, 2)


DIGESTS = [f"{name * 16}tail" for name in "fedcba"]
IDS = [["p1"], ["p1", "g1"], ["g1"], [], ["p2"], []]
PAIRS = np.array([[2, 3]], dtype=np.intp)


def test_groups_are_connected_components_named_by_their_lowest_digest() -> None:
    assert group_films(DIGESTS, IDS, PAIRS) == ["c" * 16] * 4 + ["b" * 16, "a" * 16]


def test_groups_do_not_depend_on_the_order_of_films() -> None:
    order = [4, 2, 0, 5, 3, 1]
    pairs = np.array([[1, 4]], dtype=np.intp)
    groups = group_films([DIGESTS[i] for i in order], [IDS[i] for i in order], pairs)
    expected = group_films(DIGESTS, IDS, PAIRS)
    assert groups == [expected[i] for i in order]


def test_nobody_waits_for_a_pipe_or_a_device_or_reads_gigabytes(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes here")
    pipe, device, sparse = (tmp_path / f"{name}.png" for name in ("pipe", "device", "sparse"))
    os.mkfifo(pipe)
    device.symlink_to("/dev/zero")
    with sparse.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        file.truncate(1 << 33)
    for read in (fingerprint, lambda path: decode_film(path, [standard()])):
        for path in (pipe, device):
            with pytest.raises(FilmError, match="is a pipe, a socket or a device"):
                read(path)
        with pytest.raises(FilmError, match="has 8192 MiB, 256 are the most of a film's file"):
            read(sparse)
