"""A certificate of one's own, where none is given: browsers ask once whether to believe it."""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
import ssl
import subprocess
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from edge_runtime.errors import CannotWrite, UsageError
from edge_runtime.output import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable

CERTIFICATE, KEY = "page-certificate.pem", "page-key.pem"
_DAYS = 825  # the most that Apple's systems believe
_NAME = "edge-run"
_SECRET = 0o600


def names_of(host: str, more: Iterable[str] = ()) -> list[str]:
    """Return the names and addresses that a page on `host` may be called by."""
    own = socket.gethostname()
    names = ["localhost", "127.0.0.1", own, f"{own.partition('.')[0]}.local", host, *more]
    with suppress(OSError):  # it may not know itself by name
        names += [str(found[4][0]) for found in socket.getaddrinfo(own, None)]
    usable = (name for name in names if name.isascii() and name not in ("", "0.0.0.0", "::"))  # noqa: S104
    return list(dict.fromkeys(usable))


def own_certificate(folder: Path, names: list[str]) -> tuple[Path, Path]:
    """Return certificate and key in `folder`, which are made where there are none yet.

    Raises:
        UsageError: nothing here can make them.
        CannotWrite: the disk does not take them.
    """
    certificate, key = folder / CERTIFICATE, folder / KEY
    if certificate.exists() and key.exists():
        return certificate, key
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        private, public = _made(names)
        key.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(key, flags, _SECRET), "wb") as file:
            file.write(private)
        write_whole(certificate, public)
    except OSError as error:
        problem = f"cannot be written ({error.strerror or error})"
        raise CannotWrite(folder, problem, "give --certificate and --key") from error
    return certificate, key


def certificate_fingerprint(certificate: Path) -> str:
    """Return the SHA-256 of a certificate, as browsers show it.

    Raises:
        UsageError: it is none.
    """
    try:
        text = certificate.read_text(encoding="ascii")
        end = "-----END CERTIFICATE-----"
        der = ssl.PEM_cert_to_DER_cert(text[text.index("-----BEGIN") : text.index(end)] + end)
    except (OSError, ValueError) as error:
        problem = f"is no certificate ({error})"
        raise UsageError(certificate, problem, "give one in PEM") from error
    digits = sha256(der).hexdigest().upper()
    return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return what serves TLS 1.2 and later with this certificate.

    Raises:
        UsageError: certificate and key are none, or do not belong together.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key, password=lambda: "")
    except (OSError, ValueError) as error:
        problem = f"cannot be used with {key.name} ({getattr(error, 'reason', None) or error})"
        raise UsageError(certificate, problem, "give both in PEM, without a password") from error
    return context


def _made(names: list[str]) -> tuple[bytes, bytes]:
    """Return a new key and its certificate, by whichever of two ways is there."""
    with suppress(ImportError):
        return _by_cryptography(names)
    program = shutil.which("openssl")
    if program is None:
        cure = "give --certificate and --key, or --no-tls where the network is your own"
        raise UsageError(
            "TLS", "neither openssl nor cryptography is here to make a certificate", cure
        )
    return _by_openssl(program, names)


def _by_cryptography(names: list[str]) -> tuple[bytes, bytes]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _NAME)])
    now = datetime.now(UTC)
    places = [
        x509.IPAddress(ipaddress.ip_address(text)) if _is_address(text) else x509.DNSName(text)
        for text in names
    ]
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = (
        builder.not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=_DAYS))
        .add_extension(x509.SubjectAlternativeName(places), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private, made.public_bytes(serialization.Encoding.PEM)


def _by_openssl(program: str, names: list[str]) -> tuple[bytes, bytes]:
    places = ",".join(f"{'IP' if _is_address(text) else 'DNS'}:{text}" for text in names)
    command = [
        *(
            program,
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
        ),
        *("-keyout", "-", "-out", "-", "-days", str(_DAYS), "-subj", f"/CN={_NAME}"),
        *("-addext", f"subjectAltName={places}", "-addext", "basicConstraints=critical,CA:FALSE"),
    ]
    done = subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL)
    begin = b"-----BEGIN CERTIFICATE-----"
    if done.returncode or begin not in done.stdout:
        cure = "give --certificate and --key"
        raise UsageError("TLS", "openssl makes no certificate here", cure)
    at = done.stdout.index(begin)
    return done.stdout[:at], done.stdout[at:]


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
