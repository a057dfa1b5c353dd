"""Whatever an archive answers, an object is delivered once, and what is not has a line."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Event

import pytest
from pynetdicom import evt

from dicom_nodes import device_image
from dicom_peers import Archive, free_port, in_use, running, send, settings, until
from edge_runtime.audit_trail import verify
from edge_runtime.dicom_node.node import Node
from edge_runtime.dicom_node.settings import Destination

# pynetdicom 3.0 does not close the socket of a connection that is refused: it forgets it.
pytestmark = pytest.mark.filterwarnings(
    r"ignore:unclosed <socket\.socket:ResourceWarning:pynetdicom\.transport"
)


@pytest.fixture
def archive() -> Iterator[Archive]:
    with Archive() as listening:
        yield listening


def is_said(said: list[str], words: str) -> bool:
    return any(words in line for line in said)


@pytest.mark.parametrize("status", [0xB000, 0xB007, 0x0116, 0x0111])
def test_a_warning_and_a_duplicate_are_deliveries(
    status: int, archive: Archive, tiny: Path, tmp_path: Path
) -> None:
    archive.status = status
    told = settings(tmp_path, archive.port, audit=tmp_path / "trail.jsonl")
    with running(told, tiny) as (node, _):
        assert send(told.port, device_image()) == [0]
        until(lambda: node.delivered == 2, f"two objects, {status:04X}")
        assert node.folder.queue.count() == (0, 0)
    assert verify([tmp_path / "trail.jsonl"]).deliveries == 2


@pytest.mark.parametrize("status", [0xA700, 0xC000, 0x0122])
def test_a_failure_is_no_delivery_and_has_a_line_until_it_is_one(
    status: int, archive: Archive, tiny: Path, tmp_path: Path
) -> None:
    archive.status = status
    told = settings(tmp_path, archive.port, audit=tmp_path / "trail.jsonl")
    with running(told, tiny) as (node, said):
        assert send(told.port, device_image()) == [0]
        until(partial(is_said, said, f"refused with status {status:04X}"), "a line")
        assert node.delivered == 0 and len([*told.folder.glob("to-deliver/*")]) == 2
        archive.status = 0
        until(lambda: node.delivered == 2, "both objects")
    assert set(archive.stored.values()) == {1} and len(archive.stored) == 2
    assert verify([tmp_path / "trail.jsonl"]).deliveries == 2


def test_a_node_that_is_ended_waits_for_no_more_than_the_object_that_is_on_its_way(
    tiny: Path, tmp_path: Path
) -> None:
    begun, may_go_on = Event(), Event()

    class Slow(Archive):
        def _store(self, event: evt.Event) -> int:
            begun.set()
            assert may_go_on.wait(60)
            return super()._store(event)

    with Slow() as archive:
        told = settings(tmp_path, archive.port)
        with (
            in_use(tiny) as model,
            Node(told, model, lambda _: None) as node,
            ThreadPoolExecutor(1) as pool,
        ):
            end = pool.submit(node.run)
            assert send(told.port, device_image()) == [0]
            assert begun.wait(60)
            node.stop()
            may_go_on.set()
            end.result(60)
            assert node.folder.queue.count() == (0, 1) and node.delivered == 1
        assert sum(archive.stored.values()) == 1


def test_a_host_that_is_not_known_lets_answers_wait(tiny: Path, tmp_path: Path) -> None:
    to = Destination("ORTHANC", "no-such-host.invalid", free_port())
    told = settings(tmp_path, to.port, destination=to)
    with running(told, tiny) as (node, said):
        assert send(told.port, device_image(1)) == [0]
        until(partial(is_said, said, "no association"), "a line")
        assert send(told.port, device_image(2)) == [0], "and the node goes on"
        until(lambda: node.folder.queue.count() == (0, 4), "four objects that wait")


def test_an_object_whose_file_is_gone_has_a_line_and_keeps_no_other_waiting(
    archive: Archive, tiny: Path, tmp_path: Path
) -> None:
    archive.status = 0xA700
    told = settings(tmp_path, archive.port)
    with running(told, tiny) as (node, said):
        assert send(told.port, device_image()) == [0]
        until(partial(is_said, said, "A700"), "a first try")
        min(told.folder.glob("to-deliver/*")).unlink()
        archive.status = 0
        until(partial(is_said, said, "its file is gone"), "a line")
        until(lambda: node.delivered == 1, "the other one")
