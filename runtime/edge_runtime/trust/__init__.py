"""Whose bundles this machine takes: keys, the policy, and signatures that are verified.

`verify_bundle(bundle)` is the one place where it is decided; `require_signatures(bundle)` asks no
policy. A bundle without signatures, on a
machine without a policy, never comes here: see `edge_runtime.bundle.policy_path`.
"""

from __future__ import annotations

from edge_runtime.trust.verify import require_signatures, verify_bundle

__all__ = ["require_signatures", "verify_bundle"]
