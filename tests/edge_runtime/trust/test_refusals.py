"""Each bundle that is not taken is refused by one line, which names what it is about and a cure."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge_export.signing.sign import signatures_of
from edge_runtime.bundle import open_bundle
from edge_runtime.bundle.manifest import canonical
from edge_runtime.errors import UntrustedBundle
from edge_runtime.trust import require_signatures, verify_bundle
from edge_runtime.trust.envelope import Envelope, opened, pae
from edge_runtime.trust.policy import MAKER, SITE
from edge_runtime.trust.statement import (
    DECISION,
    MODEL,
    decision_statement,
    parsed,
    require_fit,
)
from edge_runtime.trust.verify import ed25519
from signed_bundles import (
    contents,
    forge,
    forged_manifest,
    name_of,
    refused,
    verified,
    with_signatures,
    write_policy_of,
    write_signed_bundle,
    write_site_bundle,
)
from signing_keys import HOSPITAL, MALLORY, VENDOR
from tiny_bundle import write_tiny_bundle

pytestmark = pytest.mark.usefixtures("trusting")

AGAIN = "get the bundle from its maker again"
OR_SIGN = f"{AGAIN}, or sign it again"
ORDER = 2**252 + 27742317777372353535851937790883648493
MINE, THEIRS = VENDOR.public.id[:16], MALLORY.public.id[:16]


def without(kind: str) -> Callable[[dict[str, bytes]], object]:
    return lambda signatures: signatures.pop(name_of(kind))


def test_of_a_missing_signature_it_is_said_which(signed: Path, tmp_path: Path) -> None:
    unsigned = write_tiny_bundle(tmp_path / "unsigned.edge")
    cure = "get one that its maker signed, or sign it: edge-kit sign"
    line = f"{unsigned}: is not signed, and signatures are required; {cure}"
    assert refused(unsigned) == line
    with_signatures(signed, without(DECISION))
    cure = f"{AGAIN}, or sign it"
    assert refused(signed) == f"{signed}: has no signature of its decision; {cure}"


def test_of_a_key_it_is_said_why_it_is_not_enough(tmp_path: Path, trusting: Path) -> None:
    path = write_signed_bundle(tmp_path / "m.edge", MALLORY)
    cure = "get one signed by a key that is, or trust it: edge-run trust add KEY.pub"
    problem = f"the signature of its model is by key {THEIRS}, which is not trusted"
    assert refused(path) == f"{path}: {problem}; {cure}"
    write_policy_of(trusting, vendor=(VENDOR, MAKER), hospital=(HOSPITAL, SITE))
    path = write_signed_bundle(tmp_path / "h.edge", HOSPITAL)
    by = f"by key {HOSPITAL.public.id[:16]} (hospital), of a site"
    cure = "a site's key signs a decision that a site fitted alone: sign it as its maker"
    assert refused(path) == f"{path}: the signature of its model is {by}; {cure}"


def test_without_what_verifies_the_package_is_named(
    signed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "securesystemslib._vendor.ed25519.ed25519", None)
    problem = "cannot be verified here, and signatures are required: securesystemslib is missing"
    line = refused(signed)
    assert line.startswith(f"{signed}: {problem}; ")
    assert "pip install" in line and "securesystemslib<" in line.rpartition("; ")[2]


def test_a_signature_that_does_not_hold_is_named(signed: Path) -> None:
    name, files = name_of(MODEL), contents(signed)
    payload = opened(files[name], "").payload
    forged = Envelope(payload, VENDOR.public.id, MALLORY.sign(pae(payload))).to_bytes()
    with_signatures(signed, lambda all_: all_.update({name: forged}))
    problem = f"does not hold: key {MINE} did not sign this"
    assert refused(signed) == f"{signed}: {name}: {problem}; {AGAIN}"
    claimed = Envelope(payload, MALLORY.public.id, MALLORY.sign(pae(payload))).to_bytes()
    with_signatures(signed, lambda all_: all_.update({name: claimed}))
    problem = "names another key than the one that it states"
    assert refused(signed) == f"{signed}: {name}: {problem}; sign the bundle again"


def changed_threshold(manifest: dict[str, Any]) -> None:
    manifest["decision"]["threshold"] = 0.505


def changed_verdict(manifest: dict[str, Any]) -> None:
    manifest["verdict"] = "undecided"


@pytest.mark.parametrize(
    ("change", "kind", "problem"),
    [
        (changed_threshold, DECISION, "does not hold: the decision is not the one that was signed"),
        (
            changed_verdict, MODEL,
            "does not hold: the verdict or the tolerance is not what its maker proved",
        ),
    ],
    ids=["threshold", "verdict"],
)  # fmt: skip
def test_what_was_changed_of_a_manifest_is_named(
    change: Callable[[dict[str, Any]], None], kind: str, problem: str, signed: Path
) -> None:
    forged_manifest(signed, change)
    assert refused(signed) == f"{signed}: {name_of(kind)}: {problem}; {OR_SIGN}"


def test_what_was_changed_of_a_file_is_named(signed: Path) -> None:
    files = contents(signed)
    files["card.md"] = b"# For everybody\n"
    problem = "does not hold: the file card.md is not the one that was signed"
    assert refused(forge(signed, files)) == f"{signed}: {name_of(MODEL)}: {problem}; {OR_SIGN}"


def test_a_signature_of_something_else_is_named(signed: Path, tmp_path: Path) -> None:
    other = write_tiny_bundle(tmp_path / "other.edge")
    forged_manifest(other, lambda manifest: manifest.update(name="other"))
    with open_bundle(other) as bundle:
        mine = signatures_of(bundle.manifest, VENDOR, MODEL)
    moved = {**mine, name_of(DECISION): contents(signed)[name_of(DECISION)]}
    with_signatures(other, lambda all_: all_.update(moved))
    problem = "is a signature of a decision for another model"
    assert refused(other) == f"{other}: {name_of(DECISION)}: {problem}; {OR_SIGN}"

    def renamed(data: bytes) -> bytes:
        return data.replace(b'"name":"model3-xray"', b'"name":"model2-xray"')

    payload = renamed(opened(contents(signed)[name_of(MODEL)], "").payload)
    data = Envelope(payload, VENDOR.public.id, VENDOR.sign(pae(payload))).to_bytes()
    with_signatures(signed, lambda all_: all_.update({name_of(MODEL): data}))
    problem = "is a signature of another model"
    assert refused(signed) == f"{signed}: {name_of(MODEL)}: {problem}; {OR_SIGN}"


def test_what_is_no_envelope_and_what_is_no_statement_is_named(signed: Path) -> None:
    def refusal(read: Callable[[bytes, str], object], data: bytes) -> str:
        with pytest.raises(UntrustedBundle) as caught:
            read(data, "x.json")
        return str(caught.value)

    line = "x.json: is no signature as edge-kit writes it; sign the bundle again"
    assert refusal(opened, b"{}") == line
    line = f"x.json: holds no statement as edge-kit writes it; {OR_SIGN}"
    for data in (b"{}", b"[]\n", b"\xff", b'{"kind":"x"}', b"[" * 10_000, b'{"kind":[]}'):
        assert refusal(parsed, data) == line
    payload = opened(contents(signed)[name_of(MODEL)], "").payload
    data = canonical({**json.loads(payload), "more": 1})
    problem = "holds a statement that is none (more: this key is unknown)"
    line = f"x.json: {problem}; update edge-runtime, or sign it again"
    assert refusal(parsed, data) == line


def test_a_trusted_signature_counts_before_another(signed: Path, trusting: Path) -> None:
    with open_bundle(signed) as bundle:
        more = signatures_of(bundle.manifest, MALLORY, MODEL, DECISION)
        more |= signatures_of(bundle.manifest, HOSPITAL, MODEL, DECISION)
    with_signatures(signed, lambda all_: all_.update(more))
    signers = verified(signed)
    assert (signers.model, signers.decision) == (VENDOR.public.id, VENDOR.public.id)
    assert signers.are_trusted and signers.are_checked
    write_policy_of(trusting, required=False, hospital=(HOSPITAL, SITE))
    signers = verified(signed)
    least = min(key.public.id for key in (VENDOR, MALLORY, HOSPITAL))
    assert (signers.model, signers.decision, signers.are_trusted) == (least, least, False)
    assert signers.names == {HOSPITAL.public.id: "hospital, site"}


def test_trust_needs_both_signatures(signed: Path, trusting: Path) -> None:
    write_policy_of(trusting, required=False, vendor=(VENDOR, MAKER))
    for kind in (MODEL, DECISION):
        path = write_signed_bundle(signed.with_name(f"{kind}.edge"))
        with_signatures(path, without(kind))
        signers = verified(path)
        assert not signers.are_trusted
        assert getattr(signers, kind) is None


def test_signatures_are_asked_for_where_a_command_says_so(tmp_path: Path, trusting: Path) -> None:
    write_policy_of(trusting, required=False, vendor=(VENDOR, MAKER))
    unsigned = write_tiny_bundle(tmp_path / "unsigned.edge")
    with open_bundle(unsigned) as bundle:
        signers = verify_bundle(bundle)
        assert signers is bundle.signers and signers.are_checked and signers.model is None
        assert require_signatures(bundle) == ([], True)
        with pytest.raises(UntrustedBundle):
            verify_bundle(bundle, required=True)


def test_one_point_and_one_order_have_one_spelling() -> None:
    """With the neutral point for a key, S = 0 holds for everything, and S = L spells it anew."""
    verify = ed25519()
    assert verify is not None
    neutral = (1).to_bytes(32, "little")
    assert verify(neutral + bytes(32), b"x", neutral)
    assert verify(neutral + ORDER.to_bytes(32, "little"), b"x", neutral) is False
    minus_base = bytes([0x58, *[0x66] * 30, 0xE6])  # RFC 8032 5.1, with the other sign
    assert verify(minus_base + (ORDER - 1).to_bytes(32, "little"), b"x", neutral)
    for signature in (b"", bytes(63), bytes(65), VENDOR.sign(b"x")[:32]):
        assert verify(signature, b"x", VENDOR.public.raw) is False
    assert verify(VENDOR.sign(b"x"), b"x", VENDOR.public.raw)
    assert verify(VENDOR.sign(b"x"), b"y", VENDOR.public.raw) is False


def test_a_site_s_tolerance_may_be_rounded_up_and_no_more(
    signed: Path, tmp_path: Path, trusting: Path
) -> None:
    write_policy_of(trusting, vendor=(VENDOR, MAKER), hospital=(HOSPITAL, SITE))
    for factor, is_taken in ((1.0, True), (1.01, True), (1.0101, False)):
        path = write_site_bundle(tmp_path / f"{factor}.edge", signed, key=None)

        def wider(manifest: dict[str, Any], factor: float = factor) -> None:
            manifest["golden"]["tolerance"] *= factor

        forged_manifest(path, wider)
        with open_bundle(path) as bundle:
            more = signatures_of(bundle.manifest, HOSPITAL, DECISION)
            stated = decision_statement(bundle.manifest, HOSPITAL.public)
        assert stated.model and stated.files.keys() == {"site/card.md"}
        with_signatures(path, lambda all_, more=more: all_.update(more))  # type: ignore[misc]
        if is_taken:
            assert verified(path).decision == HOSPITAL.public.id
        else:
            assert "the tolerance is not what its maker proved" in refused(path)


@pytest.mark.parametrize(
    ("scale", "factor", "is_taken"), [(2.0, 0.5, True), (0.5, 2.0, True), (2.0, 1.0, False)]
)
def test_a_logit_that_a_site_scales_keeps_its_tolerance(
    scale: float, factor: float, is_taken: bool, signed: Path, tmp_path: Path
) -> None:
    path = write_site_bundle(tmp_path / "site.edge", signed, key=None)

    def scaled(manifest: dict[str, Any]) -> None:
        manifest["golden"]["tolerance"] *= factor
        calibration = {"method": "platt", "scale": scale, "offset": 0.0}
        manifest["decision"]["calibration"] = calibration

    forged_manifest(path, scaled)
    with open_bundle(path) as bundle:
        stated = opened(bundle.signatures[name_of(MODEL)], "").payload
        if is_taken:
            require_fit(parsed(stated, "x"), bundle.manifest, "x")
        else:
            with pytest.raises(UntrustedBundle, match="is not what its maker proved"):
                require_fit(parsed(stated, "x"), bundle.manifest, "x")
