"""A manifest is read only if it says what schema 1 allows, in the one way it can be said."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from edge_runtime.bundle.digest import sha256
from edge_runtime.bundle.manifest import Manifest, canonical, parse
from edge_runtime.bundle.records import Calibration
from edge_runtime.bundle.schema import SchemaError
from edge_runtime.errors import IntegrityError, NotABundle
from sample_bundle import sample_manifest

SUBJECT = "m.edge: manifest.json"
NAN, DIGEST = float("nan"), "0" * 64


def signed(document: dict[str, Any]) -> bytes:
    """Return the bytes of `document` with the identity that belongs to it."""
    plain = json.dumps(document, sort_keys=True, separators=(",", ":")) + "\n"
    return canonical({**document, "identity": sha256(plain.encode())})


def changed(*steps: Any) -> dict[str, Any]:
    """Return the sample with the value at the path `steps[:-1]` replaced by `steps[-1]`."""
    document = sample_manifest()
    *path, key, value = steps
    place: Any = document
    for step in path:
        place = place[step]
    if value is DEL:
        del place[key]
    elif isinstance(place, list) and key == len(place):
        place.append(value)
    else:
        place[key] = value
    return document


DEL = object()
TFLITE = "model.int8.tflite"
STEP = {"scale": 1.0, "zero_point": 0}
FILM = ("golden", "films", 0)
CHOSEN = {"rule": "sensitivity", "sensitivity": 0.9, "negative": 91, "positive": 83}
SITE_NOTE = {
    "bundle": DIGEST, "fitted": ["threshold"], "films": DIGEST, "negative": 60, "positive": 50,
}  # fmt: skip

# (path..., value) and the line that the reader must answer with.
BAD: list[tuple[tuple[Any, ...], str]] = [
    (("name", DEL), "name: this key is missing"),
    (("extra", 1), "extra: this key is unknown"),
    (("self", 1), "self: this key is unknown"),
    (("preprocess", "depth", 1), "preprocess.depth: this key is unknown"),
    (("decision", "uncertain", "low", DEL), "decision.uncertain.low: this key is missing"),
    (("name", ""), "name: expected 1 to 64 of"),
    (("name", 3), "name: expected 1 to 64 of"),
    (("name", "Model"), "name: expected 1 to 64 of"),
    (("name", "-model"), "name: expected 1 to 64 of"),
    (("name", "a\n"), "name: expected 1 to 64 of"),
    (("name", "a" * 65), "name: expected 1 to 64 of"),
    (("version", "1.0b"), "version: expected a version of digits and dots"),
    (("version", "1..0"), "version: expected a version of digits and dots"),
    (("version", ""), "version: expected a version of digits and dots"),
    (("version", 1.0), "version: expected a version of digits and dots, found 1.0"),
    (("version", "0.1.0+site"), "version: a version with +site belongs to a site's note"),
    (("version", "0.1.0+other"), "version: expected a version of digits and dots"),
    (("version", "+site"), "version: expected a version of digits and dots"),
    (("site", SITE_NOTE), "version: a version with +site belongs to a site's note"),
    (("site", {**SITE_NOTE, "positive": 1}), "site.positive: expected a whole number from 2"),
    (("site", {**SITE_NOTE, "fitted": []}), "site.fitted: expected a list of 1 to 2"),
    (("site", {**SITE_NOTE, "fitted": ["graphs"]}), "site.fitted[0]: expected"),
    (("site", {**SITE_NOTE, "name": "Clinic"}), "site.name: this key is unknown"),
    (("decision", "chosen", {**CHOSEN, "rule": "youden"}), "decision.chosen.sensitivity: a sens"),
    (
        ("decision", "chosen", {**CHOSEN, "sensitivity": None}),
        "decision.chosen.sensitivity: a sens",
    ),
    (("decision", "chosen", {**CHOSEN, "sensitivity": 1.0}), "decision.chosen.sensitivity: exp"),
    (("decision", "chosen", {**CHOSEN, "positive": 0}), "decision.chosen.positive: expected"),
    (("decision", "calibration", "method", "isotonic"), 'method: expected "none" or "temper'),
    (("intended_use", "modality", "X-ray"), 'modality: expected "xray" or "ct" or "other", found'),
    (("intended_use", "body_parts", ["chest"]), "intended_use.body_parts[0]: expected 1 to 16 of"),
    (("intended_use", "views", "PA"), "intended_use.views: expected a list of 0 to 16"),
    (("intended_use", "youngest", 151), "intended_use.youngest: expected a whole number"),
    (("intended_use", "oldest", 17), "intended_use: youngest is above oldest"),
    (("film_gate", {"threshold": None}), "film_gate.threshold: expected a number"),
    (("film_gate", {"threshold": 0.0}), "golden.films[0]: not 2 logit(s) of each graph"),
    ((*FILM, "logits", TFLITE, [1.0, 2.0]), "golden.films[0]: not 1 logit(s) of each graph"),
    (("preprocess", "max_chroma", -1), "preprocess.max_chroma: expected a number"),
    (("classes", []), "classes: expected an object"),
    (("classes", "positive", "noncovid"), "classes: both classes have one name"),
    (("classes", "positive", "a\u0007"), "classes.positive: expected 1 to 64 printable"),
    (("classes", "positive", "\ud800"), "classes.positive: expected 1 to 64 printable"),
    (("classes", "positive", "x" * 65), "classes.positive: expected 1 to 64 printable"),
    (
        ("preprocess", "height", 0),
        "preprocess.height: expected a whole number from 1 to 4096, found 0",
    ),
    (("preprocess", "height", 224.0), "preprocess.height: expected a whole number from 1 to 4096"),
    (
        ("preprocess", "width", True),
        "preprocess.width: expected a whole number from 1 to 4096, found true",
    ),
    (("preprocess", "channels", 2), "preprocess.channels: expected 1 or 3, found 2"),
    (("preprocess", "channels", True), "preprocess.channels: expected 1 or 3, found true"),
    (("preprocess", "version", 2), "preprocess.version: expected 1, found 2"),
    (("preprocess", "resample", "BILINEAR"), "preprocess.resample: expected"),
    (("preprocess", "low_percentile", 99.5), "preprocess: low_percentile is not below"),
    (("preprocess", "high_percentile", 101.0), "a number between 0 and 100, found 101.0"),
    (("preprocess", "min_side", -1), "preprocess.min_side: expected a whole number"),
    (("preprocess", "max_pixels", None), "preprocess.max_pixels: expected a whole number"),
    (("preprocess", "min_contrast", 256), "preprocess.min_contrast: expected a whole number"),
    (("decision", "threshold", True), "threshold: expected a number between 0 and 1, found true"),
    (("decision", "threshold", "0.5"), "decision.threshold: expected a number between 0 and 1"),
    (("decision", "threshold", 0.0), "decision.threshold: expected a number between 0 and 1,"),
    (("decision", "threshold", 1.0), "decision.threshold: expected a number between 0 and 1,"),
    (("decision", "threshold", 0.6), "decision.threshold: the threshold is not within the unc"),
    (("decision", "uncertain", "high", 1.1), "decision.uncertain.high: expected a number"),
    (("decision", "calibration", "scale", 2.0), 'decision.calibration: the method "none" has'),
    (("decision", "calibration", "scale", 0.0), "decision.calibration.scale: expected a number"),
    (("graphs", []), "graphs: expected a list of 1 to 64"),
    (("graphs", {}), "graphs: expected a list of 1 to 64"),
    (("graphs", 0, "format", "h5"), 'graphs[0].format: expected "tflite" or "onnx", found "h5"'),
    (("graphs", 1, "recipe", "int 8"), "graphs[1].recipe: expected 1 to 64 of"),
    (("graphs", 1, "file", TFLITE), "graphs: a file appears twice"),
    (("graphs", 1, "file", "../x"), "graphs[1].file: expected the name of a file in the bundle"),
    (("graphs", 1, "file", "manifest.json"), "graphs[1].file: expected the name of a file"),
    (("graphs", 1, "file", "x.onnx"), "graphs: x.onnx is not listed in files"),
    (("golden", "tolerance", 0.0), "golden.tolerance: expected a number"),
    (("golden", "films", []), "golden.films: expected a list of 1 to 64"),
    ((*FILM, "file", "golden/1.png"), "golden.films: golden/1.png is not listed in files"),
    ((*FILM, "stages", "decoded", "0" * 63), "films[0].stages.decoded: expected a SHA-256"),
    ((*FILM, "stages", "normalised", "A" * 64), "films[0].stages.normalised: expected a SHA-256"),
    ((*FILM, "stages", "resized", DEL), "golden.films[0].stages.resized: this key is missing"),
    ((*FILM, "logits", TFLITE, []), f"golden.films[0].logits.{TFLITE}: expected a list of 1 to 2"),
    ((*FILM, "logits", TFLITE, [1, 2, 3]), "expected a list of 1 to 2"),
    ((*FILM, "logits", TFLITE, [False]), "expected a number between -1e+06 and 1e+06"),
    ((*FILM, "logits", TFLITE, DEL), "golden.films[0]: the logits are not those of the graphs"),
    ((*FILM, "logits", "card.md", [1.0]), "golden.films[0]: the logits are not those of the"),
    (("quantization", "films", [DIGEST, DIGEST]), "films: the digests are not sorted"),
    (("quantization", "films", ["f" * 64, DIGEST]), "films: the digests are not sorted"),
    (("quantization", "films", ["film.png"]), "quantization.films[0]: expected a SHA-256"),
    (("quantization", "overrides", ["few films"]), "quantization.overrides[0]: expected 1 to 64"),
    (("quantization", "method", ""), "quantization.method: expected 1 to 64"),
    (("quantization", "remedies", None), "quantization.remedies: expected a list"),
    (("verdict", "fail"), 'verdict: expected "pass" or "undecided", found "fail"'),
    (("graphs", 0, "outputs", None), "graphs[0].outputs: expected a list of 0 to 2"),
    (("graphs", 0, "outputs", [{"scale": 0.0, "zero_point": 0}]), "outputs[0].scale: expected a"),
    (("graphs", 0, "outputs", [{"scale": 1.0, "zero_point": 300}]), "zero_point: expected a whole"),
    (("graphs", 0, "outputs", [STEP, STEP]), "graphs[0]: not 1 integer output(s), or none, as fil"),
    (("training", "seed", -1), "training.seed: expected a whole number"),
    (("training", "epochs", 1.5), "training.epochs: expected a whole number"),
    (("training", "model", None), "training.model: expected 1 to 64 of"),
    (("tools", {"": "1"}), "expected 1 to 64 printable characters"),
    (("tools", {"numpy": 2}), "tools.numpy: expected 1 to 64 printable characters, found 2"),
    (("files", {}), "files: expected an object of 1 to 63 keys"),
    (("files", "CARD.md", {"bytes": 0, "sha256": DIGEST}), "files: the name 'card.md' appears tw"),
    (("files", "card.md/x", {"bytes": 0, "sha256": DIGEST}), "files: 'card.md' is both a file"),
    (("files", "a\\b", {"bytes": 0, "sha256": DIGEST}), "expected the name of a file"),
    (("files", "manifest.json", {"bytes": 0, "sha256": DIGEST}), "expected the name of a file"),
    (("files", "card.md", "bytes", -1), "files.card.md.bytes: expected a whole number"),
    (("files", "card.md", "bytes", 1 << 29), "files.card.md.bytes: expected a whole number"),
    (("files", "card.md", "sha256", 0), "files.card.md.sha256: expected a SHA-256"),
    (("files", "site/card.md", {"bytes": 0, "sha256": DIGEST}), "files: site/card.md belongs to a"),
    (("files", "SITE/card.md", {"bytes": 0, "sha256": DIGEST}), "files: SITE/card.md belongs to a"),
    (("files", "signatures/a", {"bytes": 0, "sha256": DIGEST}), "files: signatures/a lies where"),
    (("schema", 3), "has the schema 3, and only 1 and 2 are known here; update edge-runtime"),
    (("schema", True), "has the schema true, and only 1 and 2 are known here"),
    (("schema", DEL), "has the schema null, and only 1 and 2 are known here"),
    (("schema", 1.0), "has the schema 1.0, and only 1 and 2 are known here"),
]


@pytest.mark.parametrize(("steps", "line"), BAD)
def test_what_the_schema_does_not_allow_is_refused_by_its_key(
    steps: tuple[Any, ...], line: str
) -> None:
    with pytest.raises(NotABundle) as caught:
        parse(signed(changed(*steps)), SUBJECT)
    assert str(caught.value).startswith(SUBJECT + ": ")
    assert line in str(caught.value)
    assert "export the bundle again" in str(caught.value)


GOOD = signed(sample_manifest())
NOT_JSON: dict[str, bytes] = {
    "nothing": b"",
    "a list": b"[]\n",
    "a number": b"1\n",
    "torn": GOOD[:-20],
    "not ASCII": GOOD.replace(b"covid", "c\u00f6vid".encode(), 1),
    "UTF-16": GOOD.decode().encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + GOOD,
    "NaN": GOOD.replace(b"0.49", b"NaN"),
    "Infinity": GOOD.replace(b"0.49", b"Infinity"),
    "a number beyond floats": GOOD.replace(b"0.49", b"1e999"),
    "a number beyond patience": GOOD.replace(b"0.49", b"1" * 5000),
    "nested too deep": b"[" * 100_000,
    "objects nested too deep": b'{"a":' * 100_000,
    "larger than the limit": b" " * (1 << 20) + GOOD,
}


@pytest.mark.parametrize("name", NOT_JSON)
def test_what_is_not_json_is_no_manifest(name: str) -> None:
    with pytest.raises(NotABundle, match=f"^{SUBJECT}: is "):
        parse(NOT_JSON[name], SUBJECT)


MISSPELLED: dict[str, bytes] = {
    "indented": json.dumps(json.loads(GOOD), indent=1, sort_keys=True).encode() + b"\n",
    "no final newline": GOOD[:-1],
    "two final newlines": GOOD + b"\n",
    "key twice": GOOD.replace(b'"seed":0', b'"seed":0,"seed":0'),
    "key twice, the first hidden": GOOD.replace(b'"seed":0', b'"seed":1,"seed":0'),
    "identity twice": GOOD.replace(b"}\n", b"," + GOOD[GOOD.index(b'"identity'):][:77] + b"}\n"),
    "unsorted": GOOD.replace(
        b'"negative":"noncovid","positive":"covid"', b'"positive":"covid","negative":"noncovid"'
    ),
    "exponent": GOOD.replace(b"0.49", b"4.9e-1"),
    "escaped letter": GOOD.replace(b'"covid"', b'"\\u0063ovid"'),
    "escaped slash": GOOD.replace(b"golden/0.png", b"golden\\/0.png"),
    "whole number for a float": signed(changed("golden", "tolerance", 1)),
    "identity in capitals": GOOD.replace(
        json.loads(GOOD)["identity"].encode(), json.loads(GOOD)["identity"].upper().encode()
    ),
    "no identity": canonical(sample_manifest()),
    "identity of another": GOOD.replace(b"0.49", b"0.48"),
    "identity null": canonical({**sample_manifest(), "identity": None}),
}  # fmt: skip


@pytest.mark.parametrize("name", MISSPELLED)
def test_what_was_spelled_or_signed_otherwise_has_been_changed(name: str) -> None:
    assert MISSPELLED[name] != GOOD
    with pytest.raises(IntegrityError, match=f"^{SUBJECT}: (does not match|is not spelled)"):
        parse(MISSPELLED[name], SUBJECT)


def test_a_manifest_is_the_same_in_memory_and_as_bytes() -> None:
    manifest = parse(GOOD, SUBJECT)
    assert manifest == Manifest(**sample_manifest())
    assert hash(manifest) == hash(Manifest(**sample_manifest()))
    assert manifest.to_bytes() == GOOD
    assert manifest.identity == json.loads(GOOD)["identity"]
    assert manifest.to_json() == sample_manifest()
    assert manifest.golden.films[0].logits[TFLITE] == (1.25,)
    assert manifest != sample_manifest()
    assert "threshold=0.5" in repr(manifest)


def test_what_a_site_fitted_and_how_a_threshold_was_chosen_survive() -> None:
    document = sample_manifest() | {"version": "0.1.0+site", "site": SITE_NOTE}
    document["decision"] |= {
        "chosen": CHOSEN,
        "calibration": {"method": "platt", "scale": 0.4, "offset": -1.25},
    }
    manifest = parse(Manifest(**document).to_bytes(), SUBJECT)
    assert manifest.site is not None
    assert manifest.site.fitted == ("threshold",)
    assert manifest.decision.chosen is not None
    assert manifest.decision.chosen.sensitivity == 0.9
    assert manifest.decision.calibration.offset == -1.25


def test_what_was_not_done_has_no_key_and_no_second_spelling() -> None:
    document = sample_manifest()
    manifest = Manifest(**document)
    assert manifest.site is None
    assert manifest.decision.chosen is None
    assert "site" not in manifest.to_json()
    assert "chosen" not in manifest.to_json()["decision"]
    document["site"] = None
    with pytest.raises(IntegrityError, match="is not spelled as it was written"):
        parse(signed(document), SUBJECT)


def test_a_name_in_any_script_survives() -> None:
    document = changed("classes", "positive", "COVID-19 положительный")
    assert parse(signed(document), SUBJECT).classes.positive == "COVID-19 положительный"


@pytest.mark.parametrize(
    "change",
    [
        lambda record: setattr(record, "scale", 1),
        lambda record: setattr(record, "depth", 1),
        lambda record: delattr(record, "scale"),
    ],
)
def test_a_record_never_changes(change: Callable[[Calibration], object]) -> None:
    record = Calibration(method="temperature", scale=2.0, offset=0.0)
    with pytest.raises(AttributeError, match="cannot be changed"):
        change(record)
    assert record == Calibration(method="temperature", scale=2.0, offset=0.0)


@pytest.mark.parametrize("value", [NAN, float("inf"), 10**400, None, "1", b"1", [], object()])
def test_no_number_is_taken_that_json_cannot_hold(value: Any) -> None:
    with pytest.raises(SchemaError, match=r"^scale: expected a number between 0 and 1000, found"):
        Calibration(method="temperature", scale=value, offset=0)
