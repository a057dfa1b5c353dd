"""Signing bundles: keys, statements, and OpenSSF Model Signing."""
