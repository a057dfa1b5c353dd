"""Whatever ends an update, a box starts with one whole, checked model, and the next update works.

Here a sample; `make power-cuts` visits every system call that changes something.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from cut_calls import Recorded, cut, fail, record
from edge_runtime.errors import CannotWrite, UsageError
from edge_runtime.installation.store import ModelStore
from forgetful_disk import Disk, recorded, write_disk
from update_bed import Bed, has_strace

SAMPLE = 11
"""Each so many calls one is tried here."""

needs_strace = pytest.mark.skipif(
    not has_strace(), reason="strace is missing (Debian: strace), or may not trace here"
)


@pytest.fixture(scope="module")
def told(bed: Bed) -> Recorded:
    return record(bed, bed.update(bed.copy("killed")), bed.folder / "log")


@pytest.mark.slow
@needs_strace
def test_an_update_killed_at_a_call_that_changes_something(bed: Bed, told: Recorded) -> None:
    names = {call.name for call in told.calls}
    assert {"openat", "write", "rename", "fsync", "unlink", "mkdir"} <= names
    assert len(told.calls) > 60
    killed = 0
    for call in told.calls[::SAMPLE]:
        killed += cut(bed, lambda: bed.update(bed.copy("killed")), call)
        assert bed.problems(bed.folder / "killed") == [], call.text
    assert killed == len(told.calls[::SAMPLE])


@pytest.mark.slow
@needs_strace
def test_a_first_installation_killed_at_a_call_that_changes_something(bed: Bed) -> None:
    store = bed.folder / "first"

    def anew() -> list[str]:
        shutil.rmtree(store, ignore_errors=True)
        return bed.first(store)

    for call in record(bed, bed.first(store), bed.folder / "log").calls[:: 2 * SAMPLE]:
        assert cut(bed, anew, call)
        assert bed.problems(store, had_one=False) == [], call.text


@pytest.mark.slow
@needs_strace
@pytest.mark.parametrize("error", ["ENOSPC", "EROFS", "EIO"])
def test_a_disk_that_is_full_or_fails_from_a_call_on(error: str, bed: Bed, told: Recorded) -> None:
    for call in told.calls[:: 3 * SAMPLE]:
        more = "" if call.name == "openat" else "+"
        status = fail(bed, lambda: bed.update(bed.copy("killed")), call, error, more)
        assert status in (0, CannotWrite.exit_status), call.text
        assert bed.problems(bed.folder / "killed") == [], call.text


@pytest.mark.slow
@needs_strace
def test_a_disk_that_forgets_what_was_not_synced(bed: Bed) -> None:
    store = bed.copy("forgetful")
    disk, seen = Disk.of(store), set[str]()
    for step in recorded(bed, bed.update(store), bed.folder / "log"):
        disk.take(step)
        for files in disk.after_a_power_cut():
            key = repr(sorted(files.items()))
            if key not in seen:
                seen.add(key)
                if len(seen) % 3 == 0:
                    shutil.rmtree(store)
                    write_disk(store, files)
                    assert bed.start_problems(store) == [], f"after {step.kind} {step.path}"
    assert len(seen) > 20


def test_a_forgetful_disk_would_notice_a_file_that_was_not_waited_for(tmp_path: Path) -> None:
    """The judge is judged: without its sync, a renamed file may be empty."""
    from forgetful_disk import Step

    old, new = str(tmp_path / "record"), str(tmp_path / "new")
    Path(old).write_bytes(b"old")
    steps = [Step("open", new), Step("write", new, data=b"new"), Step("sync", new)]
    steps.append(Step("rename", new, old))

    def contents(steps: list[Step]) -> set[bytes]:
        disk = Disk.of(tmp_path)
        for step in steps:
            disk.take(step)
        return {files.get(old, b"nothing") for files in disk.after_a_power_cut()}

    assert contents(steps) == {b"old", b"new"}
    assert b"" in contents([step for step in steps if step.kind != "sync"])
    assert contents([*steps, Step("sync", str(tmp_path))]) == {b"new"}


def test_two_updates_at_once_are_one(bed: Bed, store: Path) -> None:
    with ModelStore(str(store)).writing():
        done = bed.run(*bed.update(store))
    assert done.returncode == UsageError.exit_status
    assert "is being written by another edge-run" in done.stderr
    assert bed.problems(store) == []


def test_a_card_that_is_read_only_answers_and_says_why_it_is_not_updated(
    bed: Bed, tmp_path: Path
) -> None:
    card = tmp_path / "card"
    card.mkdir()
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if (
        not (mount and umount)
        or subprocess.run(
            [mount, "-t", "tmpfs", "tmpfs", str(card)], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("nothing can be mounted here")
    try:
        shutil.copytree(bed.store, card / "store")
        subprocess.run([mount, "-o", "remount,ro", str(card)], check=True)
        done = bed.run(*bed.update(card / "store"))
        assert (done.returncode, "read-only" in done.stderr) == (CannotWrite.exit_status, True)
        assert bed.start_problems(card / "store") == []
    finally:
        subprocess.run([umount, str(card)], check=True)
