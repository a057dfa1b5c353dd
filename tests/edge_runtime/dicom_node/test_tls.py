"""TLS is spoken with those whose certificates are what the configuration says, and nobody else."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest
from pynetdicom import AE
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from dicom_nodes import debian, device_image
from dicom_peers import free_port, running, settings, until
from edge_runtime.dicom_node.settings import Destination, NodeSettings, Peer, TlsFiles
from edge_runtime.errors import UsageError

# pynetdicom 3.0 does not close the socket of a connection that is refused: it forgets it.
pytestmark = pytest.mark.filterwarnings(
    r"ignore:unclosed <(socket\.socket|.*SSLSocket):ResourceWarning"
)
HERE, ELSEWHERE = "IP:127.0.0.1", "DNS:archive.example"


def certificate(folder: Path, name: str, names: str) -> TlsFiles:
    """Return key and certificate of a station, which vouches for itself."""
    key, path = folder / f"{name}-key.pem", folder / f"{name}.pem"
    line = [debian("openssl", "openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days",
            "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName={names}",
            "-keyout", str(key), "-out", str(path)]  # fmt: skip
    subprocess.run(line, check=True, capture_output=True)
    return TlsFiles(path, key, path)


def fingerprint(files: TlsFiles) -> str:
    text = files.certificate.read_text("ascii")
    return sha256(ssl.PEM_cert_to_DER_cert(text)).hexdigest()


def trusting(files: TlsFiles, *others: TlsFiles) -> TlsFiles:
    """Return the files of a station that believes others, too."""
    believed = files.certificate.with_suffix(".believed.pem")
    certificates = [one.certificate.read_bytes() for one in (files, *others)]
    believed.write_bytes(b"".join(certificates))
    return replace(files, authorities=believed)


def options(files: TlsFiles) -> list[str]:
    """Return what dcmtk is told."""
    return ["+tls", str(files.key), str(files.certificate), "+cf", str(files.authorities)]


@contextmanager
def archive(files: TlsFiles, folder: Path, port: int) -> Iterator[Path]:
    """Run dcmtk's archive, and yield the folder of what it takes, once it has read its files."""
    (taken := folder / "taken").mkdir(exist_ok=True)
    line = [debian("storescp", "dcmtk"), *options(files), "-od", str(taken), str(port)]
    with subprocess.Popen(line, stderr=subprocess.DEVNULL) as process:
        try:
            until(partial(listens, port), "the archive")
            yield taken
        finally:
            process.terminate()


def listens(port: int) -> bool:
    """Tell whether somebody listens on a port."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


def stored(told: NodeSettings, files: TlsFiles | None, folder: Path) -> bool:
    """Send an image by dcmtk, and tell whether it was taken."""
    (folder / "image.dcm").write_bytes(device_image())
    line = [debian("storescu", "dcmtk"), "-aet", "DEVICE", "-aec", "EDGEKIT"]
    line += [*(options(files) if files else []), "127.0.0.1", str(told.port)]
    done = subprocess.run([*line, str(folder / "image.dcm")], capture_output=True, check=False)
    return done.returncode == 0


def said_of(said: list[str], words: str) -> bool:
    return any(words in line for line in said)


def test_tls_is_spoken_with_dcmtk_in_both_directions(tiny: Path, tmp_path: Path) -> None:
    files, port = certificate(tmp_path, "node", HERE), free_port()
    to = Destination("STORESCP", "127.0.0.1", port, tls=True)
    told = settings(tmp_path, port, destination=to, tls=files)
    with archive(files, tmp_path, port) as taken, running(told, tiny) as (node, said):
        assert not stored(told, None, tmp_path), "who speaks no TLS is not heard"
        until(partial(said_of, said, "TLS failed"), "a line")
        assert stored(told, files, tmp_path)
        until(lambda: node.delivered == 2, "both objects")
    assert len([*taken.iterdir()]) == 2


@pytest.mark.parametrize("kind", ["name", "fingerprint"])
def test_an_archive_with_another_certificate_gets_nothing(
    kind: str, tiny: Path, tmp_path: Path
) -> None:
    own, port = certificate(tmp_path, "node", HERE), free_port()
    right = certificate(tmp_path, "archive", HERE if kind == "name" else ELSEWHERE)
    wrong = certificate(tmp_path, "other", ELSEWHERE if kind == "name" else HERE)
    mark = "" if kind == "name" else fingerprint(right)
    to = Destination("STORESCP", "127.0.0.1", port, tls=True, fingerprint=mark)
    own = trusting(own, right, wrong)
    told = settings(tmp_path, port, destination=to, tls=own)
    words = "another fingerprint" if mark else "IP address mismatch"
    with running(told, tiny) as (node, said):
        with archive(trusting(wrong, own), tmp_path, port) as taken:
            assert stored(told, own, tmp_path)
            until(partial(said_of, said, words), words)
            assert not [*taken.iterdir()]
        with archive(trusting(right, own), tmp_path, port) as taken:
            until(lambda: node.delivered == 2, "both objects, by the right one")
    assert len([*taken.iterdir()]) == 2


def test_a_peer_with_another_certificate_is_refused(tiny: Path, tmp_path: Path) -> None:
    own = certificate(tmp_path, "node", HERE)
    right, wrong = (certificate(tmp_path, name, ELSEWHERE) for name in ("device", "other"))
    peers = (Peer("DEVICE", ("127.0.0.1",), fingerprint(right)),)
    told = settings(tmp_path, free_port(), tls=trusting(own, right, wrong), peers=peers)
    with running(told, tiny) as (_, said):
        assert not stored(told, trusting(wrong, own), tmp_path)
        until(partial(said_of, said, "its certificate is not the peer's"), "a line")
        assert stored(told, trusting(right, own), tmp_path)


def test_a_caller_that_is_silent_in_the_middle_of_tls_keeps_nobody_out(
    tiny: Path, tmp_path: Path
) -> None:
    files = certificate(tmp_path, "node", HERE)
    told = settings(tmp_path, free_port(), tls=files)
    with running(told, tiny), socket.create_connection(("127.0.0.1", told.port)) as silent:
        silent.sendall(b"\x16\x03\x01")
        assert stored(told, files, tmp_path)


def test_files_that_cannot_be_used_are_named_at_the_start(tiny: Path, tmp_path: Path) -> None:
    files = certificate(tmp_path, "node", HERE)
    files.key.write_text("no key")
    to = Destination("STORESCP", "127.0.0.1", free_port(), tls=True)
    told = settings(tmp_path, to.port, destination=to, tls=replace(files, listen=False))
    with pytest.raises(UsageError, match="cannot be used"), running(told, tiny):
        pass


def test_a_certificate_that_is_gone_later_lets_answers_wait(tiny: Path, tmp_path: Path) -> None:
    files, port = certificate(tmp_path, "node", HERE), free_port()
    to = Destination("STORESCP", "127.0.0.1", port, tls=True)
    told = settings(tmp_path, port, destination=to, tls=replace(files, listen=False))
    with archive(files, tmp_path, port), running(told, tiny) as (node, said):
        key = files.key.read_bytes()
        files.key.unlink()
        assert stored(told, None, tmp_path)
        until(partial(said_of, said, "cannot be used"), "a line")
        files.key.write_bytes(key)
        until(lambda: node.delivered == 2, "both objects, once it is there again")


def test_echo_by_tls_is_answered(tiny: Path, tmp_path: Path) -> None:
    files = certificate(tmp_path, "node", HERE)
    told = settings(tmp_path, free_port(), tls=files)
    context = ssl.create_default_context(cafile=str(files.authorities))
    context.load_cert_chain(files.certificate, files.key)
    caller = AE("DEVICE")
    caller.add_requested_context(Verification)
    with running(told, tiny):
        association = caller.associate(
            "127.0.0.1", told.port, ae_title="EDGEKIT", tls_args=(context, "127.0.0.1")
        )
        assert association.is_established and association.send_c_echo().Status == 0
        association.release()
