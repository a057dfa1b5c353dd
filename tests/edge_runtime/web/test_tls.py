"""A certificate that is made here serves TLS, names the page, and keeps its key to itself."""

from __future__ import annotations

import socket
import ssl
import stat
import sys
import threading
from pathlib import Path

import pytest

from edge_runtime.errors import CannotWrite, UsageError
from edge_runtime.web.tls import (
    certificate_fingerprint,
    names_of,
    own_certificate,
    server_context,
)

NAMES = ["localhost", "films.clinic", "10.0.0.1", "2001:db8::1"]


@pytest.fixture(params=["cryptography", "openssl"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let a certificate be made in one of the two ways."""
    way: str = request.param
    if way == "cryptography":
        pytest.importorskip("cryptography")
        monkeypatch.setattr("shutil.which", lambda _: None)
    else:
        import shutil

        if shutil.which("openssl") is None:
            pytest.skip("Debian's openssl is not here")
        monkeypatch.setitem(sys.modules, "cryptography", None)
    return way


def agreed(certificate: Path, key: Path) -> bytes:
    """Return the certificate that a client saw who trusts this one alone."""
    server, client = socket.socketpair()
    trusting = ssl.create_default_context(cafile=certificate)

    def answer() -> None:
        with server_context(certificate, key).wrap_socket(server, server_side=True) as wrapped:
            wrapped.recv(1)

    thread = threading.Thread(target=answer)
    thread.start()
    with trusting.wrap_socket(client, server_hostname="films.clinic") as wrapped:
        seen = wrapped.getpeercert(binary_form=True)
        wrapped.send(b"x")
    thread.join()
    assert seen
    return seen


def test_a_client_who_trusts_it_agrees(way: str, tmp_path: Path) -> None:
    del way
    certificate, key = own_certificate(tmp_path / "new", NAMES)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert agreed(certificate, key) == ssl.PEM_cert_to_DER_cert(certificate.read_text())


def test_the_same_is_used_again(way: str, tmp_path: Path) -> None:
    del way
    first = certificate_fingerprint(own_certificate(tmp_path, NAMES)[0])
    assert certificate_fingerprint(own_certificate(tmp_path, NAMES)[0]) == first
    assert len(first) == 95


def test_without_either_there_is_a_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(UsageError, match="neither openssl nor cryptography"):
        own_certificate(tmp_path, NAMES)
    assert not [*tmp_path.iterdir()]


def test_what_is_no_certificate_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "certificate.pem"
    path.write_text("none")
    with pytest.raises(UsageError, match="is no certificate"):
        certificate_fingerprint(path)
    with pytest.raises(UsageError, match="cannot be used with"):
        server_context(path, path)


def test_where_nothing_can_be_written_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite, match="cannot be written"):
        own_certificate(tmp_path / "file" / "folder", NAMES)


def test_a_page_has_its_machine_s_names() -> None:
    names = names_of("0.0.0.0", ["films.clinic", ""])  # noqa: S104
    assert {"localhost", "127.0.0.1", "films.clinic"} <= {*names}
    assert "0.0.0.0" not in names  # noqa: S104
    assert len(names) == len({*names})
