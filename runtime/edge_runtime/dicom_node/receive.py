"""Taking images from peers: who may send, what, and how much; each refusal has a line."""

from __future__ import annotations

from hashlib import sha256
from threading import Lock
from time import time
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

from pydicom.dataset import Dataset
from pydicom.uid import (
    UID,
    ComputedRadiographyImageStorage,
    CTImageStorage,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    SecondaryCaptureImageStorage,
)
from pynetdicom import AE, evt
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from edge_runtime.dicom_node.content import plain
from edge_runtime.dicom_node.identity import derived_uid
from edge_runtime.dicom_node.server import BoundedServer, Bounds, is_within
from edge_runtime.dicom_node.source import Source
from edge_runtime.dicom_node.tls import fingerprint_of, server_context
from edge_runtime.dicom_node.writing import IMPLEMENTATION
from edge_runtime.errors import CannotWrite, DataError, FilmError
from edge_runtime.film.dicom.frame import decodable

if TYPE_CHECKING:
    from collections.abc import Callable

    from pynetdicom.association import Association
    from pynetdicom.events import Event

    from edge_runtime.dicom_node.folder import NodeFolder
    from edge_runtime.dicom_node.settings import NodeSettings, Peer

    Say = Callable[[str], None]

CLASSES = (
    ComputedRadiographyImageStorage, DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing, CTImageStorage, SecondaryCaptureImageStorage,
)  # fmt: skip
SUCCESS, OUT_OF_RESOURCES, NOT_UNDERSTOOD, NO_SUCH_CLASS = 0x0000, 0xA700, 0xC000, 0xA900
_UNKNOWN_CALLER = (0x01, 0x01, 0x03)  # rejected for good, by the user, PS3.8 table 9-21
_MEGABYTE = 1 << 20
_LONGEST_COMMENT = 64
_AHEAD = 2
"""Messages that may wait behind the one that is being taken; the standard allows none."""


class Receiver:
    """The listening side of a node."""

    def __init__(
        self,
        settings: NodeSettings,
        folder: NodeFolder,
        bundle: Callable[[], str],
        *,
        say: Say,
        arrived: Callable[[], None],
        now: Callable[[], float] = time,
    ) -> None:
        """Listen to nobody yet; `bundle` tells the identity of what will answer."""
        self._settings, self._folder, self._bundle = settings, folder, bundle
        self._say, self._arrived, self._now = say, arrived, now
        self._keeping = Lock()
        self._sizes: WeakKeyDictionary[Association, int] = WeakKeyDictionary()
        self._server: BoundedServer | None = None
        self._node = AE(settings.ae_title)
        self._set_limits()
        syntaxes = [str(syntax) for syntax in decodable()]
        self._node.add_supported_context(
            Verification, [ExplicitVRLittleEndian, ImplicitVRLittleEndian]
        )
        for sop_class in CLASSES:
            self._node.add_supported_context(sop_class, syntaxes)

    def start(self) -> int:
        """Listen in threads of their own, and return the port.

        Raises:
            CannotWrite: the port is taken, or the address is none of this machine.
        """
        settings, tls = self._settings, self._settings.tls
        context = server_context(tls) if tls and tls.listen else None
        handlers: list[Any] = [
            (evt.EVT_C_ECHO, lambda _: SUCCESS),
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_REQUESTED, self._requested),
            (evt.EVT_REJECTED, self._rejected),
            (evt.EVT_ACCEPTED, self._accepted),
            (evt.EVT_ABORTED, self._aborted),
            (evt.EVT_PDU_RECV, self._measured),
        ]
        try:
            server = self._node.make_server(
                (settings.address, settings.port), ssl_context=context, evt_handlers=handlers,
                server_class=BoundedServer, bounds=self._bounds(),
            )  # fmt: skip
        except OSError as error:
            problem = f"cannot be listened on ({error.strerror or error})"
            where = f"{settings.address or 'all addresses'}, port {settings.port}"
            cure = "give another port, or an address that this machine has"
            raise CannotWrite(where, problem, cure) from error
        self._server = cast("BoundedServer", server)
        self._server.start()
        return settings.port

    def stop(self) -> None:
        """Listen no more; associations that are open are aborted."""
        if self._server:
            self._server.stop()

    def _bounds(self) -> Bounds:
        limits, peers = self._settings.limits, self._settings.peers
        addresses = {address for peer in peers for address in peer.addresses}
        if not all(peer.addresses for peer in peers):  # one may call from wherever it is
            addresses.clear()
        return Bounds(
            limits.pdu, limits.seconds, limits.associations, tuple(sorted(addresses)), self._say
        )

    def _set_limits(self) -> None:
        limits, node = self._settings.limits, self._node
        node.implementation_class_uid = IMPLEMENTATION
        node.maximum_associations = limits.associations
        node.maximum_pdu_size = limits.pdu
        node.acse_timeout = node.dimse_timeout = node.network_timeout = limits.seconds
        node.require_called_aet = True
        node.require_calling_aet = [peer.ae_title for peer in self._settings.peers]

    def _requested(self, event: Event) -> None:
        """Refuse a caller whose AE title is known, and whose address or certificate is not."""
        caller, address = event.assoc.requestor, event.assoc.requestor.address
        title = caller.primitive.calling_ae_title if caller.primitive else ""
        peers = [peer for peer in self._settings.peers if peer.ae_title == title]
        near = [peer for peer in peers if not peer.addresses or is_within(address, peer.addresses)]
        if any(_is_certified(peer, event.assoc) for peer in near):
            return
        reason = "its certificate is not the peer's" if near else "no such peer is configured"
        self._say(f"{_named(title)} at {address} is refused: {reason}")
        event.assoc.acse.send_reject(*_UNKNOWN_CALLER)
        event.assoc.kill()

    def _rejected(self, event: Event) -> None:
        caller = event.assoc.requestor
        title = caller.primitive.calling_ae_title if caller.primitive else ""
        called = caller.primitive.called_ae_title if caller.primitive else ""
        reason = "too many associations"
        if called != self._settings.ae_title:
            reason = f"it calls {_named(called)}, and this is {self._settings.ae_title}"
        self._say(f"{_named(title)} at {caller.address} is refused: {reason}")

    def _accepted(self, event: Event) -> None:
        """Say which presentation contexts were rejected, and why."""
        caller = event.assoc.requestor
        for context in event.assoc.rejected_contexts:
            name = UID(context.abstract_syntax or "").name
            offered = {asked.context_id: asked for asked in caller.requested_contexts}
            syntaxes = getattr(offered.get(context.context_id), "transfer_syntax", None) or []
            reason = "is not taken here"
            if context.abstract_syntax in CLASSES:
                reason = f"is not read here in {', '.join(UID(syntax).name for syntax in syntaxes)}"
            self._say(f"{_named(caller.ae_title)}: {_named(name)} {reason}")

    def _aborted(self, event: Event) -> None:
        caller = event.assoc.requestor
        self._say(f"{_named(caller.ae_title)}: the association was aborted")

    def _measured(self, event: Event) -> None:
        """Abort an association whose message is larger than an image may be, or that never waits.

        What a sender sends before it has an answer is in memory.
        """
        if event.assoc.dimse.msg_queue.qsize() > _AHEAD:
            self._cut_off(event, "it does not wait for answers")
        size = self._sizes.get(event.assoc, 0) + len(event.pdu)
        self._sizes[event.assoc] = size
        if size > self._settings.limits.megabytes * _MEGABYTE:
            self._sizes[event.assoc] = 0
            self._cut_off(event, "an image is too large")

    def _cut_off(self, event: Event, reason: str) -> None:
        self._say(f"{_named(event.assoc.requestor.ae_title)}: {reason}: aborted")
        event.assoc.abort()

    def _store(self, event: Event) -> int | Dataset:
        """Take one image: it is on the disk once this returns `SUCCESS`."""
        self._sizes[event.assoc] = 0
        caller = event.assoc.requestor.ae_title
        limits = self._settings.limits
        try:
            data = event.encoded_dataset()
            source = Source.of(data)
            if source.sop_class not in CLASSES:
                raise DataError("an image", "has a SOPClassUID that is not taken here", "")
            if source.is_of_node:
                raise DataError("an image", "is an answer of a node like this one", "")
            with self._keeping:
                if self._folder.queue.count()[0] >= limits.waiting:
                    problem = f"{limits.waiting} images wait already"
                    return self._refused(caller, OUT_OF_RESOURCES, problem)
                key = derived_uid(
                    source.sop_instance, sha256(data).hexdigest(), self._bundle(), "image"
                )
                is_new = self._folder.keep_image(key, data, self._now())
        except (FilmError, DataError) as error:
            return self._refused(caller, NOT_UNDERSTOOD, f"{error.subject} {error.problem}")
        except CannotWrite as error:
            return self._refused(caller, OUT_OF_RESOURCES, error.problem)
        if is_new:
            self._arrived()
        else:
            self._say(f"{_named(caller)}: an image that came before, which is answered once")
        return SUCCESS

    def _refused(self, caller: str, status: int, problem: str) -> Dataset:
        self._say(f"{_named(caller)}: an image is refused with status {status:04X}: {problem}")
        reply = Dataset()
        reply.Status = status
        reply.ErrorComment = plain(problem)[:_LONGEST_COMMENT]
        return reply


def _is_certified(peer: Peer, association: Association) -> bool:
    """Tell whether a caller has the certificate that the peer has to have, if any."""
    connection = association.dul.socket
    return not peer.fingerprint or (
        connection is not None and fingerprint_of(connection.socket) == peer.fingerprint
    )


def _named(title: str) -> str:
    return plain(title.strip()) or "a caller without a title"
