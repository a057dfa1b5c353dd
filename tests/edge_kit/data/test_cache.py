"""The fingerprint of a film's file is found again, and that of a changed file is not."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from edge_export.films.film import Film
from edge_kit.data import cache as module
from edge_kit.data.cache import cached_scan, default_cache
from edge_kit.data.fingerprints import Fingerprint, scan
from edge_runtime.bundle.digest import sha256
from edge_runtime.errors import FilmError
from films import write_film


@pytest.fixture
def films(tmp_path: Path) -> list[Film]:
    paths = [write_film(tmp_path / "films" / f"{name}.png", name) for name in range(6)]
    return [Film(one, "covid", "train", one.stem, sha256(one.read_bytes())) for one in paths]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "cache"


def counted_scan(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    read: list[Path] = []

    def one(paths: list[Path]) -> list[Fingerprint | FilmError]:
        read.extend(paths)
        return scan(paths)

    monkeypatch.setattr(module, "scan", one)
    return read


def test_a_film_is_scanned_once_and_again_when_it_has_changed(
    films: list[Film], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths, read = [film.path for film in films], counted_scan(monkeypatch)
    expected = scan(paths)
    assert cached_scan(paths, folder) == expected
    assert cached_scan(paths[::-1], folder) == expected[::-1]
    assert read == paths
    size = paths[2].stat().st_size
    paths[2].write_bytes(paths[3].read_bytes()[:size].ljust(size, b"\0"))  # nothing else tells
    again = cached_scan(paths, folder)
    assert read == [*paths, paths[2]]
    assert [str(one) for one in again] == [str(one) for one in scan(paths)]
    assert again[2] != expected[2]


def test_films_that_cannot_be_told_apart_are_not_taken_for_each_other(
    films: list[Film], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "file_key", lambda _: None)
    for film in films[:2]:
        assert cached_scan([film.path], folder) == scan([film.path])


def test_a_film_that_cannot_be_read_is_tried_again(
    films: list[Film], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torn, gone = films[0].path, films[1].path
    torn.write_bytes(b"")
    gone.unlink()
    read = counted_scan(monkeypatch)
    for _ in range(2):
        found = cached_scan([torn, gone], folder)
        assert [str(one) for one in found] == [str(one) for one in scan([torn, gone])]
    assert read == [torn, gone] * 2


@pytest.mark.parametrize("content", [b"", b"torn", bytes(10_000)])
def test_a_table_that_is_torn_is_made_anew(
    content: bytes, films: list[Film], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [film.path for film in films]
    folder.mkdir(parents=True)
    (folder / "fingerprints.db").write_bytes(content)
    expected, read = scan(paths), counted_scan(monkeypatch)
    for _ in range(3):
        assert cached_scan(paths, folder) == expected
    assert read == paths


@pytest.mark.parametrize("content", [b"", b"torn", bytes(10_000)])
def test_a_table_is_closed_whatever_is_in_it(
    content: bytes, films: list[Film], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Counted(sqlite3.Connection):
        def __init__(self, *given: Any, **options: Any) -> None:
            super().__init__(*given, **options)
            left.append(self)

        def close(self) -> None:
            super().close()
            left.remove(self)

    left: list[Counted] = []
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *at, **how: connect(*at, factory=Counted, **how))
    folder.mkdir(parents=True)
    (folder / "fingerprints.db").write_bytes(content)
    cached_scan([films[0].path], folder)
    assert left == []


def test_fingerprints_of_another_version_are_not_believed(films: list[Film], folder: Path) -> None:
    paths = [films[0].path]
    expected = cached_scan(paths, folder)
    with sqlite3.connect(folder / "fingerprints.db") as database:
        database.execute('UPDATE films SET print = \'{"sha256": ""}\'')
    database.close()
    assert cached_scan(paths, folder) == expected


def test_a_folder_that_cannot_be_written_is_done_without(films: list[Film], tmp_path: Path) -> None:
    paths = [film.path for film in films]
    (tmp_path / "file").touch()
    assert cached_scan(paths, tmp_path / "file" / "cache") == scan(paths)


def test_the_default_is_the_user_s_folder_for_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    monkeypatch.setattr("sys.platform", "linux")
    assert default_cache() == Path("/caches/edge-kit")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert default_cache() == Path("/home/somebody/.cache/edge-kit")
