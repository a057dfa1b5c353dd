"""What a region may change of its maker's model, key by key."""

from __future__ import annotations

import copy
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from edge_runtime.bundle import Bundle
from edge_runtime.bundle.digest import sha256
from edge_runtime.bundle.manifest import canonical, parse
from edge_runtime.errors import IntegrityError
from edge_runtime.updates.region import require_decision_alone
from sample_bundle import sample_manifest

Change = Callable[[dict[str, Any]], object]
OWN = {"bytes": 2, "sha256": sha256(b"{}")}


def bundle(document: dict[str, Any]) -> Bundle:
    """Return what is looked at of a bundle with such a manifest."""
    data = canonical({**document, "identity": sha256(canonical(document))})
    return cast("Bundle", SimpleNamespace(manifest=parse(data, "m"), path="site.edge"))


def fitted(document: dict[str, Any]) -> dict[str, Any]:
    """Return a maker's manifest as a site leaves it that fitted the threshold again."""
    changed = copy.deepcopy(document)
    changed |= {
        "schema": 2, "version": "0.1.0+site", "verdict": "undecided",
        "site": {"bundle": "0" * 64, "films": "1" * 64, "fitted": ["threshold"],
                 "positive": 5, "negative": 6},
    }  # fmt: skip
    changed["decision"]["threshold"] = 0.495
    changed["files"]["site/card.md"] = OWN
    return changed


def said(change: Change, maker: dict[str, Any] | None = None) -> str:
    """Return what is said of a region's model with a change; nothing where it is taken."""
    first = maker or sample_manifest()
    site = fitted(first)
    change(site)
    try:
        require_decision_alone(bundle(first), bundle(site))
    except IntegrityError as error:
        problem, _, cure = str(error).partition("; ")
        assert cure == "ask the region to publish a threshold alone"
        start = "site.edge: changes more than the decision of its maker's model: "
        assert problem.startswith(start)
        return problem.removeprefix(start)
    return ""


def put(*path: str, to: object) -> Change:
    """Return what sets a key of a manifest."""

    def change(document: dict[str, Any]) -> None:
        for key in path[:-1]:
            document = document[key]
        document[path[-1]] = to

    return change


@pytest.mark.parametrize("schema", [1, 2])
def test_a_decision_with_what_belongs_to_it_may_be_another_one(schema: int) -> None:
    maker = {**sample_manifest(), "schema": schema}
    assert said(lambda _: None, maker) == ""
    assert said(put("files", "site/parity.json", to=OWN), maker) == ""
    assert said(put("decision", "uncertain", to={"low": 0.4, "high": 0.6}), maker) == ""


def _no_maker_signed_it(document: dict[str, Any]) -> None:
    document["site"] = None
    del document["site"], document["files"]["site/card.md"]
    document["version"] = "0.1.0"


CHANGES: dict[str, tuple[Change, str]] = {
    "name": (put("name", to="n"), "name"),
    "use": (put("intended_use", "youngest", to=1), "intended_use"),
    "preparation": (put("preprocess", "low_percentile", to=2.0), "preprocess"),
    "two parts": (
        lambda document: (put("name", to="n")(document), put("tools", to={})(document)),
        "name, tools",
    ),
    "version": (put("version", to="0.2.0+site"), "version"),
    "golden films": (
        lambda document: document["golden"]["films"][0]["logits"].update(
            {"model.int8.onnx": [9.0]}
        ),
        "golden",
    ),
    "file": (put("files", "card.md", to={"bytes": 0, "sha256": "2" * 64}), "card.md"),
    "file more": (put("files", "more.txt", to=OWN), "more.txt"),
    "file less": (lambda document: document["files"].pop("card.md"), "card.md"),
    "tolerance": (put("golden", "tolerance", to=50.0), "verdict or tolerance"),
    "site": (_no_maker_signed_it, "site, verdict or tolerance"),
}


@pytest.mark.parametrize(("change", "told"), CHANGES.values(), ids=CHANGES)
def test_what_else_a_region_changes_is_named(change: Change, told: str) -> None:
    assert said(change) == told


def test_a_region_claims_no_better_verdict_than_its_maker_proved() -> None:
    maker = {**sample_manifest(), "verdict": "undecided"}
    assert said(put("verdict", to="pass"), maker) == "verdict or tolerance"
