"""What is no film is refused for a documented reason, before it costs memory."""

from __future__ import annotations

import errno
import os
import struct
import subprocess
import sys
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edge_runtime.errors import REFUSALS, FilmError, Refusal
from edge_runtime.preprocess import film_pixels, standard
from tiny_bundle import environment, film_array, film_image

RECIPE = standard(64, 64)


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    stream = BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def png(width: int, height: int, data: bytes) -> bytes:
    """Return a grey 8-bit PNG of that size with `data` as its compressed rows."""
    chunks = b"\x89PNG\r\n\x1a\n"
    header = struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0)
    for name, body in ((b"IHDR", header), (b"IDAT", data), (b"IEND", b"")):
        crc = zlib.crc32(name + body)
        chunks += struct.pack(">I", len(body)) + name + body + struct.pack(">I", crc)
    return chunks


def spoiled(value: float) -> bytes:
    """Return a float TIFF one pixel of which is `value`."""
    levels = film_array().astype(np.float32)
    levels[40, 40] = value
    return encoded(Image.fromarray(levels), "TIFF")


FILM = film_image()
SEVERAL = [film_image(seed=8)]
EVEN = Image.new("L", (96, 80), 128)
NEARLY_EVEN = np.full((80, 96), 30000, np.uint16)
NEARLY_EVEN[::2] += 3
NEARLY_EVEN_8 = (NEARLY_EVEN - 29900).astype(np.uint8)

REFUSED: list[tuple[str, bytes, str, str]] = [
    ("empty", b"", "unreadable", "empty file"),
    ("text", b"patient, finding\n1, covid\n", "unreadable", "not a PNG"),
    ("text that begins like a bitmap", b"BMI is 22\n" * 20, "unreadable", "damaged"),
    ("text that begins like a graymap", b"P5 is a processor\n" * 20, "unreadable", "damaged"),
    ("gif", encoded(FILM, "GIF"), "unreadable", "not a PNG"),
    ("video", b"RIFF\x10\0\0\0AVI LIST" + bytes(99), "unreadable", "not a PNG"),
    ("dicom", bytes(128) + b"DICM" + bytes(99), "unreadable", "DICOM"),
    ("torn webp", encoded(FILM, "WEBP")[:40], "unreadable", "damaged"),
    ("animated png", encoded(FILM, "PNG", save_all=True, append_images=SEVERAL), "unreadable",
     "more than one picture"),
    ("animated webp", encoded(FILM, "WEBP", save_all=True, append_images=SEVERAL), "unreadable",
     "more than one picture"),
    ("tiff of two pages", encoded(FILM, "TIFF", save_all=True, append_images=SEVERAL), "unreadable",
     "more than one picture"),
    ("tiff with a nan", spoiled(float("nan")), "unreadable", "not numbers"),
    ("tiff with an infinity", spoiled(float("inf")), "unreadable", "not numbers"),
    ("one pixel", encoded(FILM.resize((1, 1)), "PNG"), "too_small", "1 x 1 pixels"),
    ("63 pixels high", encoded(FILM.resize((99, 63)), "PNG"), "too_small", "99 x 63 pixels"),
    ("header of a huge png", png(20_000, 20_000, b""), "too_large", "20000 x 20000 pixels"),
    ("header of a vast png", png(2**31 - 1, 2**31 - 1, b""), "too_large", "2147483647 x"),
    ("even", encoded(EVEN, "PNG"), "blank", "one even shade"),
    ("nearly even", encoded(Image.fromarray(NEARLY_EVEN_8), "PNG"), "blank", "one even shade"),
    ("nearly even in 16 bits", encoded(Image.fromarray(NEARLY_EVEN), "PNG"), "blank", "one even"),
    ("even in floats", encoded(EVEN.convert("F"), "TIFF"), "blank", "one even shade"),
    ("transparent", encoded(Image.new("RGBA", (96, 80), (9, 99, 200, 0)), "PNG"), "blank", "one"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "reason", "problem"), [row[1:] for row in REFUSED],
                         ids=[row[0] for row in REFUSED])  # fmt: skip
def test_what_is_no_film_is_refused_with_its_reason(
    data: bytes, reason: str, problem: str, tmp_path: Path
) -> None:
    path = tmp_path / "film"
    path.write_bytes(data)
    for film in (path, data):
        with pytest.raises(Refusal) as caught:
            film_pixels(film, RECIPE)
        assert caught.value.reason == reason
        assert problem in caught.value.problem
        assert caught.value.cure
        assert "\n" not in str(caught.value)
    with pytest.raises(Refusal, match=f"^{path}: "):
        film_pixels(path, RECIPE)


def test_every_documented_reason_occurs_and_no_other_exists() -> None:
    assert {row[2] for row in REFUSED} == set(REFUSALS)
    with pytest.raises(ValueError, match="undocumented"):
        Refusal("ugly", "film.png", "is ugly")


TORN: dict[str, bytes] = {
    "png": encoded(FILM, "PNG"),
    "jpeg": encoded(FILM, "JPEG"),
    "progressive": encoded(FILM, "JPEG", progressive=True),
    "tiff": encoded(FILM, "TIFF"),
    "lzw": encoded(FILM, "TIFF", compression="tiff_lzw"),
    "bmp": encoded(FILM, "BMP"),
    "webp": encoded(FILM, "WEBP"),
    "pgm": encoded(FILM, "PPM"),
}


@pytest.mark.parametrize("form", TORN)
def test_a_torn_film_is_refused_or_loses_nothing(form: str) -> None:
    whole = TORN[form]
    lengths = {len(whole) * part // 40 for part in range(1, 40)} | {len(whole) - 1, 4, 9, 20}
    refused = 0
    for length in sorted(lengths):
        try:
            found = film_pixels(whole[:length], RECIPE)
        except Refusal as refusal:
            refused += 1
            assert refusal.reason == "unreadable"
        else:
            assert found == film_pixels(whole, RECIPE)
    assert refused >= len(lengths) - 3


@pytest.mark.skipif(sys.platform != "linux", reason="measures with Linux' units")
def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    rows = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = rows.compress(bytes(20_001 * 100)) + rows.flush(zlib.Z_FULL_FLUSH)
    adler = (20_001 * 20_000 % 65_521) << 16 | 1  # RFC 1950, for zeros alone
    data = b"\x78\xda" + block * 200 + b"\x03\x00" + struct.pack(">I", adler)
    path = tmp_path / "bomb.png"
    path.write_bytes(png(20_000, 20_000, data))
    assert path.stat().st_size < 500_000
    script = (
        "import resource, sys\n"
        "from edge_runtime.preprocess import film_pixels, standard\n"
        "import PIL.PngImagePlugin\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: film_pixels(sys.argv[1], standard())\n"
        "except Exception as error: print(error.reason)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", script, str(path)], env=environment(), capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    reason, kibibytes = found.stdout.split()
    assert reason == "too_large"
    assert int(kibibytes) < 4096


def test_what_cannot_be_read_names_the_file_and_is_no_refusal(tmp_path: Path) -> None:
    cases = {
        tmp_path / "none.png": "No such file or directory",
        tmp_path: "Is a directory",
        tmp_path / ("n" * 256): "File name too long",
        tmp_path / "none" / "film.png": "No such file or directory",
    }
    for path, problem in cases.items():
        with pytest.raises(FilmError) as caught:
            film_pixels(path, RECIPE)
        assert type(caught.value) is FilmError
        assert str(caught.value).startswith(f"{path}: {problem}; ")


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO, errno.EMFILE, errno.ENODEV])
def test_what_the_system_says_while_reading_is_passed_on(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> object:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("builtins.open", failing)
    with pytest.raises(FilmError, match=f"film.png: {os.strerror(code)}; "):
        film_pixels(tmp_path / "film.png", RECIPE)


def test_no_memory_is_a_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "film.png"
    FILM.save(path)

    def failing(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Image.Image, "resize", failing)
    with pytest.raises(Refusal) as caught:
        film_pixels(path, RECIPE)
    assert caught.value.reason == "too_large"


@pytest.mark.skipif(sys.platform != "linux", reason="counts in /proc")
def test_no_refusal_leaves_a_file_open(tmp_path: Path) -> None:
    descriptors = Path("/proc/self/fd")
    path = tmp_path / "film"
    before = len(list(descriptors.iterdir()))
    for data in (*(row[1] for row in REFUSED), *(whole[:300] for whole in TORN.values())):
        path.write_bytes(data)
        with pytest.raises(Refusal):
            film_pixels(path, RECIPE)
    assert len(list(descriptors.iterdir())) == before
