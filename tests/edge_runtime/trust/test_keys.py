"""A public key is read from PEM as OpenSSL writes it, and has the id that TUF gives it."""

from __future__ import annotations

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


FOREIGN = {
    "nothing": "",
    "another kind": pem_of(ec.generate_private_key(ec.SECP256R1()).public_key()),
    "cut short": PEM[:60],
    "two": PEM + PEM,
    "text before": "vendor\n" + PEM,
    "no base64": PEM.replace("MCow", "MC*w"),
    "another algorithm": PEM.replace("MCowBQYDK2Vw", "MCowBQYDK2Vx"),  # Ed448 in its place
    "letters of another script": PEM.replace("M", "\u041c"),
}


@pytest.mark.parametrize("text", FOREIGN.values(), ids=FOREIGN)
def test_what_is_no_key_of_ed25519_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "key.pub"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(
        UsageError, match=r"is no public key of Ed25519 in PEM; give the \.pub file"
    ):
        read_public_key(str(path))


def test_a_private_key_is_refused_before_it_is_trusted(tmp_path: Path) -> None:
    path = tmp_path / "vendor.pem"
    path.write_bytes(
        VENDOR.private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    with pytest.raises(UsageError, match="is a private key, which belongs on no machine but its"):
        read_public_key(str(path))


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.pub"):
        with pytest.raises(UsageError, match="cannot be read"):
            read_public_key(str(path))


@pytest.mark.parametrize("public", ["", "0" * 63, "0" * 66, "F" * 64, "x" * 64])
def test_a_key_has_32_bytes(public: str) -> None:
    with pytest.raises(SchemaError, match=r"keyval\.public"):
        PublicKey(**{**VENDOR.public.to_json(), "keyval": {"public": public}})
