"""A bundle that its maker signed, and a machine that takes no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from signed_bundles import vendor_s_policy, write_signed_bundle


@pytest.fixture(autouse=True)
def no_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the policy of whoever runs the tests."""
    monkeypatch.delenv("EDGE_RUN_TRUST", raising=False)
    monkeypatch.setattr("edge_runtime.bundle._OF_THE_MACHINE", str(tmp_path / "etc"))


@pytest.fixture
def signed(tmp_path: Path) -> Path:
    return write_signed_bundle(tmp_path / "signed.edge")


@pytest.fixture
def trusting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let this machine take what the vendor signed, and nothing else."""
    folder = vendor_s_policy(tmp_path / "policy")
    monkeypatch.setenv("EDGE_RUN_TRUST", str(folder))
    return folder
