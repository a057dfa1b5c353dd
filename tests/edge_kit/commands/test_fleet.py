"""`edge-kit fleet report` writes its report, and leaves with 1 where something needs a look."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge_kit.cli import run
from edge_kit.fleet import judging
from simulated_boxes import NOW, SimulatedBox, write_fleet

SHIPPED = Path(__file__).resolve().parents[3] / "models" / "clinic-xray-0.2.2.edge"


@pytest.fixture(autouse=True)
def at_the_time_of_the_receipts(monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            assert tz is UTC
            return NOW

    monkeypatch.setattr(judging, "datetime", Clock)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "receipts"
    place.mkdir()
    return place


def test_a_fleet_with_which_all_is_well_leaves_with_0(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    SimulatedBox(folder).write()
    out = tmp_path / "fleet.html"
    assert run(["fleet", "report", str(folder), "--out", str(out), "--bundle", str(SHIPPED)]) == 0
    assert "Nothing needs looking at" in out.read_text(encoding="utf-8")
    assert capsys.readouterr().out == "boxes: 1, files: 1\n"


def test_what_needs_looking_at_is_written_and_said(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_fleet(folder, 10)
    out = tmp_path / "fleet.json"
    words = ["fleet", "report", str(folder), "--out", str(out), "--format", "json"]
    assert run(words) == 1
    told = json.loads(out.read_text(encoding="utf-8"))
    assert told["problems"]["check"] == 1 and len(told["boxes"]) == 10
    captured = capsys.readouterr()
    assert "      1  golden films or bundle not as their maker's\n" in captured.out
    assert captured.err.endswith(f"boxes that need looking at: 6 of 10; see {out}\n")


def test_a_list_and_a_signature_can_be_required(folder: Path, tmp_path: Path) -> None:
    box = SimulatedBox(folder)
    box.write()
    known, out = tmp_path / "boxes", tmp_path / "fleet.html"
    words = ["fleet", "report", str(folder), "--out", str(out), "--boxes", str(known)]
    known.write_text(f"{box.name} {box.public} Clinic\n", encoding="utf-8")
    assert run(words) == 0
    assert run([*words, "--require-signature"]) == 1
    known.write_text("", encoding="utf-8")
    assert run(words) == 1
    assert "Keys that are not in the list" in out.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["FOLDER/gone", "--out", "FOLDER/out"], 9),
        (["FOLDER", "--out", "FOLDER/none/out"], 10),
        (["FOLDER", "--out", "FOLDER"], 10),
        (["FOLDER", "--out", "FOLDER/out", "--boxes", "FOLDER/gone"], 9),
        (["FOLDER", "--out", "FOLDER/out", "--bundle", "FOLDER/gone"], 3),
        (["FOLDER", "--out", "FOLDER/out", "--silent-after", "0"], 2),
        (["FOLDER", "--out", "FOLDER/out", "--silent-after", "x"], 2),
        (["FOLDER"], 2),
    ],
)
def test_what_cannot_be_carried_out_writes_nothing(
    folder: Path, words: list[str], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["fleet", "report", *(word.replace("FOLDER", str(folder)) for word in words)]
    try:
        found = run(line)
    except SystemExit as left:
        found = int(str(left.code))
    assert found == status
    assert list(folder.iterdir()) == [] and "Traceback" not in capsys.readouterr().err
