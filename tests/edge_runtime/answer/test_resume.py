"""However a run ends, the next one completes its CSV: every film once, no line torn."""

from __future__ import annotations

import csv
import errno
import os
import stat
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

import pytest

from edge_runtime.answer import resume, rowfile
from edge_runtime.answer.classify import FIELDS, Answer
from edge_runtime.answer.resume import Results
from edge_runtime.answer.rowfile import RowFile
from edge_runtime.answer.rows import row_writer
from edge_runtime.answer.source import SourceFile
from edge_runtime.bundle import Bundle
from edge_runtime.errors import CannotWrite, FilmError, MachineLacks, Refusal, UsageError
from edge_runtime.film.decode import open_film

FILMS = ["a.png", 'quote",comma;\r.png', "new\nline\n.png", "Übersicht.png", "\udcff.png", "z.png"]
NULS, GARBAGE = bytes(5000), bytes(range(256)) * 20


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "results.csv"


def answered(film: str, source: SourceFile | None = None) -> Answer:
    return Answer(film, 1.5, logit=1.25, probability=0.777, decided="covid", source=source)


def refused(film: str, source: SourceFile | None = None) -> Answer:
    error = Refusal("blank", film, "one even shade, no film", "cure")
    return Answer(film, 0.5, error=error, source=source)


def unread(film: str) -> Answer:
    return Answer(film, 0.5, error=FilmError(film, "No such\nfile", "cure"))


def run(path: Path, bundle: Bundle, films: Iterable[str], *missing: str) -> list[str]:
    """Answer `films` as a run would, those of `missing` apart; return what was tried."""
    tried = []
    with Results(str(path), bundle, "litert") as results:
        for film in results.not_done(films):
            tried.append(film)
            results.write(unread(film) if film in missing else answered(film))
    return tried


def rows(path: Path) -> list[tuple[str, str]]:
    """Return name and status of each row, of a file that has nothing else."""
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    assert text.endswith("\n")
    header, *found = csv.reader(text.splitlines(keepends=True), strict=True)
    assert header == list(FIELDS)
    assert all(len(row) == len(FIELDS) for row in found)
    return [(row[0], row[1]) for row in found]


def test_a_file_torn_at_any_byte_is_completed_to_the_same_bytes(path: Path, bundle: Bundle) -> None:
    films = FILMS[1:4]
    assert run(path, bundle, films) == films
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        tried = run(path, bundle, films)
        assert path.read_bytes() == whole
        assert tried == films[len(films) - len(tried) :]
    assert run(path, bundle, films) == []


TORN = [
    *(
        NULS,
        b'"',
        b'"b',
        b'"b"',
        b'"b",',
        b'"b","',
        b'"b","re',
        b'"b","ok",',
        b'"b","ok","covid",0.',
    ),
    *(b'"b\n', b'"b\nc', b'"b""', b'"b","ok","covid",0.7,1.2,"",0.5,"","","two\nlines'),
    *(b'"b","ok"' + NULS, NULS + b'k","covid"', NULS + b'covid",0.7\n"c","o', NULS * 1000),
]


@pytest.mark.parametrize("tail", TORN, ids=range(len(TORN)))
def test_what_was_left_of_one_row_and_nuls_of_a_power_failure_are_cut_off(
    tail: bytes, path: Path, bundle: Bundle
) -> None:
    run(path, bundle, FILMS[:3])
    begun = path.read_bytes()
    path.write_bytes(begun + tail)
    assert run(path, bundle, FILMS) == FILMS[3:]
    assert path.read_bytes().startswith(begun)
    assert rows(path) == [(film, "ok") for film in FILMS]


# Tails that no killed process leaves.
WRITTEN = {
    "a row of fewer cells": b'"tl/film9.jpg","reviewed by hand","covid"\n',
    "a total": b"Total: 4 films\n",
    "a total without a line's end": b"Total: 4 films",
    "another status": b'"b","reviewed",',
    "another status that is not closed": b'"b","reviewed',
    "a short row before a torn one": b'"a","ok"\n"b"',
    "garbage": GARBAGE,
    "bytes": b"\xff\n\xfe",
    "an open quote": b'x,"ok\n',
    "more cells": b'"b"' + b',"ok"' * len(FIELDS),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_what_somebody_wrote_at_the_end_is_never_cut_off(
    name: str, path: Path, bundle: Bundle
) -> None:
    run(path, bundle, FILMS[:3])
    end = path.stat().st_size
    path.write_bytes(path.read_bytes() + WRITTEN[name])
    before = path.read_bytes()
    with pytest.raises(UsageError, match=f"has no row at byte {end}; mend it, or begin anew"):
        run(path, bundle, FILMS)
    assert path.read_bytes() == before


def test_a_status_that_was_edited_is_refused_wherever_it_stands(path: Path, bundle: Bundle) -> None:
    run(path, bundle, FILMS[3:])
    lines = path.read_bytes().splitlines(keepends=True)
    for number in (1, 2, 3):
        edited = [*lines]
        edited[number] = lines[number].replace(b'"ok"', b'"done"')
        path.write_bytes(b"".join(edited))
        with pytest.raises(UsageError, match=f"no row at byte {len(b''.join(lines[:number]))};"):
            run(path, bundle, FILMS)
        assert path.read_bytes() == b"".join(edited)


def of_a_spreadsheet(path: Path, **options: str) -> Path:
    """Write the CSV as spreadsheets save it: quotes only where they have to be."""
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as stream:
        cells = list(csv.reader(stream))
    with path.open("w", newline="", encoding="utf-8", errors="surrogateescape") as out:
        out.write(options.pop("before", ""))
        csv.writer(out, **options).writerows(cells)  # type: ignore[arg-type]
    return path


SPREADSHEETS: dict[str, Callable[[Path], object]] = {
    "a mark": lambda path: path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes()),
    "no quotes": of_a_spreadsheet,
    "a mark and no quotes": lambda path: of_a_spreadsheet(path, before="\ufeff"),
    "blank lines": lambda path: path.write_bytes(path.read_bytes().replace(b'""\n', b'""\n\n\r\n')),
    "blank cells": lambda path: path.write_bytes(
        path.read_bytes() + (b"," * (len(FIELDS) - 1) + b"\r\n") * 3
    ),
    "no last line's end": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "neither": lambda path: path.write_bytes(of_a_spreadsheet(path).read_bytes()[:-2]),
    "lines of old": lambda path: of_a_spreadsheet(path, lineterminator="\n"),
}


@pytest.mark.parametrize("name", SPREADSHEETS)
def test_what_a_spreadsheet_saved_is_taken_up(name: str, path: Path, bundle: Bundle) -> None:
    films = [film for film in FILMS if "\n" not in film]
    run(path, bundle, films[:-1], films[1])
    SPREADSHEETS[name](path)
    before = path.read_bytes().rstrip(b"\r\n,")
    assert run(path, bundle, films, films[1]) == [films[-1], films[1]]
    # Once more, and the rows that are replaced by new ones as well.
    assert run(path, bundle, films) == [films[1]]
    text = path.read_bytes().decode("utf-8-sig", "surrogateescape")
    header, *found = csv.reader(text.splitlines(keepends=True), strict=True)
    assert header == list(FIELDS)
    assert [row[:2] for row in found if any(row)] == [[film, "ok"] for film in films]
    assert path.read_bytes()[:3] == before[:3]


def test_a_film_is_answered_once_however_often_it_is_named(path: Path, bundle: Bundle) -> None:
    assert run(path, bundle, [*FILMS, *FILMS]) == FILMS
    assert run(path, bundle, [*FILMS, "new.png", *FILMS, "new.png"]) == ["new.png"]
    assert rows(path) == [(film, "ok") for film in [*FILMS, "new.png"]]


def test_films_that_could_not_be_read_keep_their_places_and_are_tried_again(
    path: Path, bundle: Bundle
) -> None:
    run(path, bundle, FILMS, "a.png", "z.png")
    statuses = ["error", "ok", "ok", "ok", "ok", "error"]
    assert rows(path) == list(zip(FILMS, statuses, strict=True))
    assert run(path, bundle, FILMS, "z.png") == ["a.png", "z.png"]
    assert run(path, bundle, ["more.png"]) == ["more.png", "z.png"]  # though nobody names it
    assert rows(path) == [(film, "ok") for film in [*FILMS, "more.png"]]


@pytest.mark.parametrize("held", [1, 2, 3, 100])
def test_more_films_than_are_held_in_memory_are_still_judged_again(
    held: int, path: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resume, "HELD", held)
    run(path, bundle, FILMS, *FILMS[:4])
    assert rows(path) == [(film, "error" if film in FILMS[:4] else "ok") for film in FILMS]
    assert sorted(run(path, bundle, [*FILMS, "more.png"])) == sorted([*FILMS[:4], "more.png"])
    assert rows(path) == [(film, "ok") for film in [*FILMS, "more.png"]]


def test_a_csv_that_was_redirected_is_taken_up_with_one_row_for_a_film(
    path: Path, bundle: Bundle
) -> None:
    with path.open("w", newline="") as out:
        write = row_writer("csv", out, bundle, "litert")
        for answer in (answered("a.png"), unread("b.png"), answered("c.png"), refused("a.png")):
            write(answer)
    assert run(path, bundle, ["a.png", "b.png", "c.png"]) == ["b.png"]
    # the later row of a film counts
    assert rows(path) == [("b.png", "ok"), ("c.png", "ok"), ("a.png", "refused")]


def test_each_row_has_the_engine_that_gave_it(path: Path, bundle: Bundle) -> None:
    for film, engine in (("a.png", "litert"), ("b.png", "onnxruntime")):
        with Results(str(path), bundle, engine) as results:
            results.write(answered(film))
    with path.open(newline="") as stream:
        assert [row["engine"] for row in csv.DictReader(stream)] == ["litert", "onnxruntime"]


ROW = (
    '"a.png","ok","covid",0.7,1.2,"",0.5,"","","","model3-xray-0.1.0","{}","litert",1.5'
    + ',""' * (len(FIELDS) - 14)
    + "\n"
)
HEADER = ",".join(f'"{name}"' for name in FIELDS) + "\n"
OLDER = ",".join(f'"{name}"' for name in FIELDS[:-3]) + "\n"
FOREIGN = {
    "a text": ("once upon a time", "is no CSV of edge-run classify"),
    "a long text": ("x" * 10_000_000, "is no CSV of edge-run classify"),
    "a binary": ("\0" * 5000, "is no CSV of edge-run classify"),
    "another CSV": ("file,label\na.png,covid\n", "is no CSV of edge-run classify"),
    "another version": (OLDER + ROW, "has the columns of another version of edge-run"),
    "another bundle": (HEADER + ROW.format("0" * 64), f"has answers of another bundle, {'0' * 64}"),
    "semicolons": (HEADER.replace(",", ";") + "a;ok\n", "has semicolons between its columns; save"),
    "tabs": (
        HEADER.replace('","', "\t").replace('"', "") + "a\tok\n",
        "has tabs between its columns",
    ),
    "a column more": (
        HEADER.replace('"label"', '"label","seen by"') + "a\n",
        "has a column that edge-run does not write, 'seen by'; remove it, or give",
    ),
    "a column at the end": (HEADER[:-1] + ",notes\n", "does not write, 'notes'; remove it"),
    "another order": (
        HEADER.replace('"file","status"', '"status","file"'),
        "has its columns in another order",
    ),
    "no row in the middle": (HEADER + "a.png\n" + ROW, f"has no row at byte {len(HEADER)}"),
    "torn in the middle": (HEADER + '"a.p\n' + ROW + ROW, f"has no row at byte {len(HEADER)}"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_that_is_no_work_of_this_bundle_is_refused_untouched(
    name: str, path: Path, bundle: Bundle
) -> None:
    text, said = FOREIGN[name]
    text = text.replace(ROW, ROW.format(bundle.identity))
    path.write_text(text, newline="")
    with pytest.raises(UsageError) as refusal:
        Results(str(path), bundle, "litert")
    assert said in str(refusal.value)
    assert refusal.value.cure
    assert path.read_text() == text


def test_windows_line_ends_are_taken_up(path: Path, bundle: Bundle) -> None:
    path.write_text((HEADER + ROW.format(bundle.identity)).replace("\n", "\r\n"), newline="")
    assert run(path, bundle, ["a.png", "b.png"]) == ["b.png"]


def test_a_file_that_another_run_writes_is_refused_until_it_ends(
    path: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(path, bundle, ["a.png"], "a.png")
    monkeypatch.setattr(resume, "HELD", 1)  # so that the file is replaced meanwhile
    with Results(str(path), bundle, "litert") as results:
        for film in results.not_done(["a.png", "b.png"]):
            results.write(answered(film))
            with pytest.raises(UsageError, match="is being written by another edge-run"):
                Results(str(path), bundle, "litert")
    assert run(path, bundle, ["a.png", "b.png", "c.png"]) == ["c.png"]


def test_a_file_that_was_replaced_while_it_was_waited_for_is_opened_anew(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(b"old\n")
    real = rowfile._lock
    replaced: list[Path] = []

    def late(descriptor: int, name: str) -> None:
        if not replaced:
            (path.parent / "new").write_bytes(b"new\n")
            replaced.append((path.parent / "new").replace(path))
        real(descriptor, name)

    monkeypatch.setattr(rowfile, "_lock", late)
    file = RowFile(str(path))
    file.append(b"row\n")
    file.close()
    assert path.read_bytes() == b"new\nrow\n"


@pytest.mark.skipif(os.name == "nt", reason="there are no such names there")
def test_a_file_that_cannot_be_made_is_a_line(tmp_path: Path, bundle: Bundle) -> None:
    for name, cure in (
        ("", "is a folder; give the name of a file"),
        ("no/folder/results.csv", "make the folder first"),
        ("a\0b", "choose another name"),
    ):
        with pytest.raises(CannotWrite, match=cure):
            Results(str(tmp_path / name), bundle, "litert")


def test_the_results_are_no_film_of_the_folder_they_lie_in(path: Path, bundle: Bundle) -> None:
    (path.parent / "sub").mkdir()
    other, link = path.parent / "sub" / path.name, path.parent / "sub" / "link.csv"
    other.touch()
    link.symlink_to(path)
    films = [str(path), str(other), f"{path.parent}/sub/../{path.name}", str(link)]
    films.append(str(path.with_name(f".{path.name}.part")))
    assert run(link, bundle, films) == [str(other)]
    assert link.is_symlink()


def test_a_full_disk_is_told_once_and_what_was_written_stays(
    path: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    run(path, bundle, ["a.png", "b.png"], "b.png")
    before = path.read_bytes()
    with (
        pytest.raises(CannotWrite, match=r"results\.csv: the disk is full; free some of it"),
        Results(str(path), bundle, "litert") as results,
    ):
        for film in results.not_done(["a.png", "b.png", "c.png"]):
            results.write(answered(film))
            monkeypatch.setattr(os, "fsync", full)
    assert path.read_bytes().startswith(before)
    assert os.listdir(path.parent) == [path.name]  # noqa: PTH208
    monkeypatch.setattr(os, "fsync", lambda _: None)
    assert run(path, bundle, ["a.png", "b.png", "c.png"]) == ["b.png"]


def test_rows_reach_the_disk_every_few_seconds_and_at_the_end(
    path: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, synced = [0.0], []
    monkeypatch.setattr(os, "fsync", lambda _: synced.append(path.read_bytes().count(b"\n")))
    monkeypatch.setattr(rowfile, "monotonic", lambda: now[0])
    monkeypatch.setattr(rowfile, "sync_folder", lambda _: None)
    with Results(str(path), bundle, "litert") as results:
        for number in range(10):
            now[0] += 2
            results.write(answered(f"{number}.png"))
    assert synced == [1, 4, 7, 10, 11]


def test_new_rows_for_old_films_reach_the_disk_as_the_size_of_the_file_allows(
    path: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    films = [f"{number}.png" for number in range(10)]
    run(path, bundle, films, *films)
    now, written = [0.0], []
    monkeypatch.setattr(resume, "monotonic", lambda: now[0])
    with Results(str(path), bundle, "litert") as results:
        for film in results.not_done(films):
            now[0] += 2
            results.write(answered(film))
            written.append(sum(status == "ok" for _, status in rows(path)))
    assert written == [0, 0, 3, 3, 3, 6, 6, 6, 9, 9]
    assert rows(path) == [(film, "ok") for film in films]


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
        monkeypatch.setattr("edge_runtime.answer.source.is_settled", lambda _: True)
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


def judged(film: Path) -> SourceFile:
    """Return what a row remembers of a film."""
    source = SourceFile(digested=True)
    with open_film(film) as stream, source.watch(stream):
        stream.read(10)
    return source


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
    monkeypatch.setattr("edge_runtime.answer.source.time_ns", lambda: long_ago)
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


def test_a_draft_that_a_killed_process_left_is_removed(path: Path, bundle: Bundle) -> None:
    run(path, bundle, FILMS, "z.png")
    draft = path.with_name(f".{path.name}.part")
    draft.write_bytes(path.read_bytes()[:100])
    path.chmod(0o640)
    assert run(path, bundle, FILMS) == ["z.png"]
    assert not draft.exists()
    assert rows(path) == [(film, "ok") for film in FILMS]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


NAMES = ["=1+1.png", "+a.png", "-a.png", "@a.png", "\ta.png", "'=a.png", "''=a.png", "./=b.png"]


def test_names_that_a_spreadsheet_would_compute_are_known_again(path: Path, bundle: Bundle) -> None:
    assert run(path, bundle, NAMES) == NAMES
    assert run(path, bundle, NAMES) == []
    assert not [name for name, _ in rows(path) if name[0] in "=+-@\t"]
    path.write_bytes(path.read_bytes().replace(b'"ok"', b'"error"'))
    again = run(path, bundle, [])
    assert [os.path.normpath(one) for one in again] == [os.path.normpath(one) for one in NAMES]
    assert len(rows(path)) == len(NAMES)


def of(film: Path) -> Answer:
    """Return an answer to a film as a command line names it that runs in its folder."""
    return answered(film.name, judged(film))


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return two films of one name in two folders, of which the first one has a row."""
    films = [tmp_path / folder / "film.jpg" for folder in ("A", "B")]
    for film in films:
        film.parent.mkdir()
        film.write_bytes(film.parent.name.encode())
    monkeypatch.chdir(films[0].parent)
    return films


def run_in(folder: Path, path: Path, bundle: Bundle, *films: str) -> list[str]:
    """Answer films as a run would that was started in a folder; return what was tried."""
    os.chdir(folder)
    tried = []
    with Results(str(path), bundle, "litert") as results:
        for film in results.not_done(films):
            tried.append(film)
            results.write(answered(film, judged(Path(film))))
    return tried


@pytest.mark.parametrize("settled", [False, True])
def test_a_relative_path_from_another_folder_takes_no_row_from_another_film(
    settled: bool, two: list[Path], path: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    if settled:
        monkeypatch.setattr("edge_runtime.answer.source.is_settled", lambda _: True)
        monkeypatch.setattr(resume, "is_settled", lambda _: True)
    a, b = two
    assert run_in(a.parent, path, bundle, "film.jpg") == ["film.jpg"]
    assert run_in(b.parent, path, bundle, "film.jpg", "film.jpg") == [str(b)]
    assert rows(path) == [("film.jpg", "ok"), (str(b), "ok")]
    for folder in (a.parent, b.parent):  # each is known from now on, by either name
        assert run_in(folder, path, bundle, "film.jpg", str(b)) == []
    b.write_bytes(b"changed")
    assert run_in(b.parent, path, bundle, "film.jpg") == [str(b)]
    a.write_bytes(b"changed as well")
    assert run_in(a.parent, path, bundle, "film.jpg") == ["film.jpg"]
    assert rows(path) == [("film.jpg", "ok"), (str(b), "ok")]


def test_films_of_the_same_size_and_dates_in_two_folders_are_two(
    two: list[Path], path: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FAT dates by two seconds, and uncompressed films have one size."""
    for module in ("source", "names", "resume"):
        monkeypatch.setattr(f"edge_runtime.answer.{module}.stamp", lambda _: "0123456789abcdef")
    a, b = two
    run_in(a.parent, path, bundle, "film.jpg")
    assert run_in(b.parent, path, bundle, "film.jpg") == [str(b)]


def test_the_same_films_on_a_disk_that_is_mounted_elsewhere_are_done(
    two: list[Path], path: Path, bundle: Bundle
) -> None:
    a, b = two
    run_in(a.parent, path, bundle, "film.jpg")
    b.write_bytes(a.read_bytes())
    before = path.read_bytes()
    assert run_in(b.parent, path, bundle, "film.jpg") == []
    assert path.read_bytes() == before


def test_a_film_that_could_not_be_read_keeps_its_row_from_another_folder(
    two: list[Path], path: Path, bundle: Bundle
) -> None:
    a, b = two
    with Results(str(path), bundle, "litert") as results:
        results.write(unread("film.jpg"))
    assert run_in(b.parent, path, bundle) == []  # where that one is not
    assert run_in(b.parent, path, bundle, "film.jpg") == [str(b)]
    assert rows(path) == [("film.jpg", "error"), (str(b), "ok")]
    assert run_in(a.parent, path, bundle) == ["film.jpg"]
    assert rows(path) == [("film.jpg", "ok"), (str(b), "ok")]


def test_a_film_that_is_not_in_this_folder_is_not_done(
    two: list[Path], path: Path, bundle: Bundle
) -> None:
    a, b = two
    run_in(a.parent, path, bundle, "film.jpg")
    b.unlink()
    os.chdir(b.parent)
    with Results(str(path), bundle, "litert") as results:
        assert list(results.not_done(["film.jpg"])) == [str(b)]
    a.unlink()
    os.chdir(a.parent)
    with Results(str(path), bundle, "litert") as results:  # one that is gone keeps its row
        assert list(results.not_done(["film.jpg"])) == []


def test_films_that_were_done_before_are_counted_once(path: Path, bundle: Bundle) -> None:
    run(path, bundle, FILMS, *FILMS[:2])
    with Results(str(path), bundle, "litert") as results:
        for film in results.not_done([*FILMS, *FILMS, "new.png", "new.png"]):
            results.write(answered(film))
        assert results.skipped == len(FILMS) - 2
        assert str(results) == (
            f"{path}: 3 films answered, 0 refused, 0 not read, 4 done before, 2 judged again"
        )
