"""A public key is read from PEM as OpenSSL writes it, and has the id that TUF gives it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from securesystemslib.signer import SSlibKey

from edge_runtime.bundle.schema import SchemaError
from edge_runtime.errors import UsageError
from edge_runtime.trust.keys import PublicKey, read_public_key
from signing_keys import VENDOR

PEM = (
    VENDOR.private.public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .decode()
)


def test_a_key_has_the_id_that_securesystemslib_gives_it() -> None:
    theirs = SSlibKey.from_crypto(VENDOR.private.public_key())
    assert VENDOR.public.id == theirs.keyid
    assert VENDOR.public.to_json() == theirs.to_dict()


def test_a_file_is_as_openssl_writes_it(tmp_path: Path) -> None:
    assert VENDOR.public.to_pem() == PEM
    path = tmp_path / "vendor.pub"
    for text in (PEM, PEM.replace("\n", "\r\n"), "\n" + PEM + "\n\n"):
        path.write_text(text, newline="")
        assert read_public_key(str(path)) == VENDOR.public


def pem_of(key: ec.EllipticCurvePublicKey) -> str:
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.PEM, spki).decode()


BEGIN, BODY, END = PEM.split("\n")[:3]
FOREIGN = {
    "nothing": "",
    "another kind": pem_of(ec.generate_private_key(ec.SECP256R1()).public_key()),
    "cut short": PEM[:60],
    "two": PEM + PEM,
    "text before": "vendor\n" + PEM,
    "no lines around it": BODY,
    "no line before it": f"{BODY}\n{END}",
    "no line after it": f"{BEGIN}\n{BODY}",
    "no base64": PEM.replace("MCow", "MC*w"),
    "another algorithm": PEM.replace("MCowBQYDK2Vw", "MCowBQYDK2Vx"),  # Ed448 in its place
    "letters of another script": PEM.replace("M", "\u041c"),
}


CURE = "give the .pub file that edge-kit keys wrote"


def refusal(path: object) -> str:
    """Return the one line for a file that is refused."""
    with pytest.raises(UsageError) as caught:
        read_public_key(str(path))
    return str(caught.value)


@pytest.mark.parametrize("text", FOREIGN.values(), ids=FOREIGN)
def test_what_is_no_key_of_ed25519_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "key.pub"
    path.write_text(text, encoding="utf-8")
    assert refusal(path) == f"{path}: is no public key of Ed25519 in PEM; {CURE}"


def test_a_key_may_stand_on_several_lines(tmp_path: Path) -> None:
    path = tmp_path / "key.pub"
    path.write_text("\n".join([BEGIN, BODY[:20], f" {BODY[20:]}", END]))
    assert read_public_key(str(path)) == VENDOR.public


def test_a_file_is_read_as_far_as_a_key_may_reach(tmp_path: Path) -> None:
    path = tmp_path / "key.pub"
    path.write_text(PEM.ljust(4096))
    assert read_public_key(str(path)) == VENDOR.public
    path.write_text(PEM.ljust(4097))
    assert refusal(path).startswith(f"{path}: is no public key of Ed25519 in PEM")


@pytest.mark.skipif(os.name != "posix", reason="a file with a hole of a terabyte")
def test_no_more_of_a_file_is_read_than_a_key_has(tmp_path: Path) -> None:
    path = tmp_path / "key.pub"
    path.write_text(PEM)
    os.truncate(path, 1 << 40)
    assert "is no public key" in refusal(path)


def test_a_private_key_is_refused_before_it_is_trusted(tmp_path: Path) -> None:
    path = tmp_path / "vendor.pem"
    path.write_bytes(
        VENDOR.private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    problem = "is a private key, which belongs on no machine but its owner's"
    assert refusal(path) == f"{path}: {problem}; {CURE}"


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    none = tmp_path / "none.pub"
    assert refusal(none) == f"{none}: cannot be read (No such file or directory); {CURE}"
    assert "cannot be read (" in refusal(tmp_path)
    assert "cannot be read (embedded null byte)" in refusal("a\0b")


@pytest.mark.parametrize("public", ["", "0" * 63, "0" * 66, "F" * 64, "x" * 64])
def test_a_key_has_32_bytes(public: str) -> None:
    with pytest.raises(SchemaError, match=r"keyval\.public"):
        PublicKey(**{**VENDOR.public.to_json(), "keyval": {"public": public}})
