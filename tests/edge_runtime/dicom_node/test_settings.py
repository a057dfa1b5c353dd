"""A configuration is taken as it is meant, or refused by the name of the key that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_runtime.dicom_node.settings import FindingCode, PeerLimits, read_settings
from edge_runtime.errors import UsageError

LEAST = """
ae_title = "EDGEKIT"
folder = "node"
[[peers]]
ae_title = "PACS"
[destination]
ae_title = "PACS"
host = "127.0.0.1"
port = 4242
"""


def of(text: str, folder: Path) -> str:
    path = folder / "node.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_least_that_a_file_holds_has_the_usual_limits(tmp_path: Path) -> None:
    settings = read_settings(of(LEAST, tmp_path))
    assert settings.port == 11112 and settings.limits == PeerLimits() and settings.capture
    assert settings.folder == tmp_path / "node" and settings.peers[0].addresses == ()


def test_all_keys_are_taken(tmp_path: Path) -> None:
    more = """
    [limits]
    associations = 2
    pdu = 16384
    waiting = 5
    megabytes = 8
    seconds = 3
    [tls]
    certificate = "c.pem"
    key = "k.pem"
    authorities = "/a.pem"
    listen = false
    [findings.covid]
    value = "840539006"
    scheme = "SCT"
    meaning = "COVID-19"
    """
    first = 'port = 104\naddress = "127.0.0.1"\naudit = "t.jsonl"\nfhir = "f"\ncapture = false\n'
    settings = read_settings(of(first + LEAST + more, tmp_path))
    assert settings.limits == PeerLimits(2, 16384, 5, 8, 3) and settings.port == 104
    assert settings.tls and settings.tls.authorities == Path("/a.pem") and not settings.tls.listen
    assert settings.findings == {"covid": FindingCode("840539006", "SCT", "COVID-19")}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("ae_title = 1", "ae_title"), ("ae_title = 'EDGE'", "folder"), ("a = [", "is no TOML"),
        (LEAST.replace('"EDGEKIT"', '"A NAME THAT IS TOO LONG"'), "ae_title"),
        (LEAST.replace("[[peers]]", "[[others]]"), "peers"), ("port = true\n" + LEAST, "port"),
        ("port = 70000\n" + LEAST, "port"), ("colour = 1\n" + LEAST, "colour"),
        (LEAST.replace("port = 4242", ""), "destination.port"), (LEAST + "tls = true", "tls"),
        (LEAST + "[limits]\npdu = 1", "limits.pdu"), (LEAST + "[limits]\nspeed = 1", "speed"),
        (LEAST + "[tls]\nkey = 'k'", "tls"), (LEAST.replace("host", "hosts"), "destination.host"),
        (LEAST + "[findings.covid]\nvalue = 'x'\nscheme = ''\nmeaning = 'y'", "findings.covid"),
        (LEAST.replace("[[peers]]", "[[peers]]\naddresses = [1]"), "peers.addresses"),
        (LEAST.split("[destination]", maxsplit=1)[0], "destination"),
        (LEAST.replace("[[peers]]", "[[peers]]\naddresses = ['pacs.example']"), "peers.addresses"),
        (LEAST.replace("[[peers]]", "[[peers]]\naddresses = ['10.0.0.300']"), "peers.addresses"),
        (LEAST.replace("[[peers]]", "[[peers]]\nfingerprint = 'ab'"), "peers.fingerprint"),
        (LEAST.replace("[[peers]]", f"[[peers]]\nfingerprint = '{'a' * 64}'"), "peers.fingerprint"),
        (LEAST + f"fingerprint = '{'a' * 64}'", "destination.fingerprint"),
        (LEAST.replace('"EDGEKIT"', r'"EDGE\u0007"'), "ae_title"),
        (LEAST.replace('"EDGEKIT"', r"'EDGE\KIT'"), "ae_title"), ("ae_title = 1\n" * 2, "no TOML"),
        (LEAST.replace('"EDGEKIT"', '"  "'), "ae_title"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(text: str, named: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=named):
        read_settings(of(text, tmp_path))


def test_a_mark_of_the_encoding_and_line_ends_of_windows_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "node.toml"
    path.write_bytes(b"\xef\xbb\xbf" + LEAST.replace("\n", "\r\n").encode())
    assert read_settings(str(path)).ae_title == "EDGEKIT"


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", LEAST.encode("utf-16")])
def test_another_encoding_is_no_toml(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "node.toml"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="is no TOML"):
        read_settings(str(path))


def test_a_fingerprint_is_taken_as_openssl_prints_it(tmp_path: Path) -> None:
    printed = ":".join(["AB"] * 32)
    tls = '[tls]\ncertificate = "c"\nkey = "k"\nauthorities = "a"\n'
    text = LEAST.replace("[[peers]]", f'[[peers]]\nfingerprint = "{printed}"')
    text += f'tls = true\nfingerprint = "{printed}"\n{tls}'
    settings = read_settings(of(text, tmp_path))
    assert settings.peers[0].fingerprint == settings.destination.fingerprint == "ab" * 32


def test_networks_of_peers_are_taken(tmp_path: Path) -> None:
    text = LEAST.replace("[[peers]]", '[[peers]]\naddresses = ["10.0.0.0/24", "fe80::1"]')
    assert read_settings(of(text, tmp_path)).peers[0].addresses == ("10.0.0.0/24", "fe80::1")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_settings(str(tmp_path / "none.toml"))
