"""Which modules verify, and which tests have to notice when one is changed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_RUNTIME = ROOT / "runtime"


def _tests(folder: str, *names: str) -> tuple[str, ...]:
    return tuple(f"tests/{folder}/test_{name}.py" for name in names)


_ARCHIVE = _tests(
    "edge_runtime/bundle", "archive", "reader", "regular_file", "signature_files", "pack"
)
_MANIFEST = _tests("edge_runtime/bundle", "manifest", "schema")
_TRAIL = (
    *_tests("edge_runtime/audit_trail", "chain", "said", "trail", "trail_files", "verify"),
    *_tests("edge_runtime/commands", "audit"),
)
_TRUST = _tests(
    "edge_runtime/trust", "envelope", "keys", "policy", "statement", "refusals", "attacks"
)
_FLEET = (
    *_tests("edge_kit/fleet", "reading", "hostile_receipts", "judging", "keys"),
    *_tests("edge_runtime/fleet", "receipt", "signing"),
)
_OFFERS = _tests("edge_runtime/updates", "offers")
_REGION = _tests("edge_runtime/updates", "decision_alone", "region")
_CLIENT = _tests(
    "edge_runtime/updates", "client", "trusted", "offers", "region", "attacks", "stolen_keys"
)
_STORE = _tests("edge_runtime/installation", "record", "changes", "store")
TARGETS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("bundle/archive", "bundle/digest", "bundle/reader", "bundle/regular_file"), _ARCHIVE
    ),
    **dict.fromkeys(("bundle/manifest", "bundle/schema", "bundle/records"), _MANIFEST),
    **{f"audit_trail/{name}": _TRAIL for name in ("chain", "line", "segments", "trail", "verify")},
    **{f"trust/{name}": _TRUST for name in ("envelope", "keys", "policy", "statement", "verify")},
    **dict.fromkeys(("updates/choice", "updates/release"), _OFFERS),
    "updates/region": _REGION,
    **dict.fromkeys(("updates/trusted", "updates/client"), _CLIENT),
    **{f"installation/{name}": _STORE for name in ("record", "store")},
    **dict.fromkeys(("fleet/envelope", "edge_kit/fleet/opening", "edge_kit/fleet/reading"), _FLEET),
}
"""Modules of `edge_runtime`, and of `edge_kit` where that is said, each with its tests."""


def source_of(module: str) -> tuple[str, Path]:
    """Return the name by which a module is imported, and its file."""
    folder = ROOT if module.startswith("edge_kit/") else _RUNTIME / "edge_runtime"
    path = (folder / module).with_suffix(".py")
    root = ROOT if folder == ROOT else _RUNTIME
    return ".".join(path.relative_to(root).with_suffix("").parts), path


def sources_of(files: Sequence[str]) -> list[Path]:
    """Return what decides whether a change is found, beside the files of tests themselves.

    Once any of it changes, all is tried again.
    """
    folders = {
        folder for file in files for folder in (ROOT / file).parents if ROOT in folder.parents
    }
    return [
        *(ROOT / name for name in ("runtime/edge_runtime", "edge_kit/fleet", "tests/support")),
        *(folder / "conftest.py" for folder in folders),
        *(ROOT / "benchmarks" / f"{name}.py" for name in ("code_swaps", "forks", "warm_tests")),
    ]
