"""TIFF and BigTIFF files: how large and how many their strips or tiles are, encoded and decoded.

On the cold path, where an intact film costs a look at each tag.
"""

from __future__ import annotations

from io import SEEK_END

from edge_runtime.film import limits
from edge_runtime.film.formats.tiff_tags import (
    BITS,
    COMPRESSION,
    HEIGHT,
    PLANES,
    ROWS,
    SAMPLES,
    STRIP_SIZES,
    STRIPS,
    TILE_HEIGHT,
    TILE_SIZES,
    TILE_WIDTH,
    TILES,
    WIDTH,
    Tags,
)
from edge_runtime.film.refuse import (
    beyond,
    judge_size,
    require_within,
    unread_kind,
    unreadable,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from edge_runtime.bundle.records import Preprocess

_NONE, _JPEG = 1, 7
# CCITT, LZW, JPEG, Deflate, PackBits, Zstandard and WebP. Old JPEG, ThunderScan, SGI Log and LZMA
# are left: no X-ray machine writes them, and LZMA takes as much memory as its data ask for.
_COMPRESSIONS = (_NONE, 2, 3, 4, 5, _JPEG, 8, 32771, 32773, 32946, 50000, 50001)
_PLANES_APART = 2


def judge(stream: BinaryIO, subject: str, preprocess: Preprocess) -> BinaryIO:
    """Return `stream`, at its beginning, if its strips or tiles are within the limits.

    Raises:
        Refusal: `unreadable`, `too_small` or `too_large`.
    """
    tags = Tags(stream, subject)
    if WIDTH not in tags or HEIGHT not in tags:
        raise unreadable(subject, "its TIFF tags do not say its size")
    width, height = tags.value(WIDTH), tags.value(HEIGHT)
    judge_size(width, height, subject, preprocess)
    compression = tags.value(COMPRESSION, _NONE)
    if compression not in _COMPRESSIONS:
        raise unread_kind(subject, f"a TIFF of compression {compression}")
    count, decoded = _judge_parts(tags, width, height, subject)
    places = tags.values(TILES) or tags.values(STRIPS)
    end = stream.seek(0, SEEK_END)
    if max(places) >= end:
        raise unreadable(subject, "its TIFF data are torn off")
    if compression == _NONE:
        apart = max(places) - min(places)
        most = limits.ENCODED_TIMES * count * decoded + limits.ENCODED_SLACK
        require_within(subject, (apart, most, "bytes from its first strip or tile to its last"))
    else:
        sizes = tags.values(TILE_SIZES) or tags.values(STRIP_SIZES)
        sizes = _judge_encoded(places, sizes, end, (count, decoded), subject)
        if compression == _JPEG:
            _judge_jpeg(stream, places, sizes, subject)
    stream.seek(0)
    return stream


def _judge_parts(tags: Tags, width: int, height: int, subject: str) -> tuple[int, int]:
    """Return how many strips or tiles a film has, and how many bytes one of them is, decoded."""
    tiled = TILE_WIDTH in tags
    wide = tags.value(TILE_WIDTH) if tiled else width
    high = tags.value(TILE_HEIGHT) if tiled else min(tags.value(ROWS, height), height)
    if not (wide and high) or (tiled, tiled) != (TILES in tags, STRIPS not in tags):
        raise unreadable(subject, "its TIFF strips or tiles are damaged")
    samples, bits = tags.value(SAMPLES, 1), tags.values(BITS) or [1]
    a_pixel = sum(bits) if len(bits) > 1 else bits[0] * samples
    planes = samples if tags.value(PLANES) == _PLANES_APART else 1
    across, down = -(-width // wide), -(-height // high)
    outside = across * wide * down * high - width * height if tiled else 0
    decoded = (wide * a_pixel // planes // 8 + 1) * high if planes else 0
    require_within(
        subject,
        (across * down * planes, limits.TIFF_PARTS, "strips or tiles of a TIFF"),
        (decoded, limits.TIFF_PART_BYTES, "bytes in one strip or tile"),
        (outside, width * height + limits.TIFF_TILED_PIXELS, "pixels of tiles outside its picture"),
    )
    return across * down * planes, decoded


def _judge_encoded(
    places: list[int], sizes: list[int], end: int, parts: tuple[int, int], subject: str
) -> list[int]:
    """Return how many bytes the strips or tiles are, encoded, if that fits what they decode to.

    `parts` is how many they are, and the bytes of one. Where no size is said, libtiff takes all
    that follows, to the end of the file.
    """
    count, decoded = parts
    sizes = sizes + [0] * (len(places) - len(sizes))
    sizes = [size or max(0, end - place) for place, size in zip(places, sizes, strict=False)]
    slack = limits.ENCODED_SLACK
    most = limits.ENCODED_TIMES * decoded
    require_within(
        subject,
        (max(sizes, default=0), most + slack, "encoded bytes in one strip or tile"),
        (sum(sizes), count * most + slack, "encoded bytes in its strips or tiles"),
    )
    return sizes


def _judge_jpeg(stream: BinaryIO, places: list[int], sizes: list[int], subject: str) -> None:
    from edge_runtime.film.jpeg import scans_problem

    for place, size in zip(places, sizes, strict=True):
        stream.seek(place)
        if problem := scans_problem(stream.read(size)):
            raise beyond(subject, problem)
