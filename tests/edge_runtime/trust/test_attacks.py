"""Each way to bring a bundle past the policy of a machine ends with one line, and status 4."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from edge_export.signing.sign import signatures_of
from edge_runtime.bundle import open_bundle
from edge_runtime.bundle.archive import encode, in_order
from edge_runtime.bundle.manifest import Manifest
from edge_runtime.errors import IntegrityError, NotABundle, UntrustedBundle
from edge_runtime.trust.policy import MAKER, SITE
from edge_runtime.trust.statement import DECISION, MODEL
from signed_bundles import (
    contents,
    forge,
    forged_manifest,
    name_of,
    raw_contents,
    refused,
    verified,
    with_signatures,
    write_policy_of,
    write_signed_bundle,
    write_site_bundle,
)
from signing_keys import HOSPITAL, MALLORY, VENDOR
from tiny_bundle import TFLITE, write_tiny_bundle

pytestmark = pytest.mark.usefixtures("trusting")


def test_what_its_maker_signed_is_taken(signed: Path) -> None:
    signers = verified(signed)
    assert signers.to_json() == {
        "model": VENDOR.public.id, "decision": VENDOR.public.id, "trusted": True,
    }  # fmt: skip


def test_a_swapped_graph_is_refused(signed: Path) -> None:
    files = contents(signed)
    files[TFLITE] += b"\0"
    assert f"the file {TFLITE} is not the one that was signed" in refused(forge(signed, files))


def test_a_swapped_card_is_refused(signed: Path) -> None:
    files = contents(signed)
    files["card.md"] = b"# For everybody\n"
    assert "the file card.md is not the one that was signed" in refused(forge(signed, files))


def test_a_changed_threshold_is_refused(signed: Path) -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["decision"]["threshold"] = 0.505

    line = refused(forged_manifest(signed, change))
    assert "the decision is not the one that was signed" in line and "decision-" in line


def test_changed_limits_are_refused(signed: Path) -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["intended_use"]["youngest"] = 0

    line = refused(forged_manifest(signed, change))
    assert "the intended_use is not the one that was signed" in line


def test_a_decision_moved_to_another_model_is_refused(signed: Path, tmp_path: Path) -> None:
    other = write_tiny_bundle(tmp_path / "other.edge")
    forged_manifest(other, lambda manifest: manifest.update(name="other"))
    moved = signatures_of(_manifest(other), VENDOR, MODEL)
    moved[name_of(DECISION)] = contents(signed)[name_of(DECISION)]
    with_signatures(other, lambda all_: all_.update(moved))
    assert "is a signature of a decision for another model" in refused(other)


def _manifest(path: Path) -> Manifest:
    with open_bundle(path) as bundle:
        return bundle.manifest


def test_a_site_s_decision_moved_to_another_model_is_refused(tmp_path: Path) -> None:
    mine = write_signed_bundle(tmp_path / "mine.edge")
    files = contents(mine)
    other = tmp_path / "other.edge"
    files["card.md"] = b"# Another card\n"
    forge(other, {name: data for name, data in files.items() if "signatures" not in name})
    with_signatures(other, lambda all_: all_.update(signatures_of(_manifest(other), VENDOR, MODEL)))
    site = write_site_bundle(tmp_path / "site.edge", mine)
    moved = write_site_bundle(tmp_path / "moved.edge", other, key=None)
    name = name_of(DECISION, HOSPITAL)
    with_signatures(moved, lambda all_: all_.update({name: contents(site)[name]}))
    assert "is a signature of a decision for another model" in refused(moved)


def test_a_key_that_nobody_trusts_is_refused_with_its_id(tmp_path: Path) -> None:
    line = refused(write_signed_bundle(tmp_path / "m.edge", MALLORY))
    assert f"its model is by key {MALLORY.public.id[:16]}, which is not trusted" in line
    assert "edge-run trust add" in line


def test_a_site_s_key_signs_no_model(tmp_path: Path, trusting: Path) -> None:
    write_policy_of(trusting, vendor=(VENDOR, MAKER), hospital=(HOSPITAL, SITE))
    line = refused(write_signed_bundle(tmp_path / "m.edge", HOSPITAL))
    assert f"its model is by key {HOSPITAL.public.id[:16]} (hospital), of a site" in line


def test_a_site_s_key_signs_no_decision_that_claims_to_be_its_maker_s(
    signed: Path, trusting: Path
) -> None:
    write_policy_of(trusting, vendor=(VENDOR, MAKER), hospital=(HOSPITAL, SITE))

    def change(manifest: dict[str, Any]) -> None:
        manifest["decision"]["threshold"] = 0.505

    with_signatures(signed, lambda all_: all_.pop(name_of(DECISION)))
    forged_manifest(signed, change)
    with open_bundle(signed) as bundle:
        mine = signatures_of(bundle.manifest, HOSPITAL, DECISION)
    with_signatures(signed, lambda all_: all_.update(mine))
    assert "its decision is by key" in refused(signed)


def test_a_site_s_decision_is_taken_where_its_key_is_trusted(
    signed: Path, tmp_path: Path, trusting: Path
) -> None:
    site = write_site_bundle(tmp_path / "site.edge", signed)
    assert "which is not trusted" in refused(site)
    write_policy_of(trusting, vendor=(VENDOR, MAKER), hospital=(HOSPITAL, SITE))
    signers = verified(site)
    assert (signers.model, signers.decision) == (VENDOR.public.id, HOSPITAL.public.id)


@pytest.mark.parametrize(
    ("key", "value"), [("verdict", "pass"), ("tolerance", 50.0)], ids=["verdict", "tolerance"]
)
def test_a_site_claims_no_more_than_its_maker_proved(
    key: str, value: object, tmp_path: Path, trusting: Path
) -> None:
    write_policy_of(trusting, vendor=(VENDOR, MAKER), hospital=(HOSPITAL, SITE))
    maker = write_tiny_bundle(tmp_path / "maker.edge")
    forged_manifest(maker, lambda manifest: manifest.update(verdict="undecided"))
    with open_bundle(maker) as bundle:
        mine = signatures_of(bundle.manifest, VENDOR, MODEL)
    with_signatures(maker, lambda all_: all_.update(mine))
    site = write_site_bundle(tmp_path / "site.edge", maker, key=None)

    def change(manifest: dict[str, Any]) -> None:
        (manifest if key == "verdict" else manifest["golden"])[key] = value

    forged_manifest(site, change)
    with open_bundle(site) as bundle:
        more = signatures_of(bundle.manifest, HOSPITAL, DECISION)
    with_signatures(site, lambda all_: all_.update(more))
    assert "is not what its maker proved" in refused(site)


@pytest.mark.parametrize(
    ("kept", "problem"),
    [
        ("", "is not signed, and signatures are required"),
        ("model", "has no signature of its decision"),
        ("decision", "has no signature of its model"),
    ],
    ids=["all", "the decision's", "the model's"],
)
def test_a_removed_signature_is_no_way_around_the_policy(
    kept: str, problem: str, signed: Path
) -> None:
    def change(signatures: dict[str, bytes]) -> None:
        for name in [*signatures]:
            if not kept or kept not in name:
                del signatures[name]

    assert problem in refused(with_signatures(signed, change))


def test_schema_1_is_no_way_around_the_policy(signed: Path) -> None:
    with pytest.raises(NotABundle, match=r"signatures/decision-.* is not in its manifest"):
        verified(forged_manifest(signed, lambda manifest: manifest.update(schema=1)))
    with_signatures_gone = {k: v for k, v in raw_contents(signed).items() if "signatures" not in k}
    assert "is not signed" in refused(forge(signed, with_signatures_gone))


def test_more_signatures_than_there_is_room_for_are_refused(signed: Path) -> None:
    def more(signatures: dict[str, bytes]) -> None:
        signatures.update({f"signatures/{n}.json": b"{}" for n in range(7)})

    assert "has more than 8 signatures" in refused(with_signatures(signed, more), NotABundle)


def test_a_signature_that_is_too_large_is_refused(signed: Path) -> None:
    large = {"signatures/a.json": bytes((16 << 10) + 1)}
    line = refused(with_signatures(signed, lambda all_: all_.update(large)), NotABundle)
    assert "signatures/a.json: is larger than 16 KiB" in line


@pytest.mark.parametrize(
    "name",
    ["signatures/a.txt", "signatures/b/a.json", "Signatures/a.json", "signatures.json", "a.json"],
)
def test_no_other_file_is_taken_for_a_signature(name: str, signed: Path) -> None:
    files = {**raw_contents(signed), name: b"{}"}
    whole = [(each, files[each]) for each in in_order(files)]
    with signed.open("wb") as stream:
        stream.writelines(encode(whole))
    with pytest.raises(NotABundle):
        verified(signed)


def test_a_signature_beside_right_ones_that_does_not_hold_is_refused(signed: Path) -> None:
    with open_bundle(signed) as bundle:
        (name, data), *_ = signatures_of(bundle.manifest, MALLORY, MODEL).items()
    broken = data.replace(b'"sig":"', b'"sig":"A')[:-6] + b'"}]}\n'
    with_signatures(signed, lambda all_: all_.update({name: broken}))
    refused(signed)


def test_without_a_policy_a_wrong_signature_is_an_error_too(
    signed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EDGE_RUN_TRUST")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(signed.parent / "none"))
    assert verified(signed).are_trusted is False
    files = contents(signed)
    files["card.md"] = b"# For everybody\n"
    refused(forge(signed, files))


@pytest.mark.parametrize("required", [True, False])
def test_without_what_verifies_nothing_is_taken_for_verified(
    required: bool, signed: Path, trusting: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_policy_of(trusting, required=required, vendor=(VENDOR, MAKER))
    monkeypatch.setitem(sys.modules, "securesystemslib._vendor.ed25519.ed25519", None)
    if required:
        line = refused(signed)
        assert "securesystemslib is missing" in line and "pip install" in line
    else:
        assert verified(signed).to_json() is None


def test_an_integrity_error_is_what_programs_catch() -> None:
    assert issubclass(UntrustedBundle, IntegrityError)
    assert UntrustedBundle.exit_status == 4


def test_a_verdict_above_the_proof_is_refused_also_without_a_decision_s_signature(
    signed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EDGE_RUN_TRUST")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(signed.parent / "none"))
    with_signatures(signed, lambda all_: all_.pop(name_of(DECISION)))
    assert verified(signed).decision is None
    forged_manifest(signed, lambda manifest: manifest.update(verdict="undecided"))
    assert "is not what its maker proved" in refused(signed)
