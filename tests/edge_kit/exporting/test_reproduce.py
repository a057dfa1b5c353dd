"""A bundle is what its run gives again, or `reproduce` names what is not, and by how much."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge_kit.cli import run
from edge_kit.exporting.comparison import Likeness, compare, outcome
from edge_kit.training.records import run_digest
from edge_runtime.bundle import open_bundle, verify_all
from edge_runtime.bundle.info import describe
from edge_runtime.bundle.pack import write_bundle
from edge_runtime.bundle.provenance import PARITY, read_provenance
from edge_runtime.errors import NotABundle
from ordered_exports import export

Change = Callable[[dict[str, Any], dict[str, bytes]], None]


@pytest.fixture(scope="module")
def bundle(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the bundle of the small run, with limits in its card."""
    folder = tmp_path_factory.mktemp("bundle")
    (folder / "limits.md").write_text("- **Drawn**: no film of a patient.\n", encoding="utf-8")
    export(trained, "--limits", folder / "limits.md", "--ages", "18,150", "--out",
           folder / "tiny-xray.edge")  # fmt: skip
    return folder / "tiny-xray.edge"


def changed(bundle: Path, out: Path, change: Change) -> Path:
    """Write `bundle` with a `change` of its manifest and members to `out`."""
    with verify_all(bundle) as opened:
        manifest = opened.manifest.to_json()
        members = {name: bytes(opened.read(name)) for name in opened.manifest.files}
    fields = {key: value for key, value in manifest.items() if key not in ("schema", "files")}
    change(fields, members)
    write_bundle(out, fields, members)
    return out


def test_a_bundle_says_what_made_it(bundle: Path, trained: Path) -> None:
    with open_bundle(bundle) as opened:
        noted = read_provenance(opened)
        table, content = describe(opened, "table"), json.loads(describe(opened, "json"))
        calibrated = opened.manifest.quantization.films
    assert noted is not None
    assert noted.origin.kind == "run"
    assert noted.data.sha256 == run_digest(trained)
    assert noted.calibration.films == len(calibrated) > 0
    assert str(noted.commands.train).startswith(
        "edge-kit train --data DATA --out RUN --model tiny "
    )
    assert str(noted.commands.export).startswith("edge-kit export RUN --int8 ")
    assert str(trained) not in json.dumps(content["provenance"])
    assert f"run {noted.origin.sha256[:16]}, {noted.data.films} films" in table
    assert content["provenance"] == noted.to_json()


def test_a_bundle_from_before_says_that_nothing_is_recorded(bundle: Path, tmp_path: Path) -> None:
    def forget(_: dict[str, Any], members: dict[str, bytes]) -> None:
        content = json.loads(members[PARITY])
        del content["provenance"]
        members[PARITY] = json.dumps(content).encode()

    with open_bundle(changed(bundle, tmp_path / "old.edge", forget)) as opened:
        assert read_provenance(opened) is None
        assert "made from" in describe(opened, "table")
        assert describe(opened, "table").endswith("not recorded\n")


@pytest.mark.parametrize(
    ("noted", "problem"),
    [
        ("[1]", "not the JSON"),
        ('{"sources": 1}', "sources: expected an object"),
        ('{"patient": "erika"}', "patient: this key is unknown"),
    ],
)
def test_a_note_that_no_exporter_writes_is_refused(
    noted: str, problem: str, bundle: Path, tmp_path: Path
) -> None:
    def spoil(_: dict[str, Any], members: dict[str, bytes]) -> None:
        members[PARITY] = f'{{"provenance": {noted}}}'.encode()

    with (
        open_bundle(changed(bundle, tmp_path / "bad.edge", spoil)) as opened,
        pytest.raises(NotABundle, match=problem),
    ):
        read_provenance(opened)


@pytest.mark.slow
@pytest.mark.parametrize("recorded", [True, False], ids=["noted", "in the card alone"])
def test_the_same_run_gives_the_same_bytes_again(
    recorded: bool, bundle: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def forget(_: dict[str, Any], members: dict[str, bytes]) -> None:
        content = json.loads(members[PARITY])
        del content["provenance"]
        members[PARITY] = json.dumps(content).encode()

    subject = bundle if recorded else changed(bundle, tmp_path / "old.edge", forget)
    again = tmp_path / "again.edge"
    given = ["reproduce", str(subject), "--run", str(trained), "--exact", "--out", str(again)]
    assert run([*given, "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["outcome"] == "same"
    assert {part["part"] for part in told["parts"]} >= {"model.int8.tflite", "card.md", "decision"}
    assert verify_all(again).identity == told["again"] == verify_all(bundle).identity
    assert (subject == bundle) == (told["identity"] == told["again"])
    assert run(given) == 10  # nothing is written over


@pytest.mark.slow
def test_the_model_of_somebody_else_gives_the_same_bytes_again(
    foreign: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    subject = tmp_path / "theirs.edge"
    meaning = ["--classes", "noncovid,covid", "--input-range", "0,255", "--data", data]
    export(foreign, *meaning, "--out", subject)
    given = ["reproduce", str(subject), "--run", str(foreign)]
    assert run(given) == 2
    assert "--data: " in capsys.readouterr().err
    assert run([*given, "--data", str(data), "--exact"]) == 0


@pytest.mark.slow
def test_a_bundle_whose_card_was_written_over_is_told_apart(
    bundle: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def boast(_: dict[str, Any], members: dict[str, bytes]) -> None:
        members["card.md"] = members["card.md"].replace(b"Research use", b"Clinical use")

    subject = changed(bundle, tmp_path / "boast.edge", boast)
    assert run(["reproduce", str(subject), "--run", str(trained)]) == 7
    shown = capsys.readouterr()
    assert "card.md" in shown.out and "DIFFERENT  other words" in shown.out
    assert f"{subject}: is not what {trained} gives here: card.md differ" in shown.err


def _other_run(run_folder: Path, tmp_path: Path) -> list[str]:
    shutil.copytree(run_folder, tmp_path / "run")
    with (tmp_path / "run" / "splits.csv").open("a", encoding="utf-8") as table:
        table.write(f"{'0' * 64},covid,train,0\n")
    return ["--run", str(tmp_path / "run")]


def test_another_run_is_refused_before_minutes_are_spent(
    bundle: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["reproduce", str(bundle), *_other_run(trained, tmp_path)]) == 9
    assert "is not what the bundle was exported from" in capsys.readouterr().err


def _silent(_: dict[str, Any], members: dict[str, bytes]) -> None:
    members["card.md"], members[PARITY] = b"# A card\n", b"{}"


def _places(name: str) -> Change:
    def change(_: dict[str, Any], members: dict[str, bytes]) -> None:
        members[PARITY] = b"{}"
        members["card.md"] = f"    edge-kit export RUN --int8 {name} --data DATA\n".encode()

    return change


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (_silent, "does not record the command"),
        (_places("--limits LIMITS"), "has a card without limits"),
        (_places("--elsewhere ELSEWHERE"), "was exported with films from elsewhere"),
        (_places("--expected-predictions /etc/passwd"), "whose file it does not hold"),
        (_places("--cache /tmp/theirs"), "whose file it does not hold"),
        (_places("--preprocessing PREPROCESSING.toml"), "whose file it does not hold"),
        (_places("--of-tomorrow 1"), "a command that is not of this version"),
    ],
)
def test_what_a_bundle_does_not_hold_has_to_be_given(
    change: Change, problem: str, bundle: Path, trained: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    subject = changed(bundle, tmp_path / "m.edge", change)
    assert run(["reproduce", str(subject), "--run", str(trained)]) == 2
    assert problem in capsys.readouterr().err


def _graph(files: list[str]) -> Change:
    def change(_: dict[str, Any], members: dict[str, bytes]) -> None:
        for file in files:
            members[file] += b" "

    return change


def _logit(by: float) -> Change:
    def change(fields: dict[str, Any], members: dict[str, bytes]) -> None:
        members["model.int8.tflite"] += b" "
        fields["golden"]["films"][0]["logits"]["model.int8.tflite"][0] += by

    return change


def _decision(**changes: float) -> Change:
    def change(fields: dict[str, Any], _: dict[str, bytes]) -> None:
        band = fields["decision"]["uncertain"]
        band["low"] = max(0.0, band["low"] - changes.get("band", 0.0))
        fields["decision"]["calibration"]["scale"] *= 1 + changes.get("scale", 0.0)

    return change


def _threshold_in_card(number: bytes) -> Change:
    def change(_: dict[str, Any], members: dict[str, bytes]) -> None:
        members["card.md"] = members["card.md"].replace(b"threshold is 0.5,", number)
        assert number in members["card.md"]

    return change


def _resized(fields: dict[str, Any], _: dict[str, bytes]) -> None:
    fields["preprocess"]["low_percentile"] = 2.0


def _calibrated(fields: dict[str, Any], _: dict[str, bytes]) -> None:
    fields["quantization"]["films"] = fields["quantization"]["films"][1:]


def _older(fields: dict[str, Any], _: dict[str, bytes]) -> None:
    fields["intended_use"]["youngest"] = 0


def _stages(fields: dict[str, Any], _: dict[str, bytes]) -> None:
    fields["golden"]["films"][0]["stages"]["normalised"] = "0" * 64


def _recipe(fields: dict[str, Any], _: dict[str, bytes]) -> None:
    fields["graphs"][0]["recipe"] = "dynamic_wi8_afp32"


def _compressed(_: dict[str, Any], members: dict[str, bytes]) -> None:
    members["golden/0.png"] += b" "


CHANGES: dict[str, tuple[Change, Likeness, str]] = {
    "graphs of other bytes and the same logits": (
        _graph(["model.int8.onnx"]), Likeness.ROUNDING, "model.int8.onnx"),
    "a logit within the tolerance": (_logit(0.001), Likeness.ROUNDING, "model.int8.tflite"),
    "a logit beyond the tolerance": (_logit(50), Likeness.DIFFERENT, "model.int8.tflite"),
    "a graph by another recipe": (_recipe, Likeness.DIFFERENT, "model.int8.tflite"),
    "a band within the tolerance": (_decision(band=0.01), Likeness.ROUNDING, "decision"),
    "a band beyond the tolerance": (_decision(band=0.06), Likeness.DIFFERENT, "decision"),
    "a calibration beyond the tolerance": (_decision(scale=-0.95), Likeness.DIFFERENT, "decision"),
    "a number in the card within the tolerance": (
        _threshold_in_card(b"threshold is 0.54,"), Likeness.ROUNDING, "card.md"),
    "a number in the card beyond the tolerance": (
        _threshold_in_card(b"threshold is 0.56,"), Likeness.DIFFERENT, "card.md"),
    "a number in the card that is none": (
        _threshold_in_card(b"threshold is 1e999,"), Likeness.DIFFERENT, "card.md"),
    "preprocessing": (_resized, Likeness.DIFFERENT, "preprocessing"),
    "calibration films": (_calibrated, Likeness.DIFFERENT, "quantization"),
    "the intended use": (_older, Likeness.DIFFERENT, "intended use"),
    "a golden film prepared otherwise": (_stages, Likeness.DIFFERENT, "golden films"),
    "a golden film compressed otherwise": (_compressed, Likeness.ROUNDING, "golden films"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_each_part_that_differs_is_named_with_how_much(
    name: str, bundle: Path, tmp_path: Path
) -> None:
    change, expected, part = CHANGES[name]
    other = changed(bundle, tmp_path / "other.edge", change)
    with verify_all(bundle) as shipped, verify_all(other) as again:
        parts = compare(shipped, again)
    assert outcome(parts) == expected
    assert [one.name for one in parts if one.agreement == expected] == [part]


def test_a_bundle_agrees_with_itself(bundle: Path) -> None:
    with verify_all(bundle) as shipped, verify_all(bundle) as again:
        assert {part.agreement for part in compare(shipped, again)} == {Likeness.SAME}
