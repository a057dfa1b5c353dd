from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge_export.artefact import Measured
from edge_export.film import Split
from edge_export.proof.paired import PairedLoss
from edge_export.proof.parity import ROWS, compare_by_rows
from edge_export.proof.prove import Proof
from edge_export.report.document import parity_json, report_path, write_report
from edge_export.report.summary import parity_table
from edge_runtime.errors import CannotWrite
from edge_runtime.manifest import Calibration, Decision, Uncertain
from tiny_network import tiny_plan

FACTS = tiny_plan().facts
FILE = "model.int8.tflite"


@pytest.fixture(scope="module")
def proof() -> Proof:
    rng = np.random.default_rng(0)
    positive = np.arange(40) % 2 == 0
    keras = np.clip(rng.normal(0.5, 0.2, 40) + 0.1 * positive, 0, 1)
    small = np.clip(keras + rng.normal(0, 0.01, 40), 0, 1)
    rows: tuple[Split, ...] = ("val", "test")
    splits = [split for split in rows for _ in range(20)]
    return Proof(
        losses={"model.int8.tflite": {"sensitivity": PairedLoss(9, 2, 1, 1 / 9, -0.2, 0.4, 1.0)}},
        decision=Decision(
            calibration=Calibration(method="temperature", scale=1.5, offset=0.0),
            threshold=0.5,
            uncertain=Uncertain(low=0.4, high=0.6),
        ),
        comparisons={
            file: compare_by_rows(keras, one, positive, splits, 0.5)
            for file, one in (("keras", keras), (FILE, small))
        },
        sizes={FILE: 1_234_567},
        measured={FILE: Measured(np.log(small / (1 - small)), 1.23456, "litert")},
        failures=[],
    )


def test_the_report_is_named_after_the_bundle() -> None:
    assert report_path(Path("a/b.c.edge")) == Path("a/b.c.report.json")


def test_parity_json_holds_every_figure_of_every_row_to_six_digits(proof: Proof) -> None:
    content = parity_json(proof)
    for file, by_rows in proof.comparisons.items():
        for rows in ROWS:
            found = content["artefacts"][file]["rows"][rows]
            expected = by_rows[rows]
            assert found["flips"] == expected.flips
            assert found["mean_difference"] == float(f"{expected.mean_difference:.6g}")
            assert found["metrics"]["auc"]["n"] == expected.n
    assert content["artefacts"][FILE]["bytes"] == 1_234_567
    assert content["decision"] == proof.decision.to_json()
    json.dumps(content, allow_nan=False)


def test_parity_json_holds_nothing_that_changes_from_run_to_run(proof: Proof) -> None:
    slower = {FILE: replace(proof.measured[FILE], milliseconds=99.0, engine="onnxruntime")}
    assert parity_json(replace(proof, measured=slower)) == parity_json(proof)


def test_the_report_holds_time_engine_command_and_verdict(proof: Proof, tmp_path: Path) -> None:
    out = tmp_path / "a.edge"
    write_report(out, proof, FACTS)
    content = json.loads(report_path(out).read_text("utf-8"))
    assert (content["verdict"], content["failures"]) == ("pass", [])
    assert content["losses"]["model.int8.tflite"]["sensitivity"]["lost"] == 2
    assert content["milliseconds"] == {FILE: 1.235}
    assert content["engines"] == {FILE: "litert"}
    assert content["bundle"] == str(out)
    assert content["written"].endswith("+00:00")
    assert content["parity"] == parity_json(proof)


def test_the_verdict_is_fail_where_there_are_failures(proof: Proof, tmp_path: Path) -> None:
    out = tmp_path / "a.edge"
    write_report(out, replace(proof, failures=["too bad"]), FACTS)
    content = json.loads(report_path(out).read_text("utf-8"))
    assert (content["verdict"], content["failures"]) == ("fail", ["too bad"])


def test_the_table_has_a_row_for_every_artefact_and_set_of_rows(proof: Proof) -> None:
    lines = parity_table(proof).splitlines()
    assert len(lines) == 1 + 2 * len(ROWS)
    assert lines[0].split("  ")[0] == "artefact"
    assert lines[-1].endswith("1.23  1.23")
    assert not any(line.endswith(" ") for line in lines)


def test_the_table_of_a_card_names_no_milliseconds(proof: Proof) -> None:
    lines = parity_table(proof, markdown=True).splitlines()
    assert len(lines) == 2 + 2 * len(ROWS)
    assert len({line.count("|") for line in lines}) == 1
    assert "ms" not in lines[0].split()


@pytest.mark.parametrize("step", ["write_text", "replace"])
def test_a_disk_that_refuses_leaves_the_older_report_and_no_draft(
    step: str, proof: Proof, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "a.edge"
    report_path(out).write_text("older", "utf-8")

    def full(path: Path, *_: object, **__: object) -> None:
        if step == "write_text":
            path.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, step, full)
    with pytest.raises(CannotWrite, match=r"a\.report\.json: No space left on device"):
        write_report(out, proof, FACTS)
    assert [one.name for one in tmp_path.iterdir()] == ["a.report.json"]
    assert report_path(out).read_text("utf-8") == "older"


def test_a_folder_that_does_not_exist_is_one_line(proof: Proof, tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match="No such file or directory; choose a folder"):
        write_report(tmp_path / "no" / "a.edge", proof, FACTS)
