"""A private key is its owner's alone: on the disk, by its passphrase, and for what it may sign."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from edge_export.signing.keys import new_key, private_key, signing_key
from edge_runtime.errors import CannotWrite, UsageError
from edge_runtime.trust.keys import read_public_key

POSIX = pytest.mark.skipif(os.name != "posix", reason="Windows has no such modes")


def never() -> str:
    raise AssertionError("nobody is to be asked")


def test_a_new_key_is_two_files_that_belong_together(tmp_path: Path) -> None:
    public = new_key(tmp_path / "vendor", None)
    assert public is not None
    key = signing_key(tmp_path / "vendor.pem", never)
    assert key.public == public == read_public_key(str(tmp_path / "vendor.pub"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["vendor.pem", "vendor.pub"]
    key.private.public_key().verify(key.sign(b"film"), b"film")


@POSIX
def test_nobody_else_can_read_a_private_key(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        new_key(tmp_path / "vendor", None)
    finally:
        os.umask(before)
    path = tmp_path / "vendor.pem"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    with pytest.raises(UsageError, match=r"can be read by other users \(mode 0640\); .*chmod 600"):
        signing_key(path, never)


def test_a_passphrase_opens_a_key_and_no_other_does(tmp_path: Path) -> None:
    public = new_key(tmp_path / "vendor", "correct horse")
    path = tmp_path / "vendor.pem"
    assert b"ENCRYPTED" in path.read_bytes()
    path.chmod(0o644)  # it is safe by its passphrase
    assert signing_key(path, lambda: "correct horse").public == public
    for wrong in ("Correct horse", ""):
        with pytest.raises(UsageError, match=r"cannot be opened by this|is no private key"):
            signing_key(path, lambda wrong=wrong: wrong)  # type: ignore[misc]


@pytest.mark.parametrize("ending", ["pem", "pub"])
def test_a_key_that_is_there_is_never_overwritten(ending: str, tmp_path: Path) -> None:
    there = tmp_path / f"vendor.{ending}"
    there.write_text("mine", "ascii")
    with pytest.raises(CannotWrite, match="exists already"):
        new_key(tmp_path / "vendor", None)
    assert there.read_text("ascii") == "mine"
    assert [*tmp_path.iterdir()] == [there]


def test_a_key_that_cannot_be_kept_leaves_no_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    def refusing(path: Path, data: bytes) -> None:
        assert (tmp_path / "vendor.pub").exists() and data
        raise CannotWrite(path, "the disk is full")

    monkeypatch.setattr("edge_export.signing.keys.write_secret", refusing)
    with pytest.raises(CannotWrite):
        new_key(tmp_path / "vendor", None)
    assert [*tmp_path.iterdir()] == []


def test_a_key_of_a_nist_curve_signs_no_bundle_for_edge_run(tmp_path: Path) -> None:
    assert new_key(tmp_path / "oms", None, oms=True) is None
    path = tmp_path / "oms.pem"
    assert private_key(path, never).key_size == 256  # type: ignore[union-attr]
    with pytest.raises(UsageError, match="is no key of Ed25519; make one"):
        signing_key(path, never)


FOREIGN = {"nothing": b"", "no key": b"key", "cut short": b"-----BEGIN PRIVATE KEY-----\nMC4C"}


@pytest.mark.parametrize("data", FOREIGN.values(), ids=FOREIGN)
def test_what_is_no_key_is_said(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(data)
    path.chmod(0o600)
    with pytest.raises(UsageError, match="is no private key in PEM"):
        signing_key(path, never)


def test_a_key_of_another_kind_is_said(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed448

    path = tmp_path / "key.pem"
    path.write_bytes(
        ed448.Ed448PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    path.chmod(0o600)
    with pytest.raises(UsageError, match="is a key of another kind"):
        private_key(path, never)


def test_without_cryptography_the_cure_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(UsageError, match=r"needs cryptography.*; pip install 'edge-kit\[sign\]'"):
        new_key(tmp_path / "vendor", None)
    assert [*tmp_path.iterdir()] == []
