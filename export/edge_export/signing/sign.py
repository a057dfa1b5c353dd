"""Signing a bundle: statements on its manifest, each in an envelope of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edge_runtime.bundle import Bundle, verify_all
from edge_runtime.bundle.archive import SIGNATURES
from edge_runtime.bundle.manifest import UNSIGNED_SCHEMA, Manifest, canonical
from edge_runtime.bundle.pack import write_bundle, write_signed
from edge_runtime.bundle.signers import SHORT
from edge_runtime.errors import UsageError
from edge_runtime.trust import envelope, require_signatures, statement
from edge_runtime.trust.envelope import Envelope
from edge_runtime.trust.statement import DECISION, MODEL

if TYPE_CHECKING:
    from edge_export.signing.keys import SigningKey

_STATEMENTS = {MODEL: statement.model_statement, DECISION: statement.decision_statement}


def signatures_of(manifest: Manifest, key: SigningKey, *kinds: str) -> dict[str, bytes]:
    """Return the signatures by `key` over what a manifest describes, by their names in a bundle."""
    signed = {}
    for kind in kinds:
        payload = canonical(_STATEMENTS[kind](manifest, key.public).to_json())
        signature = key.sign(envelope.pae(payload))
        name = f"{SIGNATURES}{kind}-{key.public.id[:SHORT]}.json"
        signed[name] = Envelope(payload, key.public.id, signature).to_bytes()
    return signed


def models_signed(bundle: Bundle) -> dict[str, bytes]:
    """Return the signatures of a bundle's model, which hold for another decision as well.

    Raises:
        UntrustedBundle: one is not as edge-kit writes it.
    """
    return {
        name: data
        for name, data in bundle.signatures.items()
        if statement.parsed(envelope.opened(data, name).payload, name).kind == MODEL
    }


def sign_bundle(source: Path, out: Path, key: SigningKey) -> tuple[str, tuple[str, ...]]:
    """Write the bundle `source` with signatures by `key` to `out`, which may be `source` itself.

    Return its identity and the kinds of statements. Those are both; of a bundle that a site fitted,
    and whose model is signed already, the decision alone. Signatures by other keys stay. A bundle
    of schema 1, which has no place for signatures, is written as schema 2, by another identity.

    Raises:
        NotABundle, IntegrityError, UntrustedBundle: it is none, or not as it was written or signed.
        UsageError: it is of schema 1, and `out` is the bundle itself.
        CannotWrite: there is no place for a signature, or the disk did not take it.
    """
    with verify_all(source) as bundle:
        require_signatures(bundle)
        manifest = bundle.manifest
        kinds = (DECISION,) if manifest.site and models_signed(bundle) else (MODEL, DECISION)
        if manifest.schema != UNSIGNED_SCHEMA:
            signatures = bundle.signatures | signatures_of(manifest, key, *kinds)
            return write_signed(source, out, signatures), kinds
        if out.exists() and out.samefile(source):
            problem = "is of schema 1, which has no place for signatures"
            cure = "add --out NEW.edge: a copy of schema 2, whose identity is another"
            raise UsageError(source, problem, cure)
        members = {name: bundle.read(name) for name in manifest.files}
    fields = {key: value for key, value in manifest.to_json().items() if key not in _OURS}
    return write_bundle(out, fields, members, lambda new: signatures_of(new, key, *kinds)), kinds


_OURS = ("schema", "files")  # what `write_bundle` adds
