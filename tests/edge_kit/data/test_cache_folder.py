"""Nothing of the cache is believed that others could have changed, and no link is followed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge_export.films.film import Film
from edge_kit.data.reader import FilmReader
from edge_runtime.bundle.digest import sha256
from edge_runtime.errors import UsageError
from edge_runtime.film.preprocess import standard
from films import write_film
from foreign_owner import give_away

RECIPE = standard(32, 48, 1)
TABLE = "fingerprints.db"

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes and owners are those of Unix")


@pytest.fixture
def film(tmp_path: Path) -> Film:
    path = write_film(tmp_path / "films" / "a.png", 1)
    return Film(path, "covid", "train", path.stem, sha256(path.read_bytes()))


@pytest.fixture
def cache(tmp_path: Path, film: Film) -> Path:
    """Return a cache that holds a film."""
    folder = tmp_path / "cache"
    use(folder, film)
    assert {one.suffix for one in folder.iterdir()} == {".db", ".films"}
    return folder


def use(cache: Path, film: Film) -> list[str]:
    said: list[str] = []
    reader = FilmReader(cache, said.append)
    reader.scan([film.path])
    reader.pixels([film], RECIPE)
    return said


def refusal(cache: Path, film: Film) -> str:
    before = {one.name: one.read_bytes() for one in cache.iterdir() if one.is_file()}
    lines = []
    reader = FilmReader(cache, pytest.fail)
    for step in (lambda: reader.scan([film.path]), lambda: reader.read([film], RECIPE)):
        try:
            step()
        except UsageError as error:
            lines.append(str(error))
    after = {one.name: one.read_bytes() for one in cache.iterdir() if one.is_file()}
    assert lines and before == after
    return lines[0]


def test_a_new_cache_is_its_user_s_alone(cache: Path) -> None:
    assert cache.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o777, 0o733, 0o1777])
def test_a_cache_that_others_can_write_is_refused(mode: int, cache: Path, film: Film) -> None:
    cache.chmod(mode)
    line = refusal(cache, film)
    assert line.startswith(f"{cache}: can be changed by other users")
    assert f"chmod -R go-w {cache}, or name another folder with --cache" in line


def test_a_cache_of_somebody_else_is_refused(
    cache: Path, film: Film, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_away(cache, monkeypatch)
    assert "belongs to another user" in refusal(cache, film)


def test_a_file_that_others_can_write_is_refused(cache: Path, film: Film) -> None:
    for one in cache.iterdir():
        one.chmod(0o666)
        assert refusal(cache, film).startswith(f"{one}: can be changed by other users")
        one.chmod(0o600)
    assert use(cache, film) == []


@pytest.mark.parametrize("ending", [".db", ".films"])
def test_a_link_is_neither_read_nor_written_through(
    ending: str, cache: Path, film: Film, tmp_path: Path
) -> None:
    (file,) = (one for one in cache.iterdir() if one.suffix == ending)
    target = tmp_path / "target"
    for content in (b"precious", file.read_bytes()):
        target.write_bytes(content)
        file.unlink()
        file.symlink_to(target)
        assert refusal(cache, film).startswith(f"{file}: is a link")
        assert target.read_bytes() == content
    target.unlink()
    assert "is a link" in refusal(cache, film)
    assert not target.exists()


def test_a_link_in_the_place_of_sqlite_s_journal_is_refused(
    cache: Path, film: Film, tmp_path: Path
) -> None:
    (tmp_path / "target").write_bytes(b"precious")
    (cache / f"{TABLE}-journal").symlink_to(tmp_path / "target")
    assert "is a link" in refusal(cache, film)


def test_a_pipe_in_the_place_of_a_file_keeps_nobody_waiting(cache: Path, film: Film) -> None:
    for one in list(cache.iterdir()):
        one.unlink()
        os.mkfifo(one, 0o600)
        assert "is no file" in refusal_of_pipe(cache, film)
        one.unlink()
        use(cache, film)


def refusal_of_pipe(cache: Path, film: Film) -> str:
    reader = FilmReader(cache, pytest.fail)
    with pytest.raises(UsageError) as refused:
        reader.scan([film.path]), reader.read([film], RECIPE)
    return str(refused.value)


def test_a_cache_behind_a_link_to_a_folder_of_one_s_own_is_used(
    cache: Path, film: Film, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(cache)
    assert use(tmp_path / "link", film) == []
