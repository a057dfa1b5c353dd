"""A box signs as the specifications say, by whichever of two ways is there, or not at all."""

from __future__ import annotations

import json
import shutil
import sys
from base64 import b64decode
from pathlib import Path

import pytest
from securesystemslib.dsse import Envelope

from box_receipts import files, opened, receipt
from edge_runtime.fleet import signing
from edge_runtime.fleet.records import PAYLOAD_TYPE
from edge_runtime.trust.envelope import pae

pytestmark = pytest.mark.usefixtures("own_signals")


def test_openssl_signs_where_cryptography_is_not_installed(
    stick: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("needs Debian's openssl")
    assert receipt(stick, tiny) == 0
    for name in (
        "cryptography.hazmat.primitives.asymmetric.ed25519",
        "cryptography.hazmat.primitives",
    ):
        monkeypatch.setitem(sys.modules, name, None)
    assert receipt(stick, tiny) == 0
    monkeypatch.undo()
    first, second = map(opened, files(stick))
    assert first["key"] == second["key"]


def test_a_box_that_has_openssl_alone_makes_a_key_that_cryptography_reads() -> None:
    if shutil.which("openssl") is None:
        pytest.skip("needs Debian's openssl")
    private = signing._openssl("genpkey", "-algorithm", "ed25519").decode()
    by_openssl = signing._openssl("pkey", "-pubout", "-outform", "DER", key=private)[-32:].hex()
    assert signing.public_key(private) == by_openssl


def test_without_anything_to_sign_with_nothing_is_begun(
    stick: Path, tiny: Path, data: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    for name in (
        "cryptography.hazmat.primitives.asymmetric.ed25519",
        "cryptography.hazmat.primitives",
    ):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert receipt(stick, tiny) == 2
    assert "neither cryptography nor openssl is here to sign" in capsys.readouterr().err
    assert not files(stick) and not (data / "box.json").exists()


def test_the_envelope_is_that_of_the_specification(stick: Path, tiny: Path) -> None:
    assert receipt(stick, tiny) == 0
    envelope = json.loads(files(stick)[0].read_bytes())
    assert envelope.keys() == {"payload", "payloadType", "signatures"}
    payload = b64decode(envelope["payload"], validate=True)
    signed = Envelope.from_dict(json.loads(files(stick)[0].read_bytes())).pae()
    assert signed == pae(payload, PAYLOAD_TYPE)
