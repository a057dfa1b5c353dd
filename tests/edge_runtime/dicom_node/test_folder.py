"""On a disk that is full nothing is lost, and once there is room each object is there once."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from dicom_nodes import device_image
from dicom_peers import Archive, running, send, settings, until
from edge_runtime.dicom_node.folder import NodeFolder
from edge_runtime.errors import UsageError
from tiny_bundle import film_array

SIZE = 4 << 20
OUT_OF_RESOURCES = 0xA700


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such modes")
def test_a_folder_that_others_may_write_is_refused(tmp_path: Path) -> None:
    (root := tmp_path / "node").mkdir()
    root.chmod(0o777)
    with pytest.raises(UsageError, match="can be changed by other users"):
        NodeFolder(root)
    root.chmod(0o700)
    NodeFolder(root).close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Yield a disk of 4 MiB."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root may mount a disk")
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if mount is None or umount is None:
        pytest.skip("this system has no mount")
    (disk := tmp_path / "disk").mkdir()
    line = [mount, "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(disk)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")
    try:
        yield disk
    finally:
        subprocess.run([umount, str(disk)], check=True)


def large_image(number: int) -> bytes:
    """Return an image of 270 KiB that is answered."""
    levels = np.kron(film_array(seed=number), np.ones((6, 6), np.uint8))
    return device_image(number, levels=levels)


def fill(disk: Path, room: int) -> None:
    """Leave `room` bytes of a disk."""
    free = shutil.disk_usage(disk).free
    with (disk / "filler").open("wb") as stream:
        stream.write(bytes(max(free - room, 0)))


@pytest.mark.parametrize("room", [0, 100, 1200], ids="{} KiB".format)
def test_what_a_full_disk_did_not_take_is_answered_when_it_is_sent_again(
    room: int, small_disk: Path, tiny: Path
) -> None:
    unsent = [large_image(number) for number in range(1, 6)]
    with Archive() as archive:
        told = settings(small_disk, archive.port, audit=small_disk / "trail.jsonl")
        with running(told, tiny) as (node, said):
            fill(small_disk, room << 10)
            statuses = send(told.port, *unsent)
            assert set(statuses) <= {0, OUT_OF_RESOURCES} and OUT_OF_RESOURCES in statuses
            assert any("A700" in line and "full" in line for line in said)
            unsent = [image for image, status in zip(unsent, statuses, strict=True) if status]
            (small_disk / "filler").unlink()
            assert send(told.port, *unsent) == [0] * len(unsent)
            until(lambda: len(archive.objects) == 10, "ten objects")
            until(lambda: node.folder.queue.count() == (0, 0), "an empty queue")
            until(lambda: not [*node.folder.root.glob("*/*")], "an empty folder")
    assert set(archive.sources().values()) == {1} and len(archive.sources()) == 10
