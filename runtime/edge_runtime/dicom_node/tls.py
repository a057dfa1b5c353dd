"""TLS by BCP 195, as DICOM's secure connection profiles have it (PS3.15 annex B): 1.2 or newer."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from edge_runtime.errors import UsageError

if TYPE_CHECKING:
    from edge_runtime.dicom_node.settings import TlsFiles


def server_context(files: TlsFiles) -> ssl.SSLContext:
    """Return what lets in peers whose certificates are from the authorities that are named."""
    return _context(files, ssl.PROTOCOL_TLS_SERVER)


def client_context(files: TlsFiles) -> ssl.SSLContext:
    """Return what connects to a peer whose certificate is from the authorities that are named.

    Names are not compared: in hospitals certificates are for stations, and addresses change.
    """
    return _context(files, ssl.PROTOCOL_TLS_CLIENT)


def _context(files: TlsFiles, side: ssl._SSLMethod) -> ssl.SSLContext:
    context = ssl.SSLContext(side)
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
