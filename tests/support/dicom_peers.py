"""Peers of a node: senders and archives, on loopback, with ports of their own."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from threading import Lock, Thread
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.uid import (
    Comprehensive3DSRStorage,
    ExplicitVRLittleEndian,
    SecondaryCaptureImageStorage,
)
from pynetdicom import AE, evt

from dicom_nodes import read
from edge_runtime.answer.classifier import Classifier
from edge_runtime.answer.in_use import ModelInUse
from edge_runtime.dicom_node.node import Node
from edge_runtime.dicom_node.settings import Destination, NodeSettings, Peer, PeerLimits

ORTHANC = shutil.which("Orthanc") or "/usr/sbin/Orthanc"
OBJECTS = (Comprehensive3DSRStorage, SecondaryCaptureImageStorage)
LONGEST = 120.0
"""Seconds that a peer is waited for before a test fails."""


_HELD: list[socket.socket] = []
"""What keeps ports from others as long as this process lives."""


def free_port() -> int:
    """Return a port that nobody listens on, and that no other process is given.

    Whoever sets SO_REUSEADDR, as pynetdicom, dcmtk and Orthanc do, may listen on it nevertheless.
    """
    held = socket.socket()
    held.bind(("127.0.0.1", 0))
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _HELD.append(held)
    port: int = held.getsockname()[1]
    return port


def until(holds: Callable[[], Any], what: object) -> None:
    """Wait until something holds."""
    end = time.monotonic() + LONGEST
    while not holds():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.05)


def settings(folder: Path, archive: int, **changes: Any) -> NodeSettings:
    """Return the settings of a node on loopback that delivers to a port."""
    usual: dict[str, Any] = {
        "ae_title": "EDGEKIT", "folder": folder / "node", "address": "127.0.0.1",
        "port": free_port(), "peers": (Peer("DEVICE"), Peer("ORTHANC")),
        "destination": Destination("ORTHANC", "127.0.0.1", archive),
        "limits": PeerLimits(seconds=60),
    }  # fmt: skip
    return NodeSettings(**{**usual, **changes})


def in_use(bundle: Path, *, isolated: bool = False) -> ModelInUse:
    """Return what answers for a node."""
    return ModelInUse(
        str(bundle), lambda path: Classifier(path, engines=1, isolated=isolated), print, look=0.0
    )


@contextmanager
def running(told: NodeSettings, bundle: Path) -> Iterator[tuple[Node, list[str]]]:
    """Run a node in threads; yield it with the lines that it says."""
    said: list[str] = []
    with (
        in_use(bundle, isolated=True) as model,
        Node(told, model, said.append) as node,
    ):
        thread = Thread(target=node.run)
        thread.start()
        try:
            yield node, said
        finally:
            node.stop()
            thread.join()


def send(port: int, *images: bytes, title: str = "DEVICE", called: str = "EDGEKIT") -> list[int]:
    """Send images in one association, and return the statuses; -1 where there was none."""
    node = AE(title)
    files = [read(image) for image in images]
    for sop_class, syntax in {(one.SOPClassUID, one.file_meta.TransferSyntaxUID) for one in files}:
        node.add_requested_context(sop_class, syntax)
    association = node.associate("127.0.0.1", port, ae_title=called)
    statuses = []
    for one in files:
        try:
            status = association.send_c_store(one).get("Status", -1)
        except (ValueError, RuntimeError):
            status = -1
        statuses.append(status)
    if association.is_established:
        association.release()
    return statuses


class Archive:
    """An archive that counts how often it stored which object; `up` tells whether it listens."""

    def __init__(self, classes: Iterable[str] = OBJECTS) -> None:
        self.port = free_port()
        self.objects: dict[str, bytes] = {}
        self.stored: Counter[str] = Counter()
        self.status = 0
        self._lock = Lock()
        self._node = AE("ORTHANC")
        for sop_class in classes:
            self._node.add_supported_context(sop_class, ExplicitVRLittleEndian)

    def start(self) -> None:
        handlers: list[Any] = [(evt.EVT_C_STORE, self._store)]
        self._node.start_server(("127.0.0.1", self.port), block=False, evt_handlers=handlers)

    def stop(self) -> None:
        self._node.shutdown()

    def _store(self, event: evt.Event) -> int:
        with self._lock:
            uid = str(event.file_meta.MediaStorageSOPInstanceUID)
            if not self.status:
                self.objects[uid] = event.encoded_dataset()
                self.stored[uid] += 1
            return self.status

    def file(self, uid: str) -> bytes:
        """Return an object as a file."""
        return self.objects[uid]

    def sources(self) -> Counter[tuple[str, str]]:
        """Return how many objects there are of each kind for each image."""
        found: Counter[tuple[str, str]] = Counter()
        for data in self.objects.values():
            one = dcmread(BytesIO(data))
            if one.Modality == "SR":
                evidence = one.CurrentRequestedProcedureEvidenceSequence[0]
                source = evidence.ReferencedSeriesSequence[0].ReferencedSOPSequence[0]
            else:
                source = one.SourceImageSequence[0]
            found[one.Modality, str(source.ReferencedSOPInstanceUID)] += 1
        return found

    def __enter__(self) -> Archive:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Orthanc:
    """An Orthanc with a configuration and a storage of its own."""

    def __init__(self, folder: Path, node: int) -> None:
        """Prepare it; `node` is the port of the node that it may send to."""
        if not Path(ORTHANC).exists():
            pytest.skip("orthanc is not installed")
        self.dicom, self.http = free_port(), free_port()
        self.configuration = folder / "orthanc.json"
        self._log = folder / "orthanc.log"
        values = {
            "Name": "Archive", "StorageDirectory": str(folder / "storage"),
            "IndexDirectory": str(folder / "storage"), "DicomAet": "ORTHANC",
            "DicomPort": self.dicom, "HttpPort": self.http, "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False, "Plugins": [], "DicomCheckCalledAet": True,
            "DicomModalities": {"edgekit": ["EDGEKIT", "127.0.0.1", node]},
        }  # fmt: skip
        self.configuration.write_text(json.dumps(values), encoding="utf-8")

    @contextmanager
    def running(self) -> Iterator[Orthanc]:
        """Run it until the block ends."""
        with self._log.open("wb") as log:
            process = subprocess.Popen([ORTHANC, str(self.configuration)], stdout=log, stderr=log)
        try:
            until(lambda: process.poll() is not None or self._answers(), "Orthanc")
            yield self
        finally:
            process.terminate()
            process.wait(LONGEST)

    def ask(self, path: str, data: bytes | None = None) -> bytes:
        """Return what its REST interface answers."""
        url = f"http://127.0.0.1:{self.http}{path}"
        with urllib.request.urlopen(url, data, timeout=LONGEST) as reply:
            content: bytes = reply.read()
            return content

    def json(self, path: str, data: bytes | None = None) -> Any:
        return json.loads(self.ask(path, data))

    def _answers(self) -> bool:
        try:
            return bool(self.ask("/system"))
        except OSError:
            return False
