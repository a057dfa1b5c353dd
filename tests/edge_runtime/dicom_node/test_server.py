"""No caller costs more than the limits say, wherever it stops, and whoever comes next is served."""

from __future__ import annotations

import gc
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from io import BytesIO
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest
from pydicom.uid import UID, ComputedRadiographyImageStorage, ExplicitVRLittleEndian
from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.dimse_messages import C_STORE_RQ
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.dsutils import encode
from pynetdicom.pdu import P_DATA_TF

from dicom_nodes import STUDY, device_image, read
from dicom_peers import Archive, free_port, running, send, settings, until
from edge_runtime.dicom_node.folder import NodeFolder
from edge_runtime.dicom_node.server import is_within
from edge_runtime.dicom_node.settings import NodeSettings, Peer, PeerLimits

# pynetdicom 3.0 does not close the socket of a connection that is refused: it forgets it.
pytestmark = pytest.mark.filterwarnings(r"ignore:unclosed <socket\.socket:ResourceWarning")
LARGE = np.full((700, 700), 90, np.uint8)


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Collect what pynetdicom forgot while its warnings are not errors."""
    yield
    gc.collect()


def is_said(said: list[str], words: str) -> bool:
    return any(words in line for line in said)


def called(told: NodeSettings) -> tuple[Association, socket.socket]:
    """Return an association that may store, and what bytes can be written to."""
    sender = AE("DEVICE")
    sender.add_requested_context(ComputedRadiographyImageStorage, ExplicitVRLittleEndian)
    association = sender.associate("127.0.0.1", told.port, ae_title="EDGEKIT")
    assert association.is_established and association.dul.socket
    assert association.dul.socket.socket
    return association, association.dul.socket.socket


def pdus(association: Association, image: bytes) -> list[bytes]:
    """Return the PDUs of a C-STORE request: the command first, then the data set."""
    request, message = C_STORE(), C_STORE_RQ()
    request.MessageID, request.Priority = 1, 2
    request.AffectedSOPClassUID = UID(ComputedRadiographyImageStorage)
    request.AffectedSOPInstanceUID = UID(f"{STUDY}.1.1")
    data = encode(read(image), False, True)
    assert data
    request.DataSet = BytesIO(data)
    message.primitive_to_message(request)
    (context,) = association.accepted_contexts
    assert context.context_id
    parts = []
    for primitive in message.encode_msg(context.context_id, 1 << 16):
        pdu = P_DATA_TF()
        pdu.from_primitive(primitive)
        parts.append(pdu.encode())
    assert len(parts) > 4
    return parts


def half(parts: list[bytes]) -> bytes:
    """Return the command, a whole PDU of the data set, and half of the next one."""
    return parts[0] + parts[1] + parts[2][: len(parts[2]) // 2]


def ends(association: Association, connection: socket.socket, how: str) -> None:
    """End a connection in the middle of an image."""
    if how == "abort":
        association.abort()
    elif how == "close":
        connection.shutdown(socket.SHUT_RDWR)
    else:  # a reset, as of a machine that is switched off and on
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()


@pytest.mark.parametrize("how", ["abort", "close", "reset"])
@pytest.mark.parametrize("torn", [True, False], ids=["within a PDU", "between two"])
def test_a_sender_that_ends_in_the_middle_of_an_image_leaves_nothing_of_it(
    how: str, torn: bool, tiny: Path, tmp_path: Path
) -> None:
    with Archive() as archive:
        told = settings(tmp_path, archive.port)
        with running(told, tiny) as (node, _):
            association, connection = called(told)
            parts = pdus(association, device_image(levels=LARGE))
            connection.sendall(half(parts) if torn else parts[0] + parts[1])
            ends(association, connection, how)
            assert send(told.port, device_image(2)) == [0]
            until(lambda: node.delivered == 2, "the answer of another image")
            assert not [*node.folder.root.glob("*/*")] and node.folder.queue.remembered() == 1
            assert send(told.port, device_image(levels=LARGE)) == [0], "and it can be sent again"
            association.kill()


def test_a_sender_that_falls_silent_in_a_pdu_gives_its_place_to_others(
    tiny: Path, tmp_path: Path
) -> None:
    told = settings(tmp_path, free_port(), limits=PeerLimits(associations=1, seconds=1))
    with running(told, tiny) as (node, _):
        association, connection = called(told)
        connection.sendall(half(pdus(association, device_image(levels=LARGE))))
        until(lambda: send(told.port, device_image(2)) == [0], "the place of a silent sender")
        assert node.folder.queue.remembered() + node.folder.queue.count()[0] == 1
        association.kill()


def test_a_node_ends_though_a_sender_is_silent_in_a_pdu(tiny: Path, tmp_path: Path) -> None:
    told = settings(tmp_path, free_port(), limits=PeerLimits(seconds=3600))
    with running(told, tiny):
        association, connection = called(told)
        connection.sendall(half(pdus(association, device_image(levels=LARGE))))
    until(lambda: not association.is_established, "an abort, or the end of the connection")
    association.kill()


def test_a_sender_that_never_waits_for_an_answer_is_cut_off(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go_on = Event()
    keep = NodeFolder.keep_image

    def slow(folder: NodeFolder, key: str, data: bytes, now: float) -> bool:
        assert may_go_on.wait(60)
        return keep(folder, key, data, now)

    monkeypatch.setattr(NodeFolder, "keep_image", slow)
    told = settings(tmp_path, free_port())
    with running(told, tiny) as (_, said):
        association, connection = called(told)
        request = b"".join(pdus(association, device_image(levels=LARGE)))
        with suppress(OSError):  # it is aborted while we send
            for _ in range(9):
                connection.sendall(request)
        until(partial(is_said, said, "it does not wait for answers"), "a line")
        may_go_on.set()
        assert send(told.port, device_image(2)) == [0]
        association.kill()


@pytest.mark.parametrize("kind", [1, 4], ids=["request", "data"])
def test_a_pdu_that_claims_more_than_the_limit_is_not_read(
    kind: int, tiny: Path, tmp_path: Path
) -> None:
    told = settings(tmp_path, free_port())
    with running(told, tiny) as (_, said):
        with socket.create_connection(("127.0.0.1", told.port)) as caller:
            caller.sendall(bytes([kind, 0]) + (0xFFFFFFFF).to_bytes(4, "big"))
            caller.settimeout(60)
            while caller.recv(1 << 10):  # an abort may come first
                pass
        assert is_said(said, "a PDU of 4294967295 bytes")
        assert send(told.port, device_image()) == [0]


def test_who_has_no_address_of_a_peer_is_not_listened_to(tiny: Path, tmp_path: Path) -> None:
    peers = (Peer("DEVICE", ("10.9.9.0/24", "127.0.0.9")),)
    told = settings(tmp_path, free_port(), peers=peers)
    with running(told, tiny) as (_, said):
        assert send(told.port, device_image()) == [-1]
        until(partial(is_said, said, "no peer has this address"), "a line")
        with socket.create_connection(
            ("127.0.0.1", told.port), source_address=("127.0.0.9", 0)
        ) as near:
            near.sendall(b"\x01\x00\xff\xff\xff\xff")  # it is listened to, and says nonsense
            until(partial(is_said, said, "127.0.0.9 is refused: a PDU"), "a line")


@contextmanager
def silent(port: int, count: int) -> Iterator[None]:
    """Open so many connections that say nothing."""
    callers = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
    try:
        yield
    finally:
        for caller in callers:
            caller.close()


def test_connections_that_say_nothing_are_limited_and_end(tiny: Path, tmp_path: Path) -> None:
    told = settings(tmp_path, free_port(), limits=PeerLimits(associations=1, seconds=2))
    with running(told, tiny) as (_, said), silent(told.port, 12):
        until(partial(is_said, said, "too many connections"), "a line")
        until(lambda: send(told.port, device_image()) == [0], "an end of the silence")


def test_an_archive_that_falls_silent_in_a_pdu_does_not_hold_the_node(
    tiny: Path, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as archive:

        def answer() -> None:
            connection, _ = archive.accept()
            with connection:
                connection.sendall(b"\x02\x00\x00\x00\xff\xff half of an acceptance")
                connection.settimeout(60)
                while connection.recv(1 << 16):
                    pass

        thread = Thread(target=answer)
        thread.start()
        told = settings(tmp_path, archive.getsockname()[1], limits=PeerLimits(seconds=1))
        with running(told, tiny) as (node, said):
            assert send(told.port, device_image()) == [0]
            until(partial(is_said, said, "objects wait for ORTHANC, try 1"), "a line")
            assert node.folder.queue.count() == (0, 2)
        thread.join()


def test_networks_hold_their_addresses_and_no_others() -> None:
    assert is_within("10.0.1.7", ("10.0.0.5", "10.0.1.0/24"))
    assert not is_within("10.0.2.7", ("10.0.0.5", "10.0.1.0/24"))
    assert is_within("fe80::1%eth0", ("fe80::/10",)) and not is_within("::1", ("127.0.0.1",))
