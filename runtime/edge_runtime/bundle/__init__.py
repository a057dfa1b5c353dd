"""Bundles: one file or folder that holds all that a clinic's machine needs."""

from __future__ import annotations

from edge_runtime.bundle.reader import Bundle, open_bundle, verify_all

__all__ = ["Bundle", "open_bundle", "verify_all"]
