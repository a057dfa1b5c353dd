"""A row tells which bytes were judged, or that they changed meanwhile."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from edge_runtime.answer.classify import classify
from edge_runtime.bundle import open_bundle
from edge_runtime.engines import open_engine
from edge_runtime.errors import FilmError, MachineLacks, Refusal
from edge_runtime.film import source
from edge_runtime.film.decode import open_film
from edge_runtime.film.source import SourceFile, is_settled, stamp
from tiny_bundle import encoded, film_image

FORMS = ["PNG", "JPEG", "TIFF", "BMP", "WEBP", "PPM"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "film"
    path.write_bytes(b"the film" * 1000)
    return path


@contextmanager
def watched(path: Path, *, digested: bool = True) -> Iterator[SourceFile]:
    found = SourceFile(digested=digested)
    with open_film(path) as stream, found.watch(stream):
        stream.read(5)
        yield found


@pytest.fixture(params=["in memory", "from the disk"])
def reading(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let files of any size be read in one way, and return that."""
    monkeypatch.setattr(source, "_IN_MEMORY", {"in memory": 1 << 20}.get(request.param, -1))
    return str(request.param)


@pytest.mark.usefixtures("reading")
@pytest.mark.parametrize("form", [*FORMS, "tiff_lzw", "damaged", "no picture", "empty"])
def test_every_answer_is_about_the_bytes_of_its_file(form: str, tiny: Path, tmp_path: Path) -> None:
    data = {
        "damaged": encoded(film_image())[:300], "no picture": b"once upon a time", "empty": b"",
        "tiff_lzw": encoded(film_image(), "TIFF", compression="tiff_lzw"),
    }.get(form) or (b"" if form == "empty" else encoded(film_image(), form))  # fmt: skip
    path = tmp_path / "film"
    path.write_bytes(data)
    with open_bundle(tiny) as bundle:
        engine = open_engine(bundle)
        answer = classify(path, bundle, engine, digested=True)
        assert answer.source is not None
        assert answer.source.bytes == len(data)
        assert answer.source.sha256 == hashlib.sha256(data).hexdigest()
        assert classify(data, bundle, engine, digested=True).source is None
        plain = classify(path, bundle, engine).source
        assert plain is not None
        assert (plain.bytes, plain.sha256) == (len(data), None)
        engine.close()
    assert answer.status == ("ok" if form in {*FORMS, "tiff_lzw"} else "refused")


def test_nothing_is_known_of_a_file_that_is_not_there(tiny: Path, tmp_path: Path) -> None:
    with open_bundle(tiny) as bundle:
        engine = open_engine(bundle)
        answer = classify(tmp_path / "none", bundle, engine, digested=True)
        engine.close()
    assert answer.source is not None
    assert (answer.source.bytes, answer.source.sha256, answer.source.stamp) == (None,) * 3


@pytest.mark.usefixtures("reading")
@pytest.mark.parametrize("fails", [None, Refusal("blank", "film", "x"), MachineLacks("film", "x")])
def test_a_film_that_was_written_while_it_was_read_is_no_answer(
    fails: Exception | None, path: Path
) -> None:
    found = SourceFile(digested=True)
    said = "was written while it was read; wait until it is whole"
    with (
        pytest.raises(FilmError, match=said) as caught,
        open_film(path) as film,
        found.watch(film),
    ):
        path.write_bytes(path.read_bytes() + b"more")
        if fails:
            raise fails
    assert type(caught.value) is FilmError
    assert (found.bytes, found.sha256, found.stamp) == (None, None, None)


def test_a_change_that_no_time_tells_is_seen_in_the_bytes(path: Path, reading: str) -> None:
    was, found = path.stat(), SourceFile(digested=True)
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    with suppress(FilmError), open_film(path) as film, found.watch(film) as stream:
        path.write_bytes(bytes(was.st_size))
        os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
        judged = stream.read()
    # Either it is what was judged, or nothing is known.
    assert (reading == "in memory") == (found.sha256 == before)
    assert found.sha256 in (None, hashlib.sha256(judged).hexdigest())


def test_a_file_that_was_just_written_has_no_stamp(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with watched(path) as found:
        pass
    assert (found.bytes, found.stamp) == (8000, None)
    later = path.stat().st_ctime_ns + 3 * 10**9
    monkeypatch.setattr(source, "time_ns", lambda: later)
    with watched(path) as found:
        pass
    assert found.stamp == stamp(path.stat())
    assert len(stamp(path.stat())) == 16


def test_a_stamp_stands_for_size_and_times(path: Path) -> None:
    stamps = set()
    for size in (10, 20):
        for time in (-5, 1000, 2**33):
            path.write_bytes(bytes(size))
            os.utime(path, (time, time))
            stamps.add(stamp(path.stat()))
    assert len(stamps) == 6
    assert not is_settled(path.stat())  # its inode has just been changed


def test_the_largest_files_have_a_size_and_no_digest(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "LARGEST", 7999)
    with watched(path) as found:
        pass
    assert (found.bytes, found.sha256) == (8000, None)
