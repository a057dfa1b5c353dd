"""A film is judged again when its bytes have changed, and only then."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from edge_runtime.answer import resume
from edge_runtime.answer.classify import Answer
from edge_runtime.answer.resume import Results
from edge_runtime.bundle import Bundle
from edge_runtime.errors import MachineLacks
from edge_runtime.film.decode import open_film
from resumed_runs import answered, judged, refused, rows, run

pytestmark = pytest.mark.usefixtures("no_waiting_for_the_disk")


# What becomes of a film after its row was written -> whether it is judged again.


def changed(film: Path) -> None:
    """Write other bytes of the same length, with the times that the file had."""
    was = film.stat()
    film.write_bytes(bytes(reversed(film.read_bytes())))
    while True:  # systems tell two moments of a few milliseconds apart, or do not
        os.utime(film, ns=(was.st_atime_ns, was.st_mtime_ns))
        if film.stat().st_ctime_ns != was.st_ctime_ns:
            break


def completed(film: Path) -> None:
    film.write_bytes(film.read_bytes() + b"more")


def swapped(film: Path) -> None:
    other = film.with_name("other")
    film.rename(other)
    film.write_bytes(other.read_bytes())
    os.utime(film, ns=(other.stat().st_atime_ns, other.stat().st_mtime_ns))
    changed(film)


def copied(film: Path) -> None:
    """Write the same bytes anew, as a restored backup has them."""
    data = film.read_bytes()
    film.unlink()
    film.write_bytes(data)


def touched(film: Path) -> None:
    os.utime(film, (1, 1))


def piped(film: Path) -> None:
    film.unlink()
    os.mkfifo(film)


FATES: dict[str, tuple[Callable[[Path], object], bool]] = {
    "nothing": (lambda _: None, False),
    "completed": (completed, True),
    "changed, of the same size and time": (changed, True),
    "another file of the same size and time": (swapped, True),
    "truncated": (lambda film: film.write_bytes(b""), True),
    "copied": (copied, False),
    "touched": (touched, False),
    "made private": (lambda film: film.chmod(0o600), False),
    "gone": (Path.unlink, False),
    "a pipe": (piped, False),
}


@pytest.mark.skipif(os.name == "nt", reason="there are no pipes with a name")
@pytest.mark.parametrize("settled", [False, True])
@pytest.mark.parametrize("before", [answered, refused])
@pytest.mark.parametrize("fate", FATES)
def test_a_film_is_judged_again_when_its_bytes_have_changed_and_only_then(
    fate: str, before: Callable[..., Answer], settled: bool, path: Path, tmp_path: Path,
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    if settled:  # as if the files had been written long before they were judged
        monkeypatch.setattr("edge_runtime.film.source.is_settled", lambda _: True)
    happens, again = FATES[fate]
    films = [tmp_path / f"{number}.film" for number in range(3)]
    with Results(str(path), bundle, "litert") as results:
        for film in films:
            film.write_bytes(film.name.encode() * 40)
            results.write(before(str(film), judged(film)))
    happens(films[1])
    tried = []
    with Results(str(path), bundle, "litert") as results:
        for name in results.not_done(map(str, films)):
            tried.append(name)
            results.write(answered(name, judged(Path(name))))
        assert results.skipped == len(films) - len(tried)
    assert tried == [str(films[1])] * again
    status = before("").status
    wanted = [status, "ok" if again else status, status]
    assert rows(path) == list(zip(map(str, films), wanted, strict=True))
    assert results.refused == wanted.count("refused")
    if again:
        with Results(str(path), bundle, "litert") as results:
            assert list(results.not_done(map(str, films))) == []


def test_a_film_of_which_a_row_knows_no_bytes_is_judged_again(path: Path, bundle: Bundle) -> None:
    film = path.with_name("film")
    film.write_bytes(b"film")
    assert run(path, bundle, [str(film)]) == [str(film)]
    assert run(path, bundle, [str(film)]) == [str(film)]
    assert rows(path) == [(str(film), "ok")]


def test_a_film_that_was_only_moved_about_is_read_once_more_and_then_known(
    path: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = path.with_name("film")
    film.write_bytes(b"film")
    with Results(str(path), bundle, "litert") as results:
        results.write(answered(str(film), judged(film)))
    long_ago = time.time_ns() + 60 * 10**9  # the clock's, at the next runs
    monkeypatch.setattr("edge_runtime.film.source.time_ns", lambda: long_ago)
    read: list[str] = []

    def open_and_tell(film: str) -> BinaryIO:
        read.append(film)
        return open_film(film)

    monkeypatch.setattr(resume, "open_film", open_and_tell)
    for _ in range(3):
        before = path.read_bytes()
        with Results(str(path), bundle, "litert") as results:
            assert list(results.not_done([str(film)])) == []
    assert read == [str(film)]
    assert path.read_bytes() == before
    assert rows(path) == [(str(film), "ok")]


def test_what_the_machine_lacks_is_no_verdict(path: Path, bundle: Bundle) -> None:
    film = path.with_name("film")
    film.write_bytes(b"film")
    with Results(str(path), bundle, "litert") as results:
        lacks = MachineLacks(film, "DICOM, which is read with pydicom", "install it")
        results.write(Answer(str(film), 1.0, error=lacks, source=judged(film)))
        assert rows(path) == [(str(film), "error")]
    with Results(str(path), bundle, "litert") as results:
        for name in results.not_done([str(film)]):
            results.write(answered(name, judged(film)))
    assert rows(path) == [(str(film), "ok")]
