"""An image waits where this machine lacks something for now, and is given up where it is gone."""

from __future__ import annotations

import errno
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import pytest

from dicom_nodes import device_image
from dicom_peers import Archive, running, send, settings, until
from edge_runtime.dicom_node.queue import Queue
from edge_runtime.dicom_node.source import Source


def is_said(said: list[str], words: str) -> bool:
    return any(words in line for line in said)


def test_an_image_is_answered_later_where_no_more_files_can_be_opened(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, failed = Source.read, list[int]()

    def first_without_handles(stream: BinaryIO) -> Source:
        if isinstance(stream, BytesIO) or failed:  # as it is received, and at the second try
            return read(stream)
        failed.append(errno.EMFILE)
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(Source, "read", first_without_handles)
    with Archive() as archive:
        told = settings(tmp_path, archive.port)
        with running(told, tiny) as (node, said):
            assert send(told.port, device_image()) == [0]
            until(partial(is_said, said, "answered later: [Errno"), "a line")
            until(lambda: node.delivered == 2, "both objects, at the second try")
    assert failed and set(archive.stored.values()) == {1}


def test_an_image_whose_file_is_gone_has_a_line_and_keeps_nobody_waiting(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Archive() as archive:
        told = settings(tmp_path, archive.port)
        with running(told, tiny) as (node, said):
            with monkeypatch.context() as patch:
                patch.setattr(Queue, "images", lambda *_: [])
                assert send(told.port, device_image(1)) == [0]
                for path in told.folder.glob("received/*"):
                    path.unlink()
            until(partial(is_said, said, "cannot be read any more"), "a line")
            assert send(told.port, device_image(2)) == [0]
            until(lambda: node.delivered == 2, "the objects of the next one")
            assert node.counts["error"] == 1
