"""Every film below a folder comes once; what is none is counted, and no listing is held whole."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_runtime.answer.classify import classify
from edge_runtime.bundle import Bundle
from edge_runtime.film import walk
from edge_runtime.film.walk import films_below, films_in
from tiny_bundle import encoded, film_image

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "PPM")


class NoEngine:
    """Is never asked."""

    name = "litert"

    def logits(self, pixels: bytes) -> tuple[float, ...]:
        raise AssertionError(pixels)

    def close(self) -> None: ...


def below(folder: Path) -> list[str]:
    return [os.path.relpath(path, folder) for path in films_below(str(folder))]


def test_every_file_below_a_folder_is_listed_in_the_order_of_names(tmp_path: Path) -> None:
    tops = ["a.pdf", "Z", "b.png", "ü.png", ".film"]
    for name in ("b/2.png", "b/1.png", ".hidden/x", "b/c/d", *tops):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "empty").mkdir()
    assert below(tmp_path) == [
        ".film", ".hidden/x", "Z", "a.pdf", "b/1.png", "b/2.png", "b/c/d", "b.png", "ü.png",
    ]  # fmt: skip


def test_what_is_no_folder_is_itself(tmp_path: Path) -> None:
    for argument in ("", str(tmp_path / "none"), "a\0b"):
        assert list(films_below(argument)) == [argument]


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links_are_what_they_lead_to_and_no_loop_holds_us(tmp_path: Path) -> None:
    (tmp_path / "film").touch()
    (tmp_path / "sub").mkdir()
    links = {"to-film": "film", "to-self": "to-self", "to-nowhere": "x", "sub/to-parent": ".."}
    for name, target in links.items():
        (tmp_path / name).symlink_to(target)
    os.mkfifo(tmp_path / "pipe")
    counts: dict[str, int] = {}
    found = [os.path.relpath(path, tmp_path) for path in films_below(str(tmp_path), counts)]
    assert found == ["film", "to-film", "to-nowhere", "to-self"]
    assert counts == {walk.LINK: 1, walk.SPECIAL: 1}
    (tmp_path / "argument").symlink_to("sub")
    (tmp_path / "sub" / "inside").touch()
    assert below(tmp_path / "argument") == ["inside"]


@pytest.mark.skipif(os.name == "nt", reason="bytes are no names there")
def test_names_of_any_bytes_are_listed(tmp_path: Path) -> None:
    names = [b"\xff\xfe.png", b"new\nline.png", b"n" * 255, b'tab\t"quoted",.png']
    for name in names:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).touch()
    assert sorted(map(os.fsencode, below(tmp_path))) == sorted(names)


def test_a_folder_that_cannot_be_listed_is_an_answer_and_the_others_go_on(
    tmp_path: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a/1", "b/2", "c/3"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    scandir = os.scandir

    def guarded(path: str) -> object:
        if path.endswith("b"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    assert below(tmp_path) == ["a/1", "b", "c/3"]
    answer = classify(str(tmp_path / "b"), bundle, NoEngine())
    assert (answer.status, answer.file) == ("error", str(tmp_path / "b"))


@pytest.fixture
def deep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder nested 2200 deep, which neither shutil nor pytest could remove."""
    monkeypatch.chdir(tmp_path)
    for _ in range(2200):
        Path("d").mkdir()
        os.chdir("d")
    yield tmp_path
    for _ in range(2200):
        os.chdir("..")
        Path("d").rmdir()


@pytest.mark.skipif(sys.platform != "linux", reason="there, paths have 4096 bytes at most")
def test_folders_deeper_than_the_stack_and_the_longest_path_end_in_an_answer(
    deep: Path, bundle: Bundle
) -> None:
    (deepest,) = films_below(str(deep))
    assert len(deepest) >= 4096
    answer = classify(deepest, bundle, NoEngine())
    assert (answer.status, str(answer.error).count("File name too long")) == ("error", 1)


class Endless:
    """A folder whose listing never ends, entries of which are counted as they are asked for."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.asked = 0
        self.is_open = True

    def __enter__(self) -> Endless:
        return self

    def __exit__(self, *_: object) -> None:
        self.is_open = False

    def __iter__(self) -> Iterator[object]:
        return self

    def __next__(self) -> object:
        self.asked += 1
        return Entry(f"{self.folder}/{self.asked}")


class Entry:
    def __init__(self, path: str) -> None:
        self.path, self.name = path, path

    def is_dir(self, *, follow_symlinks: bool) -> bool:
        return follow_symlinks


def test_a_folder_without_end_is_streamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listing = Endless(str(tmp_path))
    monkeypatch.setattr(os, "scandir", lambda _: listing)
    films = films_below(str(tmp_path))
    for number in range(1, 3 * walk.SORTED):
        assert next(films) == f"{tmp_path}/{number}"
    assert listing.asked == 3 * walk.SORTED - 1
    films.close()  # type: ignore[attr-defined]
    assert not listing.is_open


def test_up_to_the_limit_entries_come_sorted_and_beyond_it_each_comes_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(9):
        (tmp_path / f"{number}.png").touch()
    (tmp_path / "5").mkdir()
    (tmp_path / "5" / "inside").touch()
    names = [*(f"{number}.png" for number in range(5)), "5/inside"]
    names += [f"{number}.png" for number in range(5, 9)]
    for limit in (10, 9, 3):
        monkeypatch.setattr(walk, "SORTED", limit)
        assert (below(tmp_path) == names) or limit < 10
        assert sorted(below(tmp_path)) == sorted(names)


def test_a_disk_that_fails_in_the_middle_of_a_listing_is_told_by_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(Endless):
        def __next__(self) -> object:
            if self.asked:
                raise OSError(5, "Input/output error")
            return super().__next__()

    monkeypatch.setattr(os, "scandir", Failing)
    for limit in (0, 10):
        monkeypatch.setattr(walk, "SORTED", limit)
        assert list(films_below(str(tmp_path)))[-1] == str(tmp_path)


def test_films_are_counted_no_further_than_asked(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"{number}.png").touch()
    listed: list[str] = []

    def arguments() -> Iterator[str]:
        for argument in (str(tmp_path), "none.png", "more.png"):
            listed.append(argument)
            yield argument

    assert [walk.are_at_least(arguments(), count) for count in (1, 5, 6, 7)] == [True] * 4
    assert listed.count("more.png") == 1
    assert not walk.are_at_least(arguments(), 8)


def test_folders_without_films_are_told_and_the_others_go_on(tmp_path: Path) -> None:
    for name in ("empty/inside", "full"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "full" / "film").touch()
    told: list[str] = []
    arguments = [str(tmp_path / "empty"), str(tmp_path / "full"), "none.png"]
    assert list(films_in(arguments, told.append)) == [f"{tmp_path}/full/film", "none.png"]
    assert told == [str(tmp_path / "empty")]


PASSED_OVER: dict[str, list[str]] = {
    walk.SYSTEM: [
        *("Thumbs.db", "thumbs.DB", "desktop.ini", "Desktop.ini", ".DS_Store", "._film.png"),
        *("._IM0001", "ehthumbs.db", ".localized", ".directory", "Icon\r"),
    ],
    walk.TEXT: [
        *("README.txt", "READ ME.TXT", "readme", "LICENSE", "labels.csv", "a.json", "a.xml"),
        *("run.log", "notes.md", "SHA256SUMS", "autorun.inf", "index.HTM", "film.png.txt"),
    ],
    walk.INDEX: ["DICOMDIR", "dicomdir"],
}
FILMS = (
    *("film", "IM000001", "1.2.840.10008.1", ".film.png", "txt", "csv", "film.txt.png"),
    *("film.dcm", "film.xyz", "report.pdf", "Thumbs.db.png", "dicomdir.dcm", "README.png"),
)


@pytest.mark.parametrize(("kind", "name"), [(k, n) for k in PASSED_OVER for n in PASSED_OVER[k]])
@pytest.mark.parametrize("content", [b"", b"two words", b"\0\5\x16\7 as macOS writes it"])
def test_what_is_no_film_by_its_name_is_counted_by_its_kind(
    kind: str, name: str, content: bytes, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    (tmp_path / "film").touch()
    counts: dict[str, int] = {}
    assert list(films_below(str(tmp_path), counts)) == [str(tmp_path / "film")]
    assert counts == {kind: 1}
    # One that is named itself is judged.
    assert list(films_below(str(tmp_path / name), counts)) == [str(tmp_path / name)]


@pytest.mark.parametrize("name", FILMS)
def test_what_may_be_a_film_by_its_name_is_never_passed_over(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"two words")
    assert below(tmp_path) == [name]


@pytest.mark.parametrize("name", ["IMG0001.txt", "film.csv", "README", "._film.png", "Thumbs.db"])
@pytest.mark.parametrize("form", [*FORMATS, "DICOM"])
def test_what_begins_as_a_film_is_one_whatever_it_is_called(
    name: str, form: str, tmp_path: Path
) -> None:
    film = bytes(128) + b"DICM" if form == "DICOM" else encoded(film_image(), form)
    (tmp_path / name).write_bytes(film)
    assert below(tmp_path) == [name]


@pytest.mark.parametrize(
    "words", [b"BMI,age\n", b"P5,P6\n", b"P2", b"RIFE", b"II*", b"\xff\xfeR\0"]
)
def test_text_that_begins_nearly_as_a_film_is_text(words: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(words)
    assert below(tmp_path) == []


@pytest.mark.parametrize(
    "name",
    [
        *("@eaDir", "__MACOSX", "$RECYCLE.BIN", "System Volume Information", ".Trashes"),
        *(".Trash-1000", ".Spotlight-V100", ".fseventsd", "#recycle", "lost+found"),
    ],
)
def test_a_folder_of_the_system_is_counted_and_not_entered(name: str, tmp_path: Path) -> None:
    for path in (f"{name}/film.png", f"sub/{name}/film.png", "film"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    counts: dict[str, int] = {}
    assert list(films_below(str(tmp_path), counts)) == [str(tmp_path / "film")]
    assert counts == {walk.FOLDER: 2}
    # Named itself, it is a folder like any other.
    assert below(tmp_path / name) == ["film.png"]


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
@pytest.mark.parametrize("name", ["films", "Thumbs.db", "__MACOSX", "a.txt", ".Trash", "a.dcm"])
def test_a_link_to_a_folder_is_counted_whatever_it_is_called(name: str, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "film").touch()
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / name).symlink_to(tmp_path / "elsewhere")
    told: list[str] = []
    counts: dict[str, int] = {}
    assert list(films_in([str(tmp_path / "here")], told.append, counts)) == []
    assert counts == {walk.LINK: 1}
    assert told == [str(tmp_path / "here")]
    assert walk.in_words(counts).startswith("passed over in folders: 1 link to a folder; ")
    # Named itself, it is that folder.
    assert below(tmp_path / "here" / name) == ["film"]


@pytest.mark.parametrize("limit", [1, 10_000])
def test_what_is_passed_over_counts_once_however_often_a_folder_is_named(
    limit: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "SORTED", limit)
    for name in ("a/b/notes.txt", "a/b/film", "a/Thumbs.db", "a/more.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to("a")
    counts: dict[str, int] = {}
    arguments = [f"{tmp_path}/{name}" for name in ("a/b", "a", "a/", "a/b/..", "link", "a")]
    assert len(list(films_in(arguments, lambda _: None, counts))) == len(arguments)
    assert counts == {walk.TEXT: 2, walk.SYSTEM: 1}


def test_what_cannot_be_read_is_no_text_and_its_answer_says_why(
    tmp_path: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in ("Thumbs.db/film", "a.txt/film"):
        (tmp_path / path).parent.mkdir()
        (tmp_path / path).touch()
    for name in ("b.txt", "README", "._film.png"):
        (tmp_path / name).touch()

    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(walk, "open_film", refused)
    assert below(tmp_path) == ["._film.png", "README", "Thumbs.db/film", "a.txt/film", "b.txt"]
    monkeypatch.setattr("edge_runtime.film.preprocess.open_film", refused)
    answer = classify(str(tmp_path / "b.txt"), bundle, NoEngine())
    assert (answer.status, answer.file) == ("error", str(tmp_path / "b.txt"))


def test_beyond_the_limit_of_sorting_the_same_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(9):
        (tmp_path / f"{number}.txt").touch()
    (tmp_path / "film").touch()
    monkeypatch.setattr(walk, "SORTED", 3)
    counts: dict[str, int] = {}
    assert list(films_below(str(tmp_path), counts)) == [str(tmp_path / "film")]
    assert counts == {walk.TEXT: 9}


def test_a_folder_of_what_is_passed_over_is_as_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    told: list[str] = []
    counts: dict[str, int] = {}
    assert list(films_in([str(tmp_path)], told.append, counts)) == []
    assert (told, counts) == ([str(tmp_path)], {walk.TEXT: 1})


def test_the_line_counts_each_kind() -> None:
    counts = {walk.TEXT: 2, walk.SYSTEM: 1, walk.INDEX: 3, walk.LINK: 2, walk.SPECIAL: 2}
    assert walk.in_words(counts).startswith(
        "passed over in folders: 3 DICOMDIR, 2 links to folders, 2 pipes, sockets or devices, "
        "1 system file, 2 text files; "
    )
