"""What a region may change of its maker's model, key by key."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from edge_runtime.bundle import Bundle
from edge_runtime.errors import IntegrityError
from edge_runtime.updates.region import require_decision_alone

MAKER: dict[str, Any] = {
    "decision": {"threshold": 0.5}, "verdict": "pass", "version": "0.1.0", "schema": 1,
    "golden": {"films": ["a"], "tolerance": 0.1}, "files": {"a": 1}, "name": "m", "limits": 1,
}  # fmt: skip
SITE: dict[str, Any] = {
    **MAKER, "decision": {"threshold": 0.7}, "verdict": "undecided", "version": "0.1.0+site",
    "schema": 2, "golden": {"films": ["a"], "tolerance": 0.2}, "files": {"a": 1, "site/card": 2},
    "site": {"films": "x"},
}  # fmt: skip
FILES = {"a": "1", "Site/b": "2"}


def bundle(document: dict[str, Any], files: dict[str, str]) -> Bundle:
    """Return what is looked at of a bundle."""
    listed = {name: SimpleNamespace(sha256=digest) for name, digest in files.items()}
    manifest = SimpleNamespace(to_json=lambda: document, files=listed)
    return cast("Bundle", SimpleNamespace(manifest=manifest, path="site.edge"))


def refusal(changes: dict[str, Any], files: dict[str, str] | None = None) -> str:
    """Return what is said of a region's model with these changes."""
    document = {key: value for key, value in {**SITE, **changes}.items() if value is not None}
    site = bundle(document, FILES if files is None else files)
    with pytest.raises(IntegrityError) as caught:
        require_decision_alone(bundle(MAKER, {"a": "1"}), site)
    problem, _, cure = str(caught.value).partition("; ")
    assert cure == "ask the region to publish a threshold alone"
    start = "site.edge: changes more than the decision of its maker's model: "
    assert problem.startswith(start)
    return problem.removeprefix(start)


def test_a_decision_with_what_belongs_to_it_may_be_another_one() -> None:
    require_decision_alone(bundle(MAKER, {"a": "1", "site/c": "3"}), bundle(SITE, FILES))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "n"}, "name"), ({"limits": 2, "name": "n"}, "limits, name"),
        ({"more": 1}, "more"),
        ({"limits": None}, "limits"), ({"version": "0.2.0+site"}, "version"),
        ({"site": None}, "site"),
        ({"golden": {"films": ["b"], "tolerance": 0.1}}, "golden.films"),
    ],
)  # fmt: skip
def test_what_else_a_region_changes_is_named(changes: dict[str, Any], said: str) -> None:
    assert refusal(changes) == said


def test_files_that_a_region_changes_adds_or_leaves_out_are_named() -> None:
    assert refusal({}, {"a": "2"}) == "a"
    assert refusal({}, {"b": "2", "site/x": "1"}) == "a, b"
