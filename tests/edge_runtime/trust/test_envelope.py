"""A signature has one spelling, in the file, in the statement and on the curve."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge_export.signing.keys import SigningKey
from edge_runtime.bundle.manifest import canonical
from edge_runtime.trust.envelope import Envelope, pae, read_envelope
from edge_runtime.trust.statement import MODEL
from edge_runtime.trust.verify import ed25519
from signed_bundles import contents, name_of, refused, with_signatures
from signing_keys import MALLORY, VENDOR

pytestmark = pytest.mark.usefixtures("trusting")


ORDER = 2**252 + 27742317777372353535851937790883648493
Change = Callable[[bytes], bytes]
TWICE = b'{"payload":"e30=","payload":'
SPELLINGS: dict[str, Change] = {
    "a key twice": lambda data: data.replace(b'{"payload":', TWICE),
    "a space": lambda data: data.replace(b'","payloadType"', b'", "payloadType"'),
    "no line end": lambda data: data[:-1],
    "one line end more": lambda data: data + b"\n",
    "an unknown key": lambda data: data.replace(b'{"payload":', b'{"a":1,"payload":'),
    "a byte order mark": lambda data: b"\xef\xbb\xbf" + data,
    "cut short": lambda data: data[: len(data) // 2],
    "nothing": lambda _: b"",
    "a list": lambda _: b"[]\n",
    "deep": lambda _: b"[" * 10_000,
    "an escape": lambda data: data.replace(b'"payload"', b'"p\\u0061yload"'),
    "base64 of another spelling": lambda data: data.replace(b'=","payload', b'","payload'),
    "a line in base64": lambda data: data.replace(b'"payload":"ey', b'"payload":"e\\ny'),
    "two signatures": lambda data: data.replace(b"[{", b'[{"keyid":"a","sig":""},{'),
    "no signatures": lambda data: data[: data.index(b"[") + 1] + b"]}\n",
    "another type": lambda data: data.replace(b"vnd.edge-kit", b"vnd.other-kit"),
    "a number for a payload": lambda data: re.sub(rb'"payload":"[^"]*"', b'"payload":1', data),
    "a number for a key": lambda data: re.sub(rb'"keyid":"[^"]*"', b'"keyid":1', data),
    "a signature of 63 bytes": lambda data: data[: data.index(b'"sig"')] + b'"sig":"AAAA"}]}\n',
}


def test_what_is_signed_is_that_of_dsse() -> None:
    """The example of its protocol.md, version 1.0."""
    example = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert pae(b"hello world", "http://example.com/HelloWorld") == example
    sealed = Envelope(b"hello world", "key", bytes(64), "http://example.com/HelloWorld")
    assert sealed.signed == example


def test_an_envelope_of_another_kind_keeps_it() -> None:
    sealed = Envelope(b"{}", "key", bytes(64), "text/plain")
    again = read_envelope(sealed.to_bytes(), "text/plain")
    assert (again.kind, again.payload, again.signature) == ("text/plain", b"{}", bytes(64))
    for data in (sealed.to_bytes(), Envelope(b"{}", "key", bytes(65), "text/plain").to_bytes()):
        with pytest.raises(ValueError, match="other bytes would be written for it"):
            read_envelope(data, "text/plain" if data != sealed.to_bytes() else "text/html")


def test_what_is_signed_of_a_bundle_has_its_type(signed: Path) -> None:
    envelope = json.loads(contents(signed)[name_of(MODEL)])
    assert envelope["payloadType"] == "application/vnd.edge-kit.statement+json"


@pytest.mark.parametrize("change", SPELLINGS.values(), ids=SPELLINGS)
def test_an_envelope_has_one_spelling(change: Change, signed: Path) -> None:
    def spelled(signatures: dict[str, bytes]) -> None:
        before = signatures[name_of(MODEL)]
        signatures[name_of(MODEL)] = change(before)
        assert signatures[name_of(MODEL)] != before

    assert "is no signature as edge-kit writes it" in refused(with_signatures(signed, spelled))


def restated(path: Path, change: Change, key: SigningKey = VENDOR) -> Path:
    """Let `key` sign the statement on a model anew, in other bytes."""
    sealed = json.loads(contents(path)[name_of(MODEL)])
    payload = change(base64.b64decode(sealed["payload"]))
    data = Envelope(payload, key.public.id, key.sign(pae(payload))).to_bytes()
    return with_signatures(path, lambda all_: all_.update({name_of(MODEL): data}))


STATEMENTS: dict[str, tuple[Change, str]] = {
    "a key twice": (lambda data: b'{"kind":"decision",' + data[1:], "no statement as edge-kit"),
    "a space": (lambda data: data.replace(b",", b", ", 1), "no statement as edge-kit"),
    "not JSON": (lambda data: b"\xff" + data, "no statement as edge-kit"),
    "another kind": (lambda data: data.replace(b'"model"', b'"update"', 1), "no statement"),
    "an unknown key": (lambda data: b'{"a":1,' + data[1:], "a: this key is unknown"),
    "a part left out": (
        lambda data: canonical(_without_a_part(json.loads(data))),
        "the preprocess is not the one that was signed",
    ),
    "another name": (
        lambda data: data.replace(b'"name":"model3-xray"', b'"name":"model2-xray"'),
        "is a signature of another model",
    ),
    "another algorithm": (
        lambda data: data.replace(b'"scheme":"ed25519"', b'"scheme":"ed25519ph"'),
        'key.scheme: expected "ed25519"',
    ),
    "another kind of key": (
        lambda data: data.replace(b'"keytype":"ed25519"', b'"keytype":"rsa"'),
        'key.keytype: expected "ed25519"',
    ),
    "no algorithm": (
        lambda data: data.replace(b'"scheme":"ed25519"', b'"scheme":"none"'),
        'key.scheme: expected "ed25519"',
    ),
}


def _without_a_part(document: dict[str, Any]) -> dict[str, Any]:
    del document["parts"]["preprocess"]
    return document


@pytest.mark.parametrize(("change", "problem"), STATEMENTS.values(), ids=STATEMENTS)
def test_a_statement_has_one_spelling_and_names_every_part(
    change: Change, problem: str, signed: Path
) -> None:
    assert problem in refused(restated(signed, change))


def test_a_key_id_is_computed_and_never_believed(signed: Path) -> None:
    mallory_s = canonical(MALLORY.public.to_json()).strip()
    vendor_s = canonical(VENDOR.public.to_json()).strip()

    def stated(data: bytes) -> bytes:
        return data.replace(vendor_s, mallory_s)

    restated(signed, stated, MALLORY)
    claimed = contents(signed)[name_of(MODEL)].replace(
        MALLORY.public.id.encode(), VENDOR.public.id.encode()
    )
    with_signatures(signed, lambda all_: all_.update({name_of(MODEL): claimed}))
    assert "names another key than the one that it states" in refused(signed)
    assert MALLORY.public.id != VENDOR.public.id


def test_a_statement_that_somebody_else_signed_is_refused(signed: Path) -> None:
    forged = contents(signed)[name_of(MODEL)]
    sealed = json.loads(forged)
    payload = base64.b64decode(sealed["payload"])
    data = Envelope(payload, VENDOR.public.id, MALLORY.sign(pae(payload))).to_bytes()
    with_signatures(signed, lambda all_: all_.update({name_of(MODEL): data}))
    assert f"key {VENDOR.public.id[:16]} did not sign this" in refused(signed)


def test_a_signature_over_another_type_is_refused(signed: Path) -> None:
    payload = base64.b64decode(json.loads(contents(signed)[name_of(MODEL)])["payload"])
    foreign = pae(payload).replace(b"edge-kit", b"edge-kat")
    data = Envelope(payload, VENDOR.public.id, VENDOR.sign(foreign)).to_bytes()
    with_signatures(signed, lambda all_: all_.update({name_of(MODEL): data}))
    assert "did not sign this" in refused(signed)


def test_one_signature_has_one_spelling() -> None:
    verify = ed25519()
    assert verify is not None
    signature = VENDOR.sign(b"statement")
    assert verify(signature, b"statement", VENDOR.public.raw)
    larger = int.from_bytes(signature[32:], "little") + ORDER
    assert not verify(signature[:32] + larger.to_bytes(32, "little"), b"statement",
                      VENDOR.public.raw)  # fmt: skip
