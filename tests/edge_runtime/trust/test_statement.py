"""Every key of a manifest is under a signature: whatever is changed, one of them does not hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from edge_export.signing.sign import sign_bundle
from edge_runtime.bundle import open_bundle
from edge_runtime.bundle.digest import sha256
from edge_runtime.bundle.manifest import Manifest, canonical
from edge_runtime.bundle.schema import SchemaError
from edge_runtime.errors import UntrustedBundle
from edge_runtime.trust import statement, verify_bundle
from edge_runtime.trust.statement import DecisionStatement, ModelStatement
from signed_bundles import contents, forge, write_site_bundle
from signing_keys import HOSPITAL, VENDOR
from tiny_bundle import write_tiny_bundle

Steps = tuple[str | int, ...]


def full_manifest(path: Path) -> dict[str, Any]:
    """Return a manifest that has every key that one may have, a site's among them."""
    write_tiny_bundle(path, gate=-1.0)
    site = write_site_bundle(path.with_name("site.edge"), path, key=None)
    document: dict[str, Any] = json.loads(contents(site)["manifest.json"])
    document.pop("identity")
    document["decision"]["calibration"] = {"method": "platt", "scale": 2.0, "offset": 0.5}
    document["decision"]["chosen"] = {
        "rule": "sensitivity", "sensitivity": 0.9, "negative": 20, "positive": 20,
    }  # fmt: skip
    document["preprocess"] |= {
        "max_saturated": 0.5, "stretch": "none", "trim": 0.1, "crop": 0.9, "local_radius": 9,
        "local_gain": 40, "local_floor": 8,
    }  # fmt: skip
    document["training"] |= {"seed": 3, "epochs": 4, "split_seed": 5}
    document["quantization"] |= {"overrides": ["few"], "remedies": ["bias: corrected"]}
    document["graphs"][1]["outputs"] = [{"scale": 0.1, "zero_point": 3}] * 2
    return document


def leaves(value: object, steps: Steps = ()) -> Iterator[tuple[Steps, object]]:
    """Yield each value of a document that holds no other, with the keys that lead to it."""
    inner: Any = value.items() if isinstance(value, dict) else ()
    inner = enumerate(value) if isinstance(value, list) else inner
    if inner and value:
        for key, item in inner:
            yield from leaves(item, (*steps, key))
    else:
        yield steps, value


def others(value: object) -> Iterator[object]:
    """Yield values that could stand in the place of `value`, for a rule to take one."""
    if isinstance(value, bool) or value is None:
        yield from (1, 0.5, "PA")
    elif isinstance(value, int):
        yield from (value + 1, value - 1, 3 - value)
    elif isinstance(value, float):
        yield from (value * 0.99, value * 0.999999, value + 0.01, value - 0.01)
    elif isinstance(value, list):
        yield ["NECK"]
    elif isinstance(value, str):
        words = ("pass", "undecided", "ct", "other", "bicubic", "channels", "youden", "onnx")
        yield from (*words, "temperature", "calibration")
        yield from ("0" * 64, value + "1", value[:-5] + ".1" + value[-5:], "1" + value)


def changed(document: dict[str, Any], steps: Steps, value: object) -> dict[str, Any]:
    copy = deepcopy(document)
    place: Any = copy
    for step in steps[:-1]:
        place = place[step]
    place[steps[-1]] = value
    return copy


def test_no_key_of_a_manifest_can_be_changed_under_its_signatures(tmp_path: Path) -> None:
    document = full_manifest(tmp_path / "full.edge")
    manifest = Manifest(**document)
    signed = (
        statement.model_statement(manifest, VENDOR.public),
        statement.decision_statement(manifest, HOSPITAL.public),
    )
    for each in signed:
        statement.require_fit(each, manifest, "m.edge")
    tried: set[Steps] = set()
    for steps, value in leaves(document):
        for forged in forgeries(document, steps, value):
            if forged != manifest:
                tried.add(steps)
                assert not holds(signed, forged), steps
    assert {steps[0] for steps in tried} == set(Manifest.__slots__)
    # The others are names of files, or have one value alone that fits what stands elsewhere.
    assert len(tried) > 0.75 * len([*leaves(document)])


def forgeries(document: dict[str, Any], steps: Steps, value: object) -> Iterator[Manifest]:
    """Yield the manifests that differ in one value, as far as a manifest may hold another."""
    for other in others(value):
        with suppress(SchemaError, TypeError, AttributeError, ValueError):
            yield Manifest(**changed(document, steps, other))


def holds(signed: tuple[ModelStatement, DecisionStatement], manifest: Manifest) -> bool:
    """Tell whether both statements are on this manifest, which decides with no signature made."""
    try:
        for each in signed:
            statement.require_fit(each, manifest, "m.edge")
    except UntrustedBundle:
        return False
    return True


@pytest.mark.parametrize("key", ["site", "film_gate", "decision.chosen", "preprocess.trim"])
def test_no_key_can_be_left_out_under_its_signatures(key: str, tmp_path: Path) -> None:
    document = full_manifest(tmp_path / "full.edge")
    manifest = Manifest(**document)
    signed = (
        statement.model_statement(manifest, VENDOR.public),
        statement.decision_statement(manifest, HOSPITAL.public),
    )
    copy = deepcopy(document)
    *path, last = key.split(".")
    place = copy
    for step in path:
        place = place[step]
    place.pop(last) if key != "film_gate" else place.update({last: None})
    if key == "site":
        copy["version"] = copy["version"].removesuffix("+site")
        copy["files"] = {name: file for name, file in copy["files"].items() if "site/" not in name}
    if key == "film_gate":
        for film in copy["golden"]["films"]:
            film["logits"] = {name: logits[:1] for name, logits in film["logits"].items()}
        for graph in copy["graphs"]:
            graph["outputs"] = graph["outputs"][:1]
    assert not holds(signed, Manifest(**copy))


def test_every_file_is_under_a_signature(tmp_path: Path) -> None:
    path = tmp_path / "m.edge"
    sign_bundle(write_tiny_bundle(path), path, VENDOR)
    site = write_site_bundle(tmp_path / "site.edge", path)
    with open_bundle(site) as bundle:
        names = set(bundle.manifest.files)
    assert "site/card.md" in names
    for name in names:
        files = contents(site)
        files[name] += b" "
        with (
            open_bundle(forge(site, files, tmp_path / "forged.edge")) as bundle,
            pytest.raises(UntrustedBundle, match=f"the file {name} is not the one"),
        ):
            verify_bundle(bundle)


def test_a_site_leaves_the_maker_s_model_as_it_was(tmp_path: Path) -> None:
    path = write_tiny_bundle(tmp_path / "m.edge")
    site = write_site_bundle(tmp_path / "site.edge", path)
    with open_bundle(path) as before, open_bundle(site) as after:
        assert before.identity != after.identity
        assert statement.subject_of(before.manifest) == statement.subject_of(after.manifest)


def digest(**part: object) -> str:
    return sha256(canonical(part))


def test_what_is_signed_is_spelled_as_documented(tmp_path: Path) -> None:
    """Whoever verifies it elsewhere needs the same digests: these are part of the format."""
    path = write_site_bundle(
        tmp_path / "site.edge", write_tiny_bundle(tmp_path / "m.edge"), key=None
    )
    with open_bundle(path) as bundle:
        manifest = bundle.manifest
    whole, key = manifest.to_json(), VENDOR.public
    model = statement.model_statement(manifest, key).to_json()
    version = manifest.version.removesuffix("+site")
    assert (model["kind"], model["name"], model["version"]) == ("model", manifest.name, version)
    assert model["parts"]["golden"] == digest(golden={"films": whole["golden"]["films"]})
    assert model["parts"]["version"] == digest(version=version)
    assert model["parts"]["graphs"] == digest(graphs=whole["graphs"])
    assert not {"decision", "files", "site", "verdict"} & model["parts"].keys()
    assert model["files"] == {
        name: file for name, file in whole["files"].items() if not name.startswith("site/")
    }
    decision = statement.decision_statement(manifest, key).to_json()
    assert decision["parts"] == {
        **{name: digest(**{name: whole[name]})
           for name in ("decision", "site", "verdict", "version")},
        "tolerance": digest(tolerance=whole["golden"]["tolerance"]),
    }  # fmt: skip
    subject = sha256(canonical({"parts": model["parts"], "files": model["files"]}))
    assert decision["model"] == statement.subject_of(manifest) == subject
    assert decision["files"].keys() == {"site/card.md"}


def model_fields(**changes: Any) -> dict[str, Any]:
    file = {"bytes": 1, "sha256": "0" * 64}
    proof = {"verdict": "pass", "tolerance": 99.9, "scale": 999.9, **changes.pop("proof", {})}
    return {
        "kind": "model", "key": VENDOR.public.to_json(), "name": "m", "version": "0.1.0",
        "parts": {"a": "0" * 64}, "files": {"a": file}, "proof": proof,
        **changes,
    }  # fmt: skip


def decision_fields(**changes: Any) -> dict[str, Any]:
    fields = {name: value for name, value in model_fields().items() if name in ("key", "parts")}
    return {**fields, "kind": "decision", "model": "0" * 64, "files": {}, **changes}


def many(count: int, value: object) -> dict[str, object]:
    return {f"n{number}": value for number in range(count)}


FILE = {"bytes": 1, "sha256": "0" * 64}
MOST: dict[str, tuple[type[Any], dict[str, Any], bool]] = {
    "the least": (ModelStatement, model_fields(), True),
    "a tolerance of 100": (ModelStatement, model_fields(proof={"tolerance": 100}), False),
    "a tolerance of 0": (ModelStatement, model_fields(proof={"tolerance": 0}), False),
    "a scale of 1000": (ModelStatement, model_fields(proof={"scale": 1000}), False),
    "a scale of 0": (ModelStatement, model_fields(proof={"scale": 0}), False),
    "64 parts": (ModelStatement, model_fields(parts=many(64, "0" * 64)), True),
    "65 parts": (ModelStatement, model_fields(parts=many(65, "0" * 64)), False),
    "no part": (ModelStatement, model_fields(parts={}), False),
    "a part of 64 letters": (ModelStatement, model_fields(parts={"a" * 64: "0" * 64}), True),
    "a part of 65 letters": (ModelStatement, model_fields(parts={"a" * 65: "0" * 64}), False),
    "64 files": (ModelStatement, model_fields(files=many(64, FILE)), True),
    "65 files": (ModelStatement, model_fields(files=many(65, FILE)), False),
    "no file": (ModelStatement, model_fields(files={}), False),
    "a decision": (DecisionStatement, decision_fields(), True),
    "a decision of 64 parts": (
        DecisionStatement, decision_fields(parts=many(64, "0" * 64)), True
    ),
    "a decision of 65 parts": (
        DecisionStatement, decision_fields(parts=many(65, "0" * 64)), False
    ),
    "a decision of no part": (DecisionStatement, decision_fields(parts={}), False),
    "a decision with a long part": (
        DecisionStatement, decision_fields(parts={"a" * 65: "0" * 64}), False
    ),
    "a decision with 64 files": (DecisionStatement, decision_fields(files=many(64, FILE)), True),
    "a decision with 65 files": (DecisionStatement, decision_fields(files=many(65, FILE)), False),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "fields", "fits"), MOST.values(), ids=MOST)
def test_a_statement_has_bounds(kind: type[Any], fields: dict[str, Any], fits: bool) -> None:
    if fits:
        assert kind(**fields).to_json() == fields
    else:
        with pytest.raises(SchemaError):
            kind(**fields)
