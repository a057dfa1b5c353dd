"""Bundles that somebody signed, keys for it, and forgers who can write any bytes."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from edge_export.signing.keys import SigningKey
from edge_export.signing.sign import sign_bundle, signatures_of
from edge_runtime.bundle import POLICY, open_bundle
from edge_runtime.bundle.archive import encode, in_order
from edge_runtime.bundle.digest import sha256
from edge_runtime.bundle.manifest import SITE, Manifest, canonical
from edge_runtime.bundle.pack import write_bundle
from edge_runtime.bundle.signers import Signers
from edge_runtime.errors import EdgeError, UntrustedBundle
from edge_runtime.trust import verify_bundle
from edge_runtime.trust.policy import MAKER, Policy, TrustedKey, write_policy
from edge_runtime.trust.statement import DECISION
from signing_keys import HOSPITAL, VENDOR
from tiny_bundle import write_tiny_bundle


def write_signed_bundle(path: Path, key: SigningKey = VENDOR) -> Path:
    """Write a bundle of the tiny graphs that its maker signed."""
    sign_bundle(write_tiny_bundle(path), path, key)
    return path


def write_site_bundle(path: Path, source: Path, key: SigningKey | None = HOSPITAL) -> Path:
    """Write `source` with another threshold of a site, which signs that by `key`."""
    with open_bundle(source) as bundle:
        manifest, kept = bundle.manifest, model_signatures(bundle.signatures)
        members = {name: bundle.read(name) for name in manifest.files}
    members["site/card.md"] = memoryview(b"# Of a site\n")
    write_bundle(
        path, site_fields(manifest), members,
        lambda new: kept | (signatures_of(new, key, DECISION) if key else {}),
    )  # fmt: skip
    return path


def site_fields(manifest: Manifest) -> dict[str, Any]:
    """Return the fields of a manifest whose decision a site has fitted again."""
    fields = manifest.to_json()
    decision = {**fields["decision"], "threshold": 0.7, "uncertain": {"low": 0.7, "high": 0.7}}
    site = {
        "bundle": manifest.identity, "fitted": ["threshold"], "films": "5" * 64,
        "negative": 20, "positive": 20,
    }  # fmt: skip
    version = manifest.version.removesuffix(SITE) + SITE
    changed = {"decision": decision, "site": site, "verdict": "undecided", "version": version}
    return {**fields, **changed}


def model_signatures(signatures: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return those of the model, by their names."""
    return {name: data for name, data in signatures.items() if "model" in name}


def write_policy_of(
    folder: Path, *, required: bool = True, **roles: tuple[SigningKey, str]
) -> Path:
    """Write a policy that trusts keys by their names, as in `vendor=(VENDOR, MAKER)`."""
    keys = tuple(
        TrustedKey(name=name, role=role, key=key.public) for name, (key, role) in roles.items()
    )
    write_policy(folder / POLICY, Policy(format=1, required=required, keys=keys))
    return folder


def vendor_s_policy(folder: Path) -> Path:
    """Write a policy that asks for the vendor's signature, and takes no other."""
    return write_policy_of(folder, vendor=(VENDOR, MAKER))


def contents(path: Path) -> dict[str, bytes]:
    """Return every file of a bundle by its name, signatures and manifest among them."""
    with open_bundle(path) as bundle:
        files = {name: bytes(bundle.read(name)) for name in bundle.manifest.files}
        return {**files, **bundle.signatures, "manifest.json": bundle.manifest.to_bytes()}


def forge(path: Path, files: Mapping[str, bytes], out: Path | None = None) -> Path:
    """Write `files` as a bundle whose digests and identity are right: anybody can."""
    document = json.loads(files["manifest.json"])
    document.pop("identity")
    for name in document["files"]:
        digest = {"bytes": len(files[name]), "sha256": sha256(files[name])}
        document["files"][name] = digest
    document["identity"] = sha256(canonical(document))
    whole = {**files, "manifest.json": canonical(document)}
    target = out or path
    with target.open("wb") as stream:
        stream.writelines(encode((name, whole[name]) for name in in_order(whole)))
    return target


def forged_manifest(path: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """Change the manifest of the bundle at `path`, and make its identity right again."""
    files = contents(path)
    document = json.loads(files["manifest.json"])
    change(document)
    files["manifest.json"] = canonical(document)
    return forge(path, files)


def with_signatures(path: Path, change: Callable[[dict[str, bytes]], object]) -> Path:
    """Change the signatures of the bundle at `path`, by name."""
    files = contents(path)
    signatures = {name: files.pop(name) for name in [*files] if name.startswith("signatures/")}
    change(signatures)
    return forge(path, {**files, **signatures})


def raw_contents(path: Path) -> dict[str, bytes]:
    """Return the files of an archive that no reader takes any more."""
    with zipfile.ZipFile(path) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def name_of(kind: str, key: SigningKey = VENDOR) -> str:
    """Return the name of a signature by `key` in a bundle."""
    return f"signatures/{kind}-{key.public.id[:16]}.json"


def verified(path: Path) -> Signers:
    """Return who signed a bundle, as the policy of this machine sees it."""
    with open_bundle(path) as bundle:
        return verify_bundle(bundle)


def refused(path: Path, kind: type[EdgeError] = UntrustedBundle) -> str:
    """Return the one line for a bundle that is refused."""
    with pytest.raises(kind) as caught:
        verified(path)
    line = str(caught.value)
    assert line.startswith(str(path)) and "\n" not in line
    assert caught.value.cure
    return line
