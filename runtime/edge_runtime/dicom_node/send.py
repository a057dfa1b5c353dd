"""Delivering objects to the archive: tried until each is there, by the same UID every time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydicom import dcmread
from pydicom.uid import (
    UID,
    Comprehensive3DSRStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    SecondaryCaptureImageStorage,
)
from pynetdicom import AE, _config, build_context, evt

from edge_runtime.audit_trail import DeliveryEntry
from edge_runtime.dicom_node.tls import ArchiveContext, client_context
from edge_runtime.dicom_node.writing import CAPTURE, IMPLEMENTATION, REPORT
from edge_runtime.errors import CannotWrite, UsageError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from pynetdicom.association import Association

    from edge_runtime.dicom_node.folder import NodeFolder
    from edge_runtime.dicom_node.queue import WaitingObject
    from edge_runtime.dicom_node.settings import NodeSettings
    from edge_runtime.dicom_node.trail import NodeTrail

    Say = Callable[[str], None]

BATCH = 32
"""Objects that share an association."""
CLASSES = {REPORT: UID(Comprehensive3DSRStorage), CAPTURE: UID(SecondaryCaptureImageStorage)}
SYNTAXES = [ExplicitVRLittleEndian, ImplicitVRLittleEndian]

# A path is sent as the bytes that the file has, in whatever character set.
_config.STORE_SEND_CHUNKED_DATASET = True
_SUCCESS, _DUPLICATE = 0x0000, 0x0111
_WARNING = 0xB000  # a class of statuses: the object was stored, PS3.4 section B.2.3
_WARNINGS = (0x0001, 0x0107, 0x0116)  # others of PS3.7 annex C


@dataclass(frozen=True, slots=True)
class Sender:
    """What delivers the objects that are due."""

    settings: NodeSettings
    folder: NodeFolder
    trail: NodeTrail
    say: Say
    now: Callable[[], float]
    has_ended: Callable[[], bool]

    def deliver(self) -> int:
        """Try once each object that is due, up to a batch; return how many the archive has now.

        What fails waits longer each time, and is never given up.

        Raises:
            CannotWrite: the disk is full. What was delivered is delivered again, under its UID.
        """
        due = self.folder.queue.objects(self.now(), BATCH)
        if not due:
            return 0
        try:
            association = self._associated()
        except (UsageError, OSError) as error:  # a certificate that is gone; an unknown host
            self._failed(due, f"no association ({error})")
            return 0
        if not association.is_established:
            self._failed(due, f"no association ({self._why_none(association)})")
            return 0
        number = 0
        try:
            for waiting in due:
                if self.has_ended():  # an archive may take a minute for each
                    break
                number += self._delivered(association, waiting)
        finally:
            if association.is_established:
                association.release()
        return number

    def _associated(self) -> Association:
        to, tls = self.settings.destination, self.settings.tls
        node = AE(self.settings.ae_title)
        node.implementation_class_uid = IMPLEMENTATION
        seconds = self.settings.limits.seconds
        node.acse_timeout = node.dimse_timeout = node.network_timeout = seconds
        node.connection_timeout = min(seconds, 10)
        # Of each its own, so that the archive cannot choose the one that files have to be
        # written anew for.
        contexts = [build_context(name, syntax) for name in CLASSES.values() for syntax in SYNTAXES]
        tls_args: tuple[ssl.SSLContext, str] | None = None
        if to.tls and tls:
            tls_args = (client_context(tls, to.fingerprint), to.host)
        handlers: list[Any] = [(evt.EVT_CONN_OPEN, self._opened)]
        return node.associate(
            to.host, to.port, contexts,
            ae_title=to.ae_title, tls_args=tls_args, evt_handlers=handlers,
        )  # fmt: skip

    def _opened(self, event: evt.Event) -> None:
        """Let no archive that falls silent in the middle of a PDU hold us for ever."""
        connection = event.assoc.dul.socket
        if connection is not None and connection.socket is not None:
            connection.socket.settimeout(self.settings.limits.seconds)

    def _delivered(self, association: Association, waiting: WaitingObject) -> bool:
        problem = self._problem(association, waiting)
        if problem:
            self._failed([waiting], problem)
            return False
        queue = self.folder.queue
        to = self.settings.destination.ae_title
        entry = DeliveryEntry(waiting.uid, waiting.kind, to, waiting.film, waiting.bundle)
        self.trail.record(
            entry, waiting.counter, lambda counter: queue.begin_object(waiting.uid, counter)
        )
        queue.delivered(waiting.uid)
        self.folder.forget(self.folder.object(waiting.uid))
        return True

    def _problem(self, association: Association, waiting: WaitingObject) -> str:
        """Send an object, and return why it was not stored."""
        if not association.is_established:
            return "the association ended"
        sop_class = CLASSES[waiting.kind]
        syntaxes = {
            syntax
            for context in association.accepted_contexts
            if context.abstract_syntax == sop_class
            for syntax in context.transfer_syntax
        }
        if not syntaxes:
            return f"the archive takes no {sop_class.name}: let it accept that SOP class"
        try:
            path, as_it_is = self.folder.object(waiting.uid), ExplicitVRLittleEndian in syntaxes
            status = association.send_c_store(path if as_it_is else dcmread(path))
        except FileNotFoundError:
            return "its file is gone from the node's folder: put it back, or send the image again"
        except (ValueError, RuntimeError, OSError) as error:
            return f"not sent ({type(error).__name__})"
        code = status.get("Status") if status else None
        if code is None:
            return "no reply"
        stored = code in (_SUCCESS, _DUPLICATE, *_WARNINGS) or code & 0xF000 == _WARNING
        return "" if stored else f"refused with status {code:04X}"

    def _failed(self, objects: list[WaitingObject], problem: str) -> None:
        try:
            self.folder.queue.objects_failed(objects, self.now())
        except CannotWrite as error:
            self.say(str(error))
        what = f"{len(objects)} objects wait" if len(objects) > 1 else f"a {objects[0].kind} waits"
        to = self.settings.destination.ae_title
        self.say(f"{what} for {to}, try {objects[0].tries + 1}: {problem}")

    def _why_none(self, association: Association) -> str:
        if association.is_rejected:
            return "it was rejected: let the archive know our AE title"
        connection = association.dul.socket
        context = connection.tls_args[0] if connection and connection.tls_args else None
        problem = context.problem if isinstance(context, ArchiveContext) else ""
        return problem or "nobody answers, or it was aborted"
