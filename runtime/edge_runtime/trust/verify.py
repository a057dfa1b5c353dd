"""Who signed a bundle, and whether the policy of this machine takes it.

What a signature says is compared with the manifest first, which holds the digests of all files. The
Ed25519 code is securesystemslib's own, in Python: the same on each machine, 4 ms a signature, and
without `cryptography`, which some of them cannot have (decision 71).
"""

from __future__ import annotations

from edge_runtime.bundle.signers import SHORT, Signers
from edge_runtime.errors import UntrustedBundle
from edge_runtime.trust import envelope, statement
from edge_runtime.trust.policy import MAKER, SITE, policy_here
from edge_runtime.trust.statement import DECISION, MODEL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edge_runtime.bundle import Bundle
    from edge_runtime.bundle.manifest import Manifest
    from edge_runtime.trust.envelope import Envelope
    from edge_runtime.trust.policy import Policy, TrustedKey
    from edge_runtime.trust.statement import Statement

    Verify = Callable[[bytes, bytes, bytes], bool]
    """Takes a signature, what it is over, and a public key; tells whether it holds."""

_ORDER = 2**252 + 27742317777372353535851937790883648493  # of the group, RFC 8032 section 5.1
_ADDING = "get one signed by a key that is, or trust it: edge-run trust add KEY.pub"


def verify_bundle(bundle: Bundle, *, required: bool = False) -> Signers:
    """Return who signed a bundle, and note it in `bundle.signers`.

    Signatures are asked for where this machine's policy says so, or where they are `required`. A
    signature that is there has to hold, whatever is asked for.

    Raises:
        UntrustedBundle: a signature does not hold, or nobody signed whom the policy trusts.
        IntegrityError, UsageError: the policy cannot be used.
    """
    policy = policy_here()
    required = required or policy.required
    signed, are_checked = require_signatures(bundle)
    if required and not signed:
        cure = "get one that its maker signed, or sign it: edge-kit sign"
        raise UntrustedBundle(bundle.path, "is not signed, and signatures are required", cure)
    if required and not are_checked:
        raise _lacking(bundle.path)
    if signed and are_checked:
        bundle.signers = _signers(bundle, signed, policy, required)
    else:
        bundle.signers = Signers(are_checked=are_checked)
    return bundle.signers


def require_signatures(bundle: Bundle) -> tuple[list[Statement], bool]:
    """Return what is signed of a bundle, by anybody, and whether signatures could be verified here.

    Raises:
        UntrustedBundle: a signature does not hold, or is of something else.
    """
    signed = _opened(bundle.path, bundle.signatures, bundle.manifest)
    verify = ed25519() if signed else None
    for subject, sealed, stated in signed:
        if verify and not verify(sealed.signature, sealed.signed, stated.key.raw):
            problem = f"does not hold: key {stated.key.id[:SHORT]} did not sign this"
            raise UntrustedBundle(subject, problem, "get the bundle from its maker again")
    return [stated for _, _, stated in signed], verify is not None or not signed


def _opened(
    path: str, signatures: Mapping[str, bytes], manifest: Manifest
) -> list[tuple[str, Envelope, Statement]]:
    """Return each signature, opened, whose statement fits the manifest."""
    signed = []
    for name, data in signatures.items():
        subject = f"{path}: {name}"
        sealed = envelope.opened(data, subject)
        stated = statement.parsed(sealed.payload, subject)
        if sealed.key_id != stated.key.id:
            problem = "names another key than the one that it states"
            raise UntrustedBundle(subject, problem, "sign the bundle again")
        signed.append((subject, sealed, stated))
    # Models first: of a changed one it is said what was changed, not that a decision lacks it.
    for subject, _, stated in sorted(signed, key=lambda each: each[2].kind != MODEL):
        statement.require_fit(stated, manifest, subject)
    return signed


def _signers(bundle: Bundle, signed: list[Statement], policy: Policy, required: bool) -> Signers:
    """Return who signed, the trusted before the others.

    Raises:
        UntrustedBundle: signatures are required, and a trusted one is missing.
    """
    roles = {MODEL: (MAKER,), DECISION: (MAKER, SITE) if bundle.manifest.site else (MAKER,)}
    chosen: dict[str, str | None] = {}
    trusted = True
    for kind, allowed in roles.items():
        ids = sorted(stated.key.id for stated in signed if stated.kind == kind)
        keys = [key for key in map(policy.key, ids) if key and key.role in allowed]
        chosen[kind] = keys[0].id if keys else ids[0] if ids else None
        trusted = trusted and bool(keys)
        if required and not keys:
            raise _distrusted(bundle.path, kind, ids, policy)
    names = {key.id: f"{key.name}, {key.role}" for key in policy.keys}
    return Signers(chosen[MODEL], chosen[DECISION], are_trusted=trusted, names=names)


def _distrusted(path: str, kind: str, ids: list[str], policy: Policy) -> UntrustedBundle:
    """Return the error for a model or a decision that nobody signed who may."""
    if not ids:
        problem = f"has no signature of its {kind}"
        return UntrustedBundle(path, problem, "get the bundle from its maker again, or sign it")
    known: list[TrustedKey] = [key for key in map(policy.key, ids) if key]
    if not known:
        problem = f"the signature of its {kind} is by key {ids[0][:SHORT]}, which is not trusted"
        return UntrustedBundle(path, problem, _ADDING)
    key = known[0]
    of_site = "a decision that a site fitted alone"
    problem = f"the signature of its {kind} is by key {key.id[:SHORT]} ({key.name}), of a site"
    return UntrustedBundle(path, problem, f"a site's key signs {of_site}: sign it as its maker")


def _lacking(subject: str) -> UntrustedBundle:
    """Return the error for a machine that asks for signatures and cannot verify any."""
    from edge_runtime.cures import installing

    problem = "cannot be verified here, and signatures are required: securesystemslib is missing"
    return UntrustedBundle(subject, problem, installing("trust"))


def ed25519() -> Verify | None:
    """Return what verifies signatures of Ed25519; None where this machine lacks it."""
    try:
        # Private there; securesystemslib's own `SSlibKey` falls back to it, at thrice the time.
        from securesystemslib._vendor.ed25519.ed25519 import SignatureMismatch, checkvalid
    except ImportError:
        return None

    def verify(signature: bytes, data: bytes, key: bytes) -> bool:
        if int.from_bytes(signature[32:], "little") >= _ORDER:
            return False  # RFC 8032 5.1.7: one signature has one spelling
        try:
            checkvalid(signature, data, key)  # type: ignore[no-untyped-call]
        except (SignatureMismatch, ValueError):
            return False
        return True

    return verify
