"""The checklist has every item once, filled in with what is known and blank for what is not."""

from __future__ import annotations

import re

import pytest

from edge_export.report.claim import BLANK, REST, claim
from edge_export.report.claim_items import SECTIONS
from report_document import OPTIONAL, bare_document, full_document, without

ALWAYS_BLANK = (2, 3, 4, 5, 7, 8, 13, 15, 16, 17, 18, 26, 34, 36, 44)


def items(text: str) -> dict[int, str]:
    """Return what stands under each numbered heading."""
    parts = re.split(r"^#{2,3} (?:(\d+)\. )?.*$", text, flags=re.MULTILINE)[1:]
    return {
        int(number): body.strip()
        for number, body in zip(parts[::2], parts[1::2], strict=True)
        if number
    }


def test_the_44_items_of_the_2024_update_are_there_once_and_in_order() -> None:
    numbers = [number for section in SECTIONS.values() for number in section]
    assert numbers == list(range(1, 45))
    text = claim(full_document())
    assert list(items(text)) == numbers
    assert "2024 update (44 items" in text


@pytest.mark.parametrize("number", ALWAYS_BLANK)
def test_what_no_export_can_know_is_marked_blank(number: int) -> None:
    assert items(claim(full_document()))[number] == f"**{BLANK}**"


def test_only_what_is_the_exports_own_affair_is_without_a_blank() -> None:
    bodies = items(claim(full_document())).items()
    assert [number for number, body in bodies if "BLANK" not in body] == [9, 27, 28, 29, 32, 38]


KNOWN = {
    6: "non-inferior within 2 points of sensitivity and of specificity. Verdict: undecided.",
    9: "Oriented, grey, resized to 224 x 224 (bilinear), percentiles 1 and 99",
    10: "Override: --allow-few-films: 80 rows, 100 are needed.",
    19: "train 407 noncovid and 392 covid",
    20: "Probabilities are calibrated on validation films.",
    21: "112 more of noncovid are needed",
    22: "Architecture model3.",
    23: "tensorflow 2.21.0",
    24: "Random, from seed 0.",
    25: "20 epochs.",
    27: "None: one network.",
    28: "At the threshold 0.5",
    29: "Tango",
    30: "1 of 348 decisions differ",
    31: "None by the export.",
    35: "174 covid, 174 noncovid",
    37: "- `keras`, both: accuracy ",
    38: "- `model.int8.onnx`, test: accuracy ",
    39: "3 held-out films",
    40: "accuracy on this split is no evidence of medicine",
    43: "Edge Kit, Apache-2.0, version 0.1.0",
}


def test_what_has_to_be_said_beside_all_figures_is_the_first_section() -> None:
    document = full_document()
    text = claim(document)
    said = [*document["warnings"], *document["caveat"]]
    assert re.findall("^#+ .*$", text, re.MULTILINE)[1] == "## Before you read on"
    assert all(text.index(line) < text.index("## Title and abstract") for line in said)
    assert "## Before" not in claim(bare_document())


@pytest.mark.parametrize("number", KNOWN)
def test_what_the_export_knows_is_filled_in(number: int) -> None:
    assert KNOWN[number] in items(claim(full_document()))[number]


def test_intervals_and_n_stand_beside_every_estimate() -> None:
    lines = items(claim(full_document()))[38].splitlines()
    assert len(lines) == 2
    for line in lines:
        assert len(re.findall(r"0\.\d{3} \(0\.\d{3} to [01]\.\d{3}, n \d+\)", line)) == 4


def test_what_is_not_stated_of_the_intended_use_is_said() -> None:
    line = "not stated: ages (--ages); the bundle answers for every age"
    text = claim(full_document() | {"not_stated": line})
    assert items(text)[3] == f"Of the intended use {line}.\n\n**{REST}**"


def test_the_head_counts_what_is_filled_in_part_and_blank() -> None:
    text = claim(full_document())
    counts = re.findall(r"(\d+) items\s+wholly, (\d+) in part, (\d+) blank", text)[0]
    bodies = items(text).values()
    partly = sum(REST in body for body in bodies)
    blank = sum(BLANK in body for body in bodies)
    assert tuple(map(int, counts)) == (44 - partly - blank, partly, blank)
    assert partly and blank


@pytest.mark.parametrize("way", OPTIONAL, ids=".".join)
@pytest.mark.parametrize("null", [False, True])
def test_a_part_that_is_not_there_leaves_a_blank_and_no_none(
    way: tuple[str, ...], null: bool
) -> None:
    assert not re.search(
        r"\bNone\b(?! by the export| ?: one network)", claim(without(way, null=null))
    )


def test_the_barest_report_leaves_more_blanks() -> None:
    bare, full = items(claim(bare_document())), items(claim(full_document()))
    gone = [number for number in full if BLANK in bare[number] and BLANK not in full[number]]
    assert gone == [9, 10, 23, 24, 25, 30, 35, 39]
