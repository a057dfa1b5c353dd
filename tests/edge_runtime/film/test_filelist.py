"""A list of films is read however it was written, and what is no list is one line."""

from __future__ import annotations

import codecs
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dicom_films import dicom_film
from edge_runtime.errors import UsageError
from edge_runtime.film import filelist
from edge_runtime.film.filelist import listed
from tiny_bundle import encoded, film_array, film_image, write_tiny_bundle

PATHS = ["/films/a.png", "C:\\films\\b c.png", "films/Übersicht.png", "胸部/一.png", "P5", "x"]
LINES = "".join(f"{path}\n" for path in PATHS)
BYTES = "\udcff.png\udcfe"  # no UTF-8

WRITTEN: dict[str, bytes] = {
    "UTF-8": LINES.encode(),
    "UTF-8 with a mark": LINES.encode("utf-8-sig"),
    "UTF-8, CRLF": LINES.replace("\n", "\r\n").encode(),
    "UTF-8 with a mark, CRLF": LINES.replace("\n", "\r\n").encode("utf-8-sig"),
    "CR": LINES.replace("\n", "\r").encode(),
    "CR, no last one": LINES.rstrip("\n").replace("\n", "\r").encode(),
    "CR, blank lines": LINES.replace("\n", "\r\r \r").encode(),
    "CR and a mark": LINES.replace("\n", "\r").encode("utf-8-sig"),
    "CR in UTF-16": codecs.BOM_UTF16_LE + LINES.replace("\n", "\r").encode("utf-16-le"),
    "CR, in quotes": "".join(f'"{path}"\r' for path in PATHS).encode(),
    "no last line end": LINES.rstrip("\n").encode(),
    "blank lines": LINES.replace("\n", "\n\r\n \n\n").encode(),
    "lists joined, each with a mark": LINES.encode("utf-8-sig").replace(b"x\n", b"\xef\xbb\xbfx\n"),
    "UTF-16 LE, as PowerShell writes it": codecs.BOM_UTF16_LE
    + LINES.replace("\n", "\r\n").encode("utf-16-le"),
    "UTF-16 BE": codecs.BOM_UTF16_BE + LINES.encode("utf-16-be"),
    "UTF-16 LE without a mark": LINES.replace("\n", "\r\n").encode("utf-16-le"),
    "UTF-16 BE without a mark": LINES.replace("\n", "\r\n").encode("utf-16-be"),
    "UTF-16 LE without mark and last line end": LINES.rstrip("\n").encode("utf-16-le"),
    "UTF-32": codecs.BOM_UTF32_LE + LINES.encode("utf-32-le"),
    "quoted by Windows": "".join(f'"{path}"\r\n' for path in PATHS).encode(),
    "quoted by a shell": "".join(f"'{path}'\n" for path in PATHS).encode(),
    "quoted by a word processor": "".join(f"\u201c{path}\u201d\n" for path in PATHS).encode(),
    "indented": "".join(f"\t {path}  \n" for path in PATHS).encode(),
    "NUL, seen": LINES.replace("\n", "\0").encode(),
    "NUL, no last one": LINES.rstrip("\n").replace("\n", "\0").encode(),
    "NUL in UTF-16": codecs.BOM_UTF16_LE + LINES.replace("\n", "\0").encode("utf-16-le"),
}


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "list.txt"


@pytest.mark.parametrize("size", [1 << 16, 1, 7])
@pytest.mark.parametrize("name", WRITTEN)
def test_a_list_gives_its_paths_however_it_was_written(
    name: str, size: int, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = WRITTEN[name]
    source.write_bytes(data)
    head = data[: 1 << 16]
    # As a pipe gives it, a few bytes at a time, but enough of them at once to know it by.
    first = 40 if size < 40 else size
    pieces = [head[:first], *(data[at : at + size] for at in range(first, len(data), size))]
    monkeypatch.setattr(filelist, "_chunks", chunks_of(pieces))
    assert list(listed(str(source))) == PATHS


def chunks_of(pieces: list[bytes]) -> Callable[[object], Iterator[bytes]]:
    coming = iter(pieces)
    return lambda _: coming


NUL_ONLY: dict[str, list[str]] = {
    "names with line ends": ["new\nline.png", "b\n", "\nc\r"],
    "quotes are part of a name": ['"a.png"', "'b'", " c ", "file:///d"],
    "bytes that are no text": [BYTES, "a"],
    "names of one letter": ["a", "b", "c"],
    "one": ["only.png"],
}


@pytest.mark.parametrize("name", NUL_ONLY)
def test_what_ends_with_nul_is_taken_as_it_is(name: str, source: Path) -> None:
    source.write_bytes(b"".join(os.fsencode(path) + b"\0" for path in NUL_ONLY[name]))
    assert list(listed(str(source), by_nul=True)) == NUL_ONLY[name]


def test_bytes_that_are_no_text_come_through(source: Path) -> None:
    source.write_bytes(os.fsencode(f"{BYTES}\na\rb.png\r\n"))
    assert list(listed(str(source))) == [BYTES, "a\rb.png"]


@pytest.mark.skipif(os.name == "nt", reason="no file is called that there")
@pytest.mark.parametrize(
    "name", ['"a.png"', "'a.png'", " a.png ", "\u201ca\u201d", "\ufeffa", "'", '"', " "]
)
def test_a_file_that_is_called_so_is_meant(name: str, source: Path) -> None:
    source.write_text(f"b\n{name}\n", "utf-8")
    assert name not in list(listed(str(source)))[1:] or name in ("'", '"')
    Path(name).touch()
    assert list(listed(str(source))) == ["b", name]


def test_a_list_of_old_with_more_than_is_read_at_once_goes_on_with_any_line_ends(
    source: Path,
) -> None:
    many = [f"films/{number}.png" for number in range(200_000)]
    for end in ("\r", "\n", "\r\n"):
        rest = "".join(f"{path}{end}" for path in PATHS)
        source.write_text("".join(f"{path}\r" for path in many) + rest, "utf-8", newline="")
        assert list(listed(str(source))) == [*many, *PATHS]


@pytest.mark.skipif(os.name == "nt", reason="no file is called that there")
def test_one_film_with_carriage_returns_in_its_name_is_one(source: Path) -> None:
    source.write_bytes(b"a\rb.png")
    assert list(listed(str(source))) == ["a", "b.png"]
    Path("a\rb.png").touch()
    assert list(listed(str(source))) == ["a\rb.png"]


URLS = {
    "file:///films/a%20b%C3%BC.png": "/films/a bü.png",
    "file://localhost/films/100%25.png": "/films/100%.png",
    '"file:///films/a.png"': "file:///films/a.png",
    "file://server/share/a.png": "file://server/share/a.png",
    "file:///a%00b": "file:///a%00b",
    "'it'\\''s.png'": "it's.png",
    "'a": "'a",
    "\"a'": "\"a'",
    "file.png": "file.png",
}


@pytest.mark.skipif(os.name == "nt", reason="paths of Unix")
@pytest.mark.parametrize("written", URLS)
def test_a_url_and_a_shells_quotes_are_paths(written: str, source: Path) -> None:
    source.write_text(f"{written}\n", "utf-8")
    assert list(listed(str(source))) == [URLS[written]]


RAMP = bytes(range(100, 200)) * 100
NO_LIST: dict[str, Callable[[Path], bytes]] = {
    "png": lambda _: encoded(film_image(), "PNG"),
    "jpeg": lambda _: encoded(film_image(), "JPEG"),
    "tiff": lambda _: encoded(film_image(), "TIFF"),
    "bmp": lambda _: encoded(film_image(), "BMP"),
    "webp": lambda _: encoded(film_image(), "WEBP"),
    "pgm": lambda _: b"P5\n# a comment\n100 100\n255\n" + RAMP,
    "pgm in text": lambda _: b"P2\n100 100 255\n" + b"7 " * 10_000,
    "dicom": lambda _: dicom_film(film_array()),
    "dicom without a preamble": lambda _: dicom_film(film_array())[132:],
    "bundle": lambda folder: write_tiny_bundle(folder / "m.edge").read_bytes(),
    "gzip": lambda _: b"\x1f\x8b\x08\x00" + bytes(range(256)),
    "shades of 16 bits": lambda _: b"".join(bytes((low, 0)) for low in range(256)) * 10,
    "zeros": lambda _: bytes(10_000),
    "noise": lambda _: bytes(i * i * 7 % 251 for i in range(10_000)),
    "no line end": lambda _: b"a" * 3_000_000,
}
NOTHING = {
    "empty": b"",
    "blank lines": b"\n\r\n  \n\t\n",
    "a mark": codecs.BOM_UTF8,
    "a mark of UTF-16": codecs.BOM_UTF16_LE,
    "blank lines in UTF-16": codecs.BOM_UTF16_LE + "\r\n\r\n".encode("utf-16-le"),
}


@pytest.mark.parametrize("by_nul", [False, True])
@pytest.mark.parametrize("name", NO_LIST)
def test_what_is_no_list_is_one_line(name: str, by_nul: bool, source: Path) -> None:
    source.write_bytes(NO_LIST[name](source.parent))
    with pytest.raises(UsageError) as caught:
        list(listed(str(source), by_nul=by_nul))
    assert str(caught.value).startswith(f"{source}: ")
    assert str(caught.value).endswith("; give a text file with one path a line")
    assert caught.value.exit_status == 2


@pytest.mark.parametrize("name", NOTHING)
def test_a_list_that_names_no_film_is_refused(name: str, source: Path) -> None:
    source.write_bytes(NOTHING[name])
    with pytest.raises(UsageError, match=r"list\.txt: names no film; give a text file"):
        list(listed(str(source)))


def test_a_folder_a_missing_file_and_torn_text_are_one_line(source: Path) -> None:
    for path, problem in ((source.parent, "Is a directory"), (source, "No such file")):
        with pytest.raises(UsageError, match=problem):
            list(listed(str(path)))
    source.write_bytes(codecs.BOM_UTF16_LE + "a.png\n".encode("utf-16-le") + b"b")
    with pytest.raises(UsageError, match="is no text in utf-16-le"):
        list(listed(str(source)))


def test_nul_that_comes_late_names_its_option(source: Path) -> None:
    source.write_bytes(b"a.png\n" * 20_000 + b"b.png\0c.png\0")
    with pytest.raises(UsageError, match="has a NUL within a line; add --null"):
        list(listed(str(source)))


def test_a_path_is_given_before_the_next_one_has_come(monkeypatch: pytest.MonkeyPatch) -> None:
    for end in ("\n", "\0"):
        given: list[str] = []

        def coming(end: str = end, given: list[str] = given) -> Iterator[bytes]:
            for number in range(3):
                assert len(given) == number
                yield f"film {number}{end}".encode()

        stream = coming()
        monkeypatch.setattr(filelist, "_chunks", lambda _, stream=stream: stream)
        for path in filelist._paths(io.BytesIO(), "stdin", by_nul=False):
            given.append(path)
        assert given == ["film 0", "film 1", "film 2"]
