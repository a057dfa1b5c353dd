"""TLS by BCP 195, as DICOM's secure connection profiles have it (PS3.15 annex B): 1.2 or newer.

Certificates of both sides have to be from the authorities that are named. That of the archive has
to be for the configured host, or to have the configured fingerprint; that of a sender has to have
the fingerprint of its peer, where one is configured.
"""

from __future__ import annotations

import ssl
from hashlib import sha256
from typing import TYPE_CHECKING, TypeVar, cast

from edge_runtime.errors import UsageError

if TYPE_CHECKING:
    import socket

    from edge_runtime.dicom_node.settings import TlsFiles

_Context = TypeVar("_Context", bound=ssl.SSLContext)


class ArchiveContext(ssl.SSLContext):
    """What connects to an archive; `problem` says why its certificate was not taken."""

    fingerprint = ""
    problem = ""


class _ArchiveSocket(ssl.SSLSocket):
    def do_handshake(self, block: bool = False) -> None:
        """Shake hands, and look at the certificate.

        Raises:
            SSLError: it is not the one that is expected.
        """
        context = cast("ArchiveContext", self.context)
        try:
            super().do_handshake(block)
            if context.fingerprint and fingerprint_of(self) != context.fingerprint:
                raise ssl.SSLCertVerificationError("its certificate has another fingerprint")
        except ssl.SSLCertVerificationError as error:
            context.problem = getattr(error, "verify_message", "") or str(error)
            raise
        except ssl.SSLError as error:
            context.problem = f"TLS failed, {error.reason or error}"
            raise


def server_context(files: TlsFiles) -> ssl.SSLContext:
    """Return what lets in peers whose certificates are from the authorities that are named."""
    return _with_files(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), files)


def client_context(files: TlsFiles, fingerprint: str = "") -> ArchiveContext:
    """Return what connects to an archive, by the name or by the fingerprint of its certificate."""
    context = _with_files(ArchiveContext(ssl.PROTOCOL_TLS_CLIENT), files)
    context.check_hostname = not fingerprint
    context.fingerprint = fingerprint
    context.sslsocket_class = _ArchiveSocket
    return context


def fingerprint_of(connection: socket.socket | None) -> str:
    """Return the SHA-256 of the peer's certificate, or nothing where there is none."""
    certificate = None
    if isinstance(connection, ssl.SSLSocket):
        certificate = connection.getpeercert(binary_form=True)
    return sha256(certificate).hexdigest() if certificate else ""


def _with_files(context: _Context, files: TlsFiles) -> _Context:
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(files.certificate, files.key)
        context.load_verify_locations(files.authorities)
    except OSError as error:  # which those of ssl are, too
        problem = f"cannot be used ({error.strerror or error})"
        cure = "name certificate, key and authorities as PEM files"
        raise UsageError(files.certificate, problem, cure) from error
    return context
