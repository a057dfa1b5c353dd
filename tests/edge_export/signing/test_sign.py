"""Signing changes nothing of a bundle but its signatures, and what is signed verifies elsewhere."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from securesystemslib.dsse import Envelope as TheirEnvelope
from securesystemslib.signer import CryptoSigner, SSlibKey

from edge_export.signing.sign import sign_bundle
from edge_runtime.bundle import open_bundle, verify_all
from edge_runtime.bundle.manifest import Manifest, canonical
from edge_runtime.bundle.pack import pack, unpack
from edge_runtime.errors import CannotWrite, UntrustedBundle, UsageError
from edge_runtime.trust.envelope import STATEMENT, pae
from signed_bundles import (
    contents,
    forge,
    forged_manifest,
    name_of,
    raw_contents,
    write_signed_bundle,
    write_site_bundle,
)
from signing_keys import HOSPITAL, VENDOR, key_of
from tiny_bundle import TFLITE, write_tiny_bundle


@pytest.fixture(autouse=True)
def no_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDGE_RUN_TRUST", raising=False)
    monkeypatch.setattr("edge_runtime.bundle._OF_THE_MACHINE", str(tmp_path / "etc"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def test_signing_leaves_identity_and_files_as_they_were(tmp_path: Path) -> None:
    path = write_tiny_bundle(tmp_path / "m.edge")
    before, identity = contents(path), verify_all(path).identity
    assert sign_bundle(path, path, VENDOR) == (identity, ("model", "decision"))
    after = contents(path)
    assert after.keys() - before.keys() == {name_of("model"), name_of("decision")}
    assert {name: after[name] for name in before} == before
    assert verify_all(path).identity == identity


def test_signing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    path = write_signed_bundle(tmp_path / "m.edge")
    once = path.read_bytes()
    sign_bundle(path, path, VENDOR)
    assert path.read_bytes() == once


def test_signatures_of_several_keys_stand_side_by_side(tmp_path: Path) -> None:
    path = write_signed_bundle(tmp_path / "m.edge")
    sign_bundle(path, path, HOSPITAL)
    with open_bundle(path) as bundle:
        assert set(bundle.signatures) == {
            name_of(kind, key) for kind in ("model", "decision") for key in (VENDOR, HOSPITAL)
        }


def test_of_a_site_s_bundle_the_decision_alone_is_signed(tmp_path: Path) -> None:
    path = write_signed_bundle(tmp_path / "m.edge")
    site = write_site_bundle(tmp_path / "site.edge", path, key=None)
    assert sign_bundle(site, site, HOSPITAL)[1] == ("decision",)
    with open_bundle(site) as bundle:
        assert set(bundle.signatures) == {name_of("model"), name_of("decision", HOSPITAL)}


def test_an_envelope_is_one_of_securesystemslib(tmp_path: Path) -> None:
    path = write_signed_bundle(tmp_path / "m.edge")
    for name, data in contents(path).items():
        if name.startswith("signatures/"):
            theirs = TheirEnvelope.from_dict(json.loads(data))
            assert theirs.payload_type == STATEMENT
            assert theirs.pae() == pae(theirs.payload)
            key = SSlibKey.from_crypto(VENDOR.private.public_key())
            assert theirs.verify([key], 1) == {VENDOR.public.id: key}


def test_their_signer_signs_what_ours_does(tmp_path: Path) -> None:
    path = write_signed_bundle(tmp_path / "m.edge")
    ours = contents(path)[name_of("model")]
    payload = TheirEnvelope.from_dict(json.loads(ours)).payload
    theirs = TheirEnvelope(payload, STATEMENT, {})
    theirs.sign(CryptoSigner(VENDOR.private))
    assert canonical(theirs.to_dict()) == ours


def of_schema_1(path: Path) -> Path:
    return forged_manifest(write_tiny_bundle(path), lambda manifest: manifest.update(schema=1))


def test_a_bundle_of_schema_1_is_signed_as_a_copy_with_another_identity(tmp_path: Path) -> None:
    old, new = of_schema_1(tmp_path / "old.edge"), tmp_path / "new.edge"
    before = old.read_bytes()
    with pytest.raises(UsageError, match=r"is of schema 1, which has no place .*; add --out NEW"):
        sign_bundle(old, old, VENDOR)
    identity, _ = sign_bundle(old, new, VENDOR)
    assert old.read_bytes() == before
    with verify_all(old) as first, verify_all(new) as second:
        assert (first.manifest.schema, second.manifest.schema) == (1, 2)
        assert second.identity == identity != first.identity
        changed = Manifest(**{**first.manifest.to_json(), "schema": 2})
        assert changed == second.manifest


def test_what_was_changed_after_it_was_signed_is_not_signed_again(tmp_path: Path) -> None:
    path = write_signed_bundle(tmp_path / "m.edge")
    files = contents(path)
    files[TFLITE] += b"\0"
    before = forge(path, files).read_bytes()
    with pytest.raises(UntrustedBundle, match=r"the file model\.f32\.tflite is not the one"):
        sign_bundle(path, path, HOSPITAL)
    assert path.read_bytes() == before


def test_a_ninth_signature_has_no_place(tmp_path: Path) -> None:

    path = write_signed_bundle(tmp_path / "m.edge")
    for name in ("b", "c", "d"):
        sign_bundle(path, path, key_of(name))
    before = path.read_bytes()
    with pytest.raises(CannotWrite, match="a bundle has 8 signatures at most"):
        sign_bundle(path, path, key_of("e"))
    assert path.read_bytes() == before


def test_signatures_are_in_the_folder_of_a_bundle_too(tmp_path: Path) -> None:
    path = write_signed_bundle(tmp_path / "m.edge")
    folder, again = tmp_path / "folder", tmp_path / "again.edge"
    unpack(path, folder)
    assert (folder / name_of("model")).is_file()
    pack(folder, again)
    assert again.read_bytes() == path.read_bytes()
    assert raw_contents(again) == contents(path)


@pytest.mark.parametrize("place", ["data", "header"])
def test_check_sees_a_flipped_byte_of_a_signature(place: str, tmp_path: Path) -> None:
    path = write_signed_bundle(tmp_path / "m.edge")
    data = bytearray(path.read_bytes())
    at = data.index(b'{"payload":"') if place == "data" else data.index(b"signatures/")
    data[at + 40 if place == "data" else at - 10] ^= 1
    path.write_bytes(data)
    with pytest.raises(Exception, match=r"CRC-32|was changed|packed again"):
        verify_all(path)
    assert os.path.exists(path)  # noqa: PTH110
