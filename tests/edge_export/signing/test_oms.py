"""A signature by OpenSSF Model Signing is one that the library itself verifies."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from edge_export.signing.keys import new_key
from edge_export.signing.oms import sign_by_oms, signature_path
from edge_runtime.errors import CannotWrite, UsageError
from edge_runtime.output import write_whole
from signed_bundles import write_signed_bundle

WORDS = "correct horse"


@pytest.fixture(scope="module")
def library() -> ModuleType:
    found: ModuleType = pytest.importorskip("model_signing", reason="the extra oms is not there")
    return found


@pytest.fixture
def signed(tmp_path: Path) -> Path:
    new_key(tmp_path / "oms", WORDS, oms=True)
    return write_signed_bundle(tmp_path / "m.edge")


def asked() -> str:
    return WORDS


def holds(library: ModuleType, bundle: Path, public: Path) -> bool:
    """Tell whether the library's own verifier takes a signature."""
    verifying = library.verifying.Config().use_elliptic_key_verifier(public_key=public)
    try:
        verifying.verify(bundle, signature_path(bundle))
    except ValueError:
        return False
    return True


def test_the_library_verifies_what_was_signed_and_nothing_else(
    library: ModuleType, signed: Path, tmp_path: Path
) -> None:
    before = signed.read_bytes()
    path = sign_by_oms(signed, tmp_path / "oms.pem", asked)
    assert path == tmp_path / "m.edge.sig"
    assert signed.read_bytes() == before
    assert holds(library, signed, tmp_path / "oms.pub")
    new_key(tmp_path / "another", None, oms=True)
    assert not holds(library, signed, tmp_path / "another.pub")
    signed.write_bytes(before[:-1] + b"\1")
    assert not holds(library, signed, tmp_path / "oms.pub")


def test_it_is_a_bundle_of_sigstore_without_a_log(
    library: ModuleType, signed: Path, tmp_path: Path
) -> None:
    assert library
    document = json.loads(sign_by_oms(signed, tmp_path / "oms.pem", asked).read_text("utf-8"))
    assert document["mediaType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"
    assert document["verificationMaterial"]["tlogEntries"] == []
    assert str(tmp_path) not in json.dumps(document)


@pytest.mark.usefixtures("library")
def test_a_key_of_ed25519_is_refused(signed: Path, tmp_path: Path) -> None:
    new_key(tmp_path / "vendor", None)
    with pytest.raises(UsageError, match="which OpenSSF Model Signing does not take; make one"):
        sign_by_oms(signed, tmp_path / "vendor.pem", asked)
    assert not signature_path(signed).exists()


@pytest.mark.usefixtures("library", "signed")
def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match=r"is a folder; sign the \.edge file"):
        sign_by_oms(tmp_path, tmp_path / "oms.pem", asked)


def test_without_the_library_the_cure_is_said(
    signed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "model_signing", None)
    with pytest.raises(UsageError, match=r"needs model_signing.*; pip install 'edge-kit\[oms\]'"):
        sign_by_oms(signed, tmp_path / "oms.pem", asked)


@pytest.mark.usefixtures("library")
def test_an_older_signature_stays_where_a_new_one_cannot_be_made(
    signed: Path, tmp_path: Path
) -> None:
    write_whole(signature_path(signed), b"older")
    with pytest.raises(UsageError, match="cannot be opened by this passphrase"):
        sign_by_oms(signed, tmp_path / "oms.pem", lambda: "wrong")
    assert signature_path(signed).read_bytes() == b"older"
