"""A thousand boxes are judged one by one, and each of those that are wrong is found by its kind."""

from __future__ import annotations

from pathlib import Path

from edge_kit.evaluation.score_reference import ScoreReference
from edge_kit.fleet.judging import JudgedBy, judge
from edge_kit.fleet.reading import read_receipts
from edge_kit.fleet.report import document, groups, problem_counts, render
from simulated_boxes import BUNDLE, NOW, SCORES, SimulatedBox, write_fleet

BOXES, RECEIPTS = 1000, 3


def test_of_a_thousand_boxes_each_wrong_one_is_named_and_no_other(tmp_path: Path) -> None:
    wrong = write_fleet(tmp_path, BOXES, RECEIPTS)
    reading = read_receipts(tmp_path)
    assert reading.files == BOXES * RECEIPTS - len(wrong["chain"]) and not reading.rejected
    proof = ScoreReference(tuple(count * 10 for count in SCORES), "the films of a proof")
    fleet = judge(reading, JudgedBy(references={BUNDLE: proof}, now=NOW))
    assert len(fleet.boxes) == BOXES
    names = {SimulatedBox(tmp_path, number).name: number for number in range(BOXES)}
    found: dict[str, list[int]] = {}
    for box in fleet.boxes:
        for kind in box.kinds or [""]:
            found.setdefault(kind, []).append(names[box.box])
    assert {kind: sorted(numbers) for kind, numbers in found.items()} == wrong
    kinds = ("chain", "trail", "check", "silent", "drift", "disk")
    assert problem_counts(fleet) == dict.fromkeys(kinds, BOXES // 100)
    assert sum(group["boxes"] for group in groups(fleet.boxes)) == BOXES
    page, told = render(fleet), document(fleet)
    assert len(told["boxes"]) == BOXES == page.count('data-label="To look at"')
    assert "60 of 1000 to look at" in page
