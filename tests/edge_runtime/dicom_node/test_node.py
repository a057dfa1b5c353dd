"""Every image that was taken is answered, each object is in the archive once, whatever happens.

Archives that are down, refuse or lack a SOP class, disks that are full, senders that hang up.
"""

from __future__ import annotations

import errno
import socket
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.uid import (
    Comprehensive3DSRStorage,
    ComputedRadiographyImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    MRImageStorage,
)
from pynetdicom import AE

from dicom_films import with_bytes
from dicom_nodes import device_image
from dicom_peers import Archive, free_port, in_use, running, send, settings, until
from edge_runtime.audit_trail import verify
from edge_runtime.audit_trail.line import ANSWERED, DELIVERED, Line
from edge_runtime.dicom_node.folder import NodeFolder
from edge_runtime.dicom_node.node import Node
from edge_runtime.dicom_node.queue import Queue
from edge_runtime.dicom_node.settings import Peer, PeerLimits
from edge_runtime.dicom_node.trail import NodeTrail
from edge_runtime.errors import CannotWrite, IntegrityError, UsageError

# pynetdicom 3.0 does not close the socket of a connection that is refused: it forgets it.
pytestmark = pytest.mark.filterwarnings(
    r"ignore:unclosed <socket\.socket:ResourceWarning:pynetdicom\.transport"
)
BLANK = np.full((80, 96), 7, np.uint8)


def lines(path: Path, kind: str = ANSWERED) -> list[dict[str, Any]]:
    found: list[Line] = []
    assert not verify([path], each=found.append).problems
    return [line.content for line in found if line.kind == kind]


def is_said(said: list[str], words: str) -> bool:
    return any(words in line for line in said)


def test_each_image_and_each_delivery_has_a_line_in_one_trail(tiny: Path, tmp_path: Path) -> None:
    with Archive() as archive:
        trail = tmp_path / "trail.jsonl"
        told = settings(tmp_path, archive.port, audit=trail)
        with running(told, tiny) as (node, _):
            assert send(told.port, device_image(1), device_image(2, levels=BLANK)) == [0, 0]
            until(lambda: node.delivered == 3, "three objects")
    assert sorted(line["status"] for line in lines(trail)) == ["ok", "refused"]
    delivered = lines(trail, DELIVERED)
    assert sorted(line["content"] for line in delivered) == ["capture", "report", "report"]
    assert {line["instance"] for line in delivered} == {*archive.objects}
    assert {line["to"] for line in delivered} == {"ORTHANC"}
    assert {line["film"] for line in delivered} == {line["film"] for line in lines(trail)}
    reports = {line["report"] for line in lines(trail)}
    assert reports == {line["instance"] for line in delivered if line["content"] == "report"}
    assert set(archive.stored.values()) == {1}


def test_an_image_that_comes_twice_is_answered_once(tiny: Path, tmp_path: Path) -> None:
    with Archive() as archive:
        told = settings(tmp_path, archive.port)
        with running(told, tiny) as (node, said):
            assert send(told.port, device_image(), device_image()) == [0, 0]
            until(lambda: node.delivered == 2, "both objects")
            assert send(told.port, device_image()) == [0]
            assert node.folder.queue.count() == (0, 0)
        assert any("answered once" in line for line in said)
        with running(told, tiny) as (node, _):  # nor after another start
            assert send(told.port, device_image()) == [0]
            assert node.folder.queue.count() == (0, 0)
    assert set(archive.stored.values()) == {1} and len(archive.stored) == 2


def test_what_an_archive_that_is_down_refuses_is_delivered_when_it_is_up(
    tiny: Path, tmp_path: Path
) -> None:
    archive = Archive()
    told = settings(tmp_path, archive.port)
    with running(told, tiny) as (node, said):
        assert send(told.port, device_image()) == [0]
        until(lambda: any("nobody answers" in line for line in said), "a try that fails")
    archive.status = 0xA700
    with archive, running(told, tiny) as (node, said):
        until(lambda: any("A700" in line for line in said), "a refusal")
        archive.status = 0
        until(lambda: node.delivered == 2, "both objects")
    assert archive.sources() == {("SR", "1.2.826.0.1.3680043.8.498.1.1.1"): 1,
                                 ("OT", "1.2.826.0.1.3680043.8.498.1.1.1"): 1}  # fmt: skip


def test_a_class_that_the_archive_does_not_take_is_named(tiny: Path, tmp_path: Path) -> None:
    with Archive(classes=(Comprehensive3DSRStorage,)) as archive:
        told = settings(tmp_path, archive.port)
        with running(told, tiny) as (node, said):
            assert send(told.port, device_image()) == [0]
            until(lambda: node.delivered == 1, said)
            until(lambda: any("takes no" in line for line in said), "a line")
            assert node.folder.queue.count() == (0, 1)


def test_what_is_not_taken_is_rejected_with_a_line(tiny: Path, tmp_path: Path) -> None:
    told = settings(tmp_path, free_port(), peers=(Peer("DEVICE"), Peer("FAR", ("10.9.9.9",))))
    with running(told, tiny) as (_, said):
        assert send(told.port, device_image(), title="STRANGER") == [-1]
        assert send(told.port, device_image(), title="FAR") == [-1]
        assert send(told.port, device_image(), called="ANOTHER") == [-1]
        node = AE("DEVICE")
        node.add_requested_context(ComputedRadiographyImageStorage, DeflatedExplicitVRLittleEndian)
        node.add_requested_context(MRImageStorage, ExplicitVRLittleEndian)
        association = node.associate("127.0.0.1", told.port, ae_title="EDGEKIT")
        assert association.is_rejected or not association.accepted_contexts
        association.abort()
        for words in ("STRANGER at 127.0.0.1 is refused", "FAR at 127.0.0.1 is refused",
                      "it calls ANOTHER", "MR Image Storage is not taken here",
                      "is not read here in Deflated"):  # fmt: skip
            until(partial(is_said, said, words), words)
    assert not is_said(said, "Phantom")


def test_an_image_without_a_study_is_refused_in_words_and_no_new_study_comes(
    tiny: Path, tmp_path: Path
) -> None:
    with Archive() as archive:
        told = settings(tmp_path, archive.port)
        with running(told, tiny) as (node, said):
            image = with_bytes(device_image(), {"StudyInstanceUID": None})
            assert send(told.port, image) == [0xC000]
            assert any("has no StudyInstanceUID" in line for line in said)
            assert node.folder.queue.count() == (0, 0)
    assert not archive.objects


def test_a_full_disk_is_said_to_the_sender_and_nothing_of_the_image_stays(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise CannotWrite("node", "the disk is full", "") from OSError(errno.ENOSPC, "full")

    with Archive() as archive:
        told = settings(tmp_path, archive.port)
        with running(told, tiny) as (node, said):
            with monkeypatch.context() as patch:
                patch.setattr("edge_runtime.dicom_node.folder.write_whole", full)
                assert send(told.port, device_image()) == [0xA700]
                assert not [*node.folder.root.glob("*/*")]
            with monkeypatch.context() as patch:  # and when the answer is to be written
                patch.setattr(NodeFolder, "keep_object", full)
                assert send(told.port, device_image()) == [0]
                until(lambda: any("answered later" in line for line in said), "a line")
            until(lambda: node.delivered == 2, "both objects, once there is room")
    assert set(archive.stored.values()) == {1}


def test_more_images_than_may_wait_are_refused_for_now(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Queue, "images", lambda *_: [])  # nothing is answered
    told = settings(tmp_path, free_port(), limits=PeerLimits(waiting=1, seconds=60))
    with running(told, tiny) as (_, said):
        assert send(told.port, *map(device_image, range(1, 4))) == [0, 0xA700, 0xA700]
        assert any("images wait already" in line for line in said)


def test_a_message_that_is_too_large_is_aborted(tiny: Path, tmp_path: Path) -> None:
    told = settings(tmp_path, free_port(), limits=PeerLimits(megabytes=1, seconds=60))
    large = device_image(levels=np.zeros((1200, 1200), np.uint8))
    with running(told, tiny) as (node, said):
        assert send(told.port, large) == [-1]
        until(lambda: any("too large" in line for line in said), "a line")
        assert send(told.port, device_image()) == [0]
        del node


def test_a_sender_that_hangs_up_leaves_nothing_and_the_node_goes_on(
    tiny: Path, tmp_path: Path
) -> None:
    with Archive() as archive:
        told = settings(tmp_path, archive.port)
        with running(told, tiny) as (node, _):
            for data in (b"", b"\x01\x00\x00\x00\xff\xff", b"GET / HTTP/1.1\r\n\r\n"):
                with socket.create_connection(("127.0.0.1", told.port)) as caller:
                    caller.sendall(data)
            sender = AE("DEVICE")
            sender.add_requested_context(ComputedRadiographyImageStorage)
            association = sender.associate("127.0.0.1", told.port, ae_title="EDGEKIT")
            association.abort()
            assert send(told.port, device_image()) == [0]
            until(lambda: node.delivered == 2, "both objects")


def test_a_node_ends_where_its_trail_was_changed_and_keeps_the_image(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changed(*_: object) -> None:
        raise IntegrityError("trail", "was changed", "")

    monkeypatch.setattr(NodeTrail, "record", changed)
    told = settings(tmp_path, free_port())
    with in_use(tiny) as model, Node(told, model, print) as node:
        assert send(told.port, device_image()) == [0]
        with pytest.raises(IntegrityError, match="was changed"):
            node.run()
        assert node.folder.queue.count() == (1, 0) and [*told.folder.glob("received/*")]


def test_a_second_node_does_not_get_the_folder(tiny: Path, tmp_path: Path) -> None:
    told = settings(tmp_path, free_port())
    with running(told, tiny), pytest.raises(UsageError, match="end the other one"):
        NodeFolder(told.folder)


def test_what_a_kill_left_half_done_is_removed_at_the_next_start(tmp_path: Path) -> None:
    folder = NodeFolder(tmp_path)
    folder.keep_image("2.25.1", b"image", 0.0)
    (tmp_path / "received" / "2.25.2.dcm").write_bytes(b"never acknowledged")
    (tmp_path / "to-deliver" / "2.25.3.dcm").write_bytes(b"of no answer")
    (tmp_path / "received" / ".0123.part").write_bytes(b"half")
    folder.close()
    NodeFolder(tmp_path).close()
    assert [path.name for path in tmp_path.glob("*/*")] == ["2.25.1.dcm"]


def test_every_transfer_syntax_that_is_read_is_taken(tiny: Path, tmp_path: Path) -> None:
    from edge_runtime.film.dicom.frame import decodable

    told = settings(tmp_path, free_port())
    assert JPEGBaseline8Bit in decodable() and len(decodable()) > 10
    with running(told, tiny):
        for syntax in decodable():
            node = AE("DEVICE")
            node.add_requested_context(ComputedRadiographyImageStorage, syntax)
            association = node.associate("127.0.0.1", told.port, ae_title="EDGEKIT")
            assert association.is_established, syntax.name
            association.release()
