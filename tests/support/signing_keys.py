"""Keys that sign in tests: a maker's, a site's and an attacker's, the same in every run."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge_export.signing.keys import SigningKey
from edge_runtime.bundle.digest import sha256
from edge_runtime.trust.keys import PublicKey


def key_of(seed: str) -> SigningKey:
    """Return the same key for the same text."""
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(sha256(seed.encode())))
    return SigningKey(private, PublicKey.of(private.public_key().public_bytes_raw()))


VENDOR, HOSPITAL, MALLORY = key_of("vendor"), key_of("hospital"), key_of("mallory")
