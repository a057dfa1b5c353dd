"""A result replaces a regular file, or what a link leads to, and nothing else."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_runtime import output
from edge_runtime.bundle.pack import pack, unpack, write_bundle
from edge_runtime.cli import run
from edge_runtime.errors import CannotWrite
from edge_runtime.output import (
    destination,
    new_folder_at,
    replacing,
    require_place,
    write_together,
    write_whole,
)
from result_targets import (
    NO_FILE,
    NO_FOLDER,
    WRITTEN,
    Write,
    dangling,
    file,
    require_refusal,
    require_result,
    status_of,
)
from sample_bundle import MEMBERS, sample_fields
from tiny_bundle import write_film

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="nodes of Unix"),
    pytest.mark.usefixtures("own_signals"),
]


def resumed(path: Path, tiny: Path, film: Path) -> int:
    return run(["classify", str(film), "--bundle", str(tiny), "--resume", str(path)])


def drawn(path: Path, tiny: Path, film: Path) -> int:
    return run(["classify", str(film), "--bundle", str(tiny), "--heatmap", str(path)])


WRITERS: dict[str, Callable[[Path, Path, Path], object]] = {
    "write_whole": lambda path, _tiny, _film: write_whole(path, b"a result"),
    "write_together": lambda path, _tiny, _film: write_together({path: b"a result"}),
    "write_bundle": lambda path, _tiny, _film: write_bundle(path, sample_fields(), MEMBERS),
    "pack": lambda path, tiny, _film: pack(tiny, path),
    "check --receipt": lambda path, tiny, _film: run(["check", str(tiny), "--receipt", str(path)]),
    "classify --heatmap": drawn,
    "classify --resume": resumed,
}


@pytest.fixture
def writer(request: pytest.FixtureRequest, tiny: Path, tmp_path: Path) -> Write:
    """Return the writer of that name, which takes the path of its result."""
    film = write_film(tmp_path / "film.png")
    write = WRITERS[request.param]
    return lambda path: write(path, tiny, film)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out" / "result.png"


@pytest.mark.parametrize("kind", NO_FILE)
@pytest.mark.parametrize("writer", WRITERS, indirect=True)
def test_what_is_no_regular_file_is_refused_and_stays(writer: Write, kind: str, path: Path) -> None:
    require_refusal(writer, path, NO_FILE[kind])


@pytest.mark.parametrize("kind", WRITTEN)
@pytest.mark.parametrize("writer", WRITERS, indirect=True)
def test_a_file_or_what_a_link_leads_to_is_written(
    writer: Write, kind: str, path: Path, request: pytest.FixtureRequest
) -> None:
    if kind == "hard link" and "--resume" in request.node.name:
        kind = "file"  # to whose other names rows are appended, too
    require_result(writer, path, WRITTEN[kind])


@pytest.mark.parametrize("kind", [*NO_FOLDER, "folder"])
def test_unpacking_makes_a_new_folder_only(kind: str, path: Path, tiny: Path) -> None:
    require_refusal(lambda out: unpack(tiny, out), path, {**NO_FOLDER, "folder": Path.mkdir}[kind])


def test_unpacking_makes_what_a_link_leads_to(path: Path, tiny: Path) -> None:
    target = dangling(path)
    unpack(tiny, path)
    assert path.is_symlink()
    assert (target / "manifest.json").is_file()


def test_the_file_that_stdout_goes_to_is_not_replaced(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with path.open("w") as stream:
        for name in ("stdout", "stderr"):
            monkeypatch.setattr(sys, name, stream)
            for target in (path, Path(f"/proc/self/fd/{stream.fileno()}")):
                if target.exists():
                    with pytest.raises(CannotWrite, match="is where stdout or stderr goes"):
                        write_whole(target, b"a result")
            monkeypatch.undo()
    write_whole(path, b"a result")


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="a link of Linux")
def test_a_file_without_a_name_is_not_written(path: Path) -> None:
    with path.open("w") as stream:
        path.unlink()
        with pytest.raises(CannotWrite, match="is no name of a file"):
            write_whole(f"/proc/self/fd/{stream.fileno()}", b"a result")


def test_a_name_that_ends_as_a_folders_does_is_one(path: Path) -> None:
    with pytest.raises(CannotWrite, match="is the name of a folder; give the name of a file"):
        write_whole(f"{path}/", b"a result")
    assert status_of(lambda one: write_whole(f"{one}/", b""), file(path)) == 10


def test_of_several_files_all_are_written_or_none(path: Path) -> None:
    others = [path.with_name("a"), path.with_name("b")]
    os.mkfifo(others[1])
    with pytest.raises(CannotWrite, match="b: is a pipe"):
        write_together({path: b"1", others[0]: b"2", others[1]: b"3"})
    assert [one.name for one in path.parent.iterdir()] == ["b"]


@pytest.mark.parametrize("refused", [1, 2, 3])
def test_a_disk_that_is_found_full_as_late_as_it_can_be_changes_none_of_several_files(
    refused: int, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {path.with_name(name): b"new" for name in "abc"}
    path.with_name("b").write_bytes(b"old")
    count, sync = [0], os.fsync

    def full(descriptor: int) -> None:
        count[0] += 1
        if count[0] == refused:
            raise OSError(28, os.strerror(28))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CannotWrite, match=r"the disk is full; free 3 bytes"):
        write_together(files)
    assert {one.name: one.read_bytes() for one in path.parent.iterdir()} == {"b": b"old"}


def test_what_fails_within_leaves_what_was_there(path: Path) -> None:
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), replacing(path) as stream:
        stream.write(b"new")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old"
    assert [one.name for one in path.parent.iterdir()] == [path.name]


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give away"
)
def test_the_owner_of_a_file_stays(path: Path) -> None:
    path.write_bytes(b"old")
    os.chown(path, 1234, 5678)
    path.chmod(0o604)
    write_whole(path, b"new")
    found = path.stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o7777) == (1234, 5678, 0o604)


def test_the_rights_of_a_group_are_no_other_groups(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    path.write_bytes(b"old")
    try:
        os.chown(path, -1, 5678)
    except PermissionError:
        pytest.skip("only root may give away")
    path.chmod(0o664)
    monkeypatch.setattr(os, "chown", refuse)
    write_whole(path, b"new")
    assert path.stat().st_mode & 0o777 == 0o604


def test_destination_follows_links_to_what_is_not_there_yet(path: Path) -> None:
    assert destination(path) == path.resolve()
    target = dangling(path)
    assert destination(str(path)) == target.resolve()


# Who else writes to a file, and where: none of them to a name that the user gave.
OTHERS = {
    "edge_runtime/bundle/pack.py": "a folder that is not there yet",
    "edge_runtime/answer/rowfile.py": "by `destination`, and one row at a time",
    "edge_runtime/bench/measure.py": "a temporary folder",
    "edge_runtime/isolation/worker.py": "a pipe",
    "edge_runtime/audit_trail/trail.py": "by `destination`, and one line at a time",
    "edge_runtime/tray/folder.py": "the tray's own folder of notes",
    "edge_runtime/tray/journal.py": "the tray's own folder of notes",
    "edge_runtime/tray/commit.py": "places that the journal has named before",
    "edge_runtime/dicom_node/folder.py": "a lock in a folder of its own, which stays empty",
    "edge_runtime/web/tls.py": "a certificate of its own, in the data folder",
    "edge_runtime/fleet/box.py": "a lock in the data folder, which stays empty",
    "edge_runtime/fleet/signing.py": "a temporary folder",
    "edge_runtime/updates/trusted.py": "a temporary folder, in which python-tuf works",
}
WRITING = {"write_text", "write_bytes", "savefig", "rename", "replace", "mkstemp", "copyfile"}


def writes(node: ast.AST) -> bool:
    """Tell whether a call writes a file, by its name or the mode in which it opens one."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute | ast.Name):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
    texts = [one.value for one in node.args if isinstance(one, ast.Constant)]
    if name in ("open", "fdopen"):
        return any(set(str(text)) & set("wxa+") and len(str(text)) <= 3 for text in texts)
    if name == "replace":  # that of a text has two arguments
        return len(node.args) == 1 and not node.keywords
    return name in WRITING


def test_nothing_else_writes_to_a_file() -> None:
    root = Path(output.__file__).parent
    found = set()
    for source in root.rglob("*.py"):
        if any(map(writes, ast.walk(ast.parse(source.read_text(encoding="utf-8"))))):
            found.add(f"edge_runtime/{source.relative_to(root).as_posix()}")
    assert found == {*OTHERS, "edge_runtime/output.py"}


@pytest.mark.parametrize("kind", ["no folder", "a file", "may not write"])
def test_a_place_is_refused_before_its_content_is_paid_for(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "folder"
    if kind == "a file":
        folder.touch()
    elif kind == "may not write":
        folder.mkdir()
        monkeypatch.setattr(os, "access", lambda path, _: Path(path) != folder)
    with pytest.raises(CannotWrite) as refusal:
        require_place(folder / "result")
    assert refusal.value.cure
    if kind != "no folder":  # which is made for a folder
        with pytest.raises(CannotWrite):
            new_folder_at(folder / "sub" / "run")
        return
    assert new_folder_at(folder / "sub" / "run") == folder / "sub" / "run"
    assert require_place(tmp_path / "result") == tmp_path / "result"
