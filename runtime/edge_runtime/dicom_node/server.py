"""The TCP side of a node: what callers may cost it before and after they have said who they are.

pynetdicom lets a caller open any number of connections, name any length of a PDU, and stop in the
middle of one; and it shakes hands of TLS where it accepts others. This is bounded here.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from socket import SHUT_RDWR
from socketserver import BaseServer
from threading import Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from pynetdicom.transport import RequestHandler, ThreadedAssociationServer

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from pynetdicom.association import Association

_LONGEST_REQUEST = 1 << 20
"""Bytes of a PDU that are read in any case: 128 presentation contexts take 200 KiB."""
_CONNECTIONS = 4
"""Connections for each association that is allowed; the others wait for an answer that is no."""
_PATIENCE = 1.0
"""Seconds that peers have to take an abort before their connections are shut."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a caller may cost: bytes of a PDU, seconds of silence, associations at once.

    `addresses` are those, or the networks, that callers may come from; where there are none, all.
    """

    pdu: int
    seconds: float
    associations: int
    addresses: tuple[str, ...]
    say: Callable[[str], None]


class BoundedServer(ThreadedAssociationServer):
    """A server that listens in a thread of its own once it is started."""

    def __init__(self, *args: Any, bounds: Bounds, **more: Any) -> None:
        """Bind the port; arguments are those of pynetdicom's server."""
        self.bounds = bounds
        super().__init__(*args, **{**more, "request_handler": _BoundedHandler})

    def start(self) -> None:
        """Accept connections from now on."""
        Thread(target=self.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Listen no more; associations that are open are aborted, and those that hang are shut."""
        self.shutdown()
        for association in self.active_associations:
            association.abort(block=False)
        end = monotonic() + _PATIENCE
        while (left := self.active_associations) and monotonic() < end:
            sleep(0.05)
        for association in left:
            hang_up(association)

    def shutdown(self) -> None:
        """End the thread, and close the port."""
        BaseServer.shutdown(self)
        self.server_close()

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        """Accept a connection that cannot be silent for ever.

        Hands of TLS are shaken by the connection's own thread, with the first bytes that it reads.
        """
        caller, address = self.socket.accept()  # type: ignore[union-attr]
        caller.settimeout(self.bounds.seconds)
        if self.ssl_context:
            caller = self.ssl_context.wrap_socket(
                caller, server_side=True, do_handshake_on_connect=False
            )
        return caller, address

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Tell whether a connection may go on, and say why not."""
        del request
        bounds, address = self.bounds, str(client_address[0])
        reason = ""
        if bounds.addresses and not is_within(address, bounds.addresses):
            reason = "no peer has this address"
        elif len(self.active_associations) >= _CONNECTIONS * bounds.associations:
            reason = "too many connections"
        if reason:
            bounds.say(f"a caller at {address} is refused: {reason}")
        return not reason


class _BoundedHandler(RequestHandler):
    """What makes an association of a connection."""

    server: BoundedServer

    def _create_association(self) -> Association:
        association = super()._create_association()
        connection, bounds = association.dul.socket, self.server.bounds
        if connection is None:
            return association
        receive, address = connection.recv, str(self.client_address[0])

        def bounded(nr_bytes: int) -> bytearray:
            """Read so many bytes, which a PDU's header names, unless they are too many.

            Raises:
                OSError: they are, or TLS failed: pynetdicom closes the connection then.
            """
            if nr_bytes > max(bounds.pdu, _LONGEST_REQUEST):
                bounds.say(f"a caller at {address} is refused: a PDU of {nr_bytes} bytes")
                raise OSError("too long")
            try:
                return receive(nr_bytes)
            except ssl.SSLError as error:
                reason = error.reason or type(error).__name__
                bounds.say(f"a caller at {address} is refused: TLS failed ({reason})")
                raise

        connection.recv = bounded  # type: ignore[method-assign]
        return association


def hang_up(association: Association) -> None:
    """Shut the connection of an association, so that no thread waits for the peer any more."""
    connection = association.dul.socket
    if connection is not None and connection.socket is not None:
        try:
            connection.socket.shutdown(SHUT_RDWR)
        except OSError:  # it is shut
            return


def is_within(address: str, networks: tuple[str, ...]) -> bool:
    """Tell whether an address is among addresses and networks such as 10.0.0.0/24."""
    known = ip_address(address.partition("%")[0])
    return any(known in ip_network(network, strict=False) for network in networks)
