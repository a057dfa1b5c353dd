"""A file of a bundle is read whole or refused in one line, whatever the disk does meanwhile."""

from __future__ import annotations

import errno
import mmap
import os
import re
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from typing import Any, ClassVar, Self

import pytest

from edge_runtime.bundle import open_bundle, verify_all
from edge_runtime.bundle.regular_file import RegularFile, unreadable
from edge_runtime.errors import IntegrityError, NotABundle
from sample_bundle import GRAPH, MEMBERS


def test_no_file_stays_open(zipped: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    real = os.open

    def counting(*arguments: Any) -> int:
        opened.append(real(*arguments))
        return opened[-1]

    monkeypatch.setattr(os, "open", counting)
    for path in (zipped, folder):
        verify_all(path)
        with pytest.raises(NotABundle, match=r"is not a regular file|holds no manifest"):
            open_bundle("/dev/null" if path == zipped else folder.parent)
    assert opened
    for descriptor in opened:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)


def pulled_out(code: int, reads: int) -> Callable[[Any, Any], int]:
    """Return a `readinto` that fails with `code`, or at the end of the file, after `reads`."""
    done = iter(range(reads))

    def readinto(file: FileIO, view: Any) -> int:
        if next(done, None) is not None:
            return FileIO.readinto(file, view)
        if code:
            raise OSError(code, os.strerror(code))
        return 0

    return readinto


@pytest.mark.parametrize("kind", ["zip", "folder"])
@pytest.mark.parametrize(
    ("code", "line"),
    [
        (errno.EIO, r"cannot be read \(Input/output error\); copy it to this machine's disk"),
        (errno.ENODEV, r"cannot be read \(No such device\); copy it to this machine's disk"),
        (0, "was cut short while it was read; copy the bundle again"),
    ],
)
def test_a_stick_pulled_out_at_any_moment_is_one_line(
    zipped: Path, folder: Path, kind: str, code: int, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zipped if kind == "zip" else folder
    for reads in range(100):
        broken = type("Broken", (FileIO,), {"readinto": pulled_out(code, reads)})
        monkeypatch.setattr("edge_runtime.bundle.regular_file.FileIO", broken)
        try:
            verify_all(path)
        except (NotABundle, IntegrityError) as error:
            assert re.search(line, str(error))
            assert str(error).startswith(str(path))
        else:
            break
    # Ends, local headers, the manifest and each file: every read was the one that failed once.
    assert reads == (2 + 5 + 1 + 3 if kind == "zip" else 1 + 3)


def test_a_short_read_is_read_on(zipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def one_byte(file: FileIO, view: Any) -> int:
        return FileIO.readinto(file, view[:1])

    monkeypatch.setattr(
        "edge_runtime.bundle.regular_file.FileIO", type("Slow", (FileIO,), {"readinto": one_byte})
    )
    assert verify_all(zipped).read(GRAPH) == MEMBERS[GRAPH]


def test_what_cannot_be_read_is_no_bundle_and_says_what_to_do(
    zipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotABundle, match=r"nothing\.edge: does not exist; give a \.edge file"):
        open_bundle(zipped.with_name("nothing.edge"))
    with pytest.raises(NotABundle, match=r"cannot be read \(Not a directory\)"):
        open_bundle(zipped / "inside")
    with pytest.raises(NotABundle, match="null"):
        open_bundle("\0")
    with pytest.raises(NotABundle, match="holds no manifest"):
        open_bundle(zipped.parent)
    zipped.write_bytes(b"")
    with pytest.raises(NotABundle, match="is not a bundle"):
        open_bundle(zipped)

    def forbidden(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", forbidden)
    with pytest.raises(
        NotABundle, match=f"^{re.escape(str(zipped))}: may not be read by this user; ask its owner"
    ):
        open_bundle(zipped)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a pipe")
def test_a_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "m.edge")
    with pytest.raises(NotABundle) as caught:
        open_bundle(tmp_path / "m.edge")
    problem = "is not a regular file; give a .edge file or a folder"
    assert str(caught.value) == f"{tmp_path / 'm.edge'}: {problem}"


def test_a_link_to_a_bundle_is_followed(zipped: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.edge"
    link.symlink_to(zipped)
    assert verify_all(link).identity == verify_all(zipped).identity


def test_a_folder_that_cannot_be_listed_is_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.scandir
    for place, subject in ((folder, str(folder)), (folder / "golden", f"{folder}: golden")):

        def refused(path: str, place: Path = place) -> Any:
            if Path(path) == place:
                raise OSError(errno.EIO, "Input/output error")
            return real(path)

        monkeypatch.setattr(os, "scandir", refused)
        with pytest.raises(NotABundle) as said:
            open_bundle(folder)
        assert str(said.value).startswith(f"{subject}: cannot be read (Input/output error);")


def test_a_file_of_a_folder_that_became_a_link_is_not_followed(folder: Path) -> None:
    with open_bundle(folder) as bundle:
        elsewhere = folder.parent / "elsewhere"
        (folder / GRAPH).rename(elsewhere)
        (folder / GRAPH).symlink_to(elsewhere)
        with pytest.raises(NotABundle, match=f"{GRAPH}: cannot be read"):
            bundle.read(GRAPH)


def test_bytes_that_are_no_archive_are_named(tmp_path: Path) -> None:
    (tmp_path / "m.edge").write_bytes(b"PK" * 50)
    with pytest.raises(NotABundle, match=f"^{re.escape(str(tmp_path / 'm.edge'))}: "):
        open_bundle(tmp_path / "m.edge")


class Pages(mmap.mmap):
    """A map that notes how it was asked for, and what was advised."""

    asked: ClassVar[list[tuple[tuple[Any, ...], dict[str, Any]]]] = []
    advised: ClassVar[list[int]] = []
    has_huge_pages: ClassVar = True

    def __new__(cls, *arguments: Any, **named: Any) -> Self:
        cls.asked.append((arguments, named))
        return super().__new__(cls, *arguments, **named)

    def madvise(self, option: int, *_: int) -> None:
        self.advised.append(option)
        if not self.has_huge_pages:
            raise OSError(errno.EINVAL, "Invalid argument")


@pytest.mark.parametrize(
    ("platform", "flags", "advised"),
    [
        ("linux", {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS}, [mmap.MADV_HUGEPAGE]),
        ("darwin", {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS}, []),
        ("win32", {}, []),
    ],
)
@pytest.mark.parametrize("has_huge_pages", [True, False])
def test_a_copy_lies_in_pages_of_our_own_in_huge_ones_where_linux_has_them(
    tmp_path: Path,
    platform: str,
    flags: dict[str, int],
    advised: list[int],
    has_huge_pages: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    noted: dict[str, Any] = {"asked": [], "advised": [], "has_huge_pages": has_huge_pages}
    for name, value in noted.items():
        monkeypatch.setattr(Pages, name, value)
    monkeypatch.setattr("edge_runtime.bundle.regular_file.mmap.mmap", Pages)
    monkeypatch.setattr("edge_runtime.bundle.regular_file.sys.platform", platform)
    with RegularFile(str(tmp_path / "file"), "subject") as file:
        assert (file.size, file.read(3, 0), file.read(2, 3)) == (10, b"", b"234")
        assert noted["asked"] == []
        assert bytes(file.copy(1, 4)) == b"1234"
        assert noted["asked"] == [((-1, 4), flags)]
        assert noted["advised"] == advised
        nothing = file.copy(1, 0)
    assert (bytes(nothing), len(noted["asked"])) == (b"", 1)


def test_a_copy_for_which_there_is_no_memory_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    (tmp_path / "file").write_bytes(b"0123456789")
    monkeypatch.setattr("edge_runtime.bundle.regular_file.mmap.mmap", full)
    with (
        RegularFile(str(tmp_path / "file"), "subject") as file,
        pytest.raises(NotABundle, match=r"^subject: cannot be read \(Cannot allocate memory\)"),
    ):
        file.copy(0, 10)


def test_what_the_system_says_without_words_of_its_own_is_told() -> None:
    told = str(unreadable("subject", ValueError("embedded null byte")))
    assert told == "subject: cannot be read (embedded null byte); copy it to this machine's disk"


def test_a_file_is_opened_for_reading_with_the_flags_that_were_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    opened: list[int] = []
    real = os.open

    def noting(path: str, flags: int) -> int:
        opened.append(flags)
        return real(path, flags)

    monkeypatch.setattr(os, "open", noting)
    RegularFile(str(tmp_path / "file"), "subject", os.O_NOFOLLOW).__exit__()
    assert opened == [os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK]
