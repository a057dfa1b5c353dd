"""The page and the JSON say the same, and nothing that a receipt holds is taken as markup."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from edge_kit.evaluation.score_reference import ScoreReference
from edge_kit.fleet.judging import Fleet, JudgedBy, judge
from edge_kit.fleet.keys import KnownBox
from edge_kit.fleet.reading import read_receipts
from edge_kit.fleet.report import MOST_SHOWN, document, groups, render
from simulated_boxes import BUNDLE, NOW, SCORES, SimulatedBox, write_fleet

PROOF = ScoreReference(tuple(SCORES), "the films of a proof")


def fleet(folder: Path, **by: Any) -> Fleet:
    return judge(read_receipts(folder), JudgedBy(**{"now": NOW, **by}))


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        if tag not in ("meta", "br", "img"):
            self.open.append(tag)
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("known", [None, {}, {"f" * 32: KnownBox("1" * 64, "<b>&")}])
def test_the_page_is_whole_and_runs_nothing(
    tmp_path: Path, known: dict[str, KnownBox] | None
) -> None:
    write_fleet(tmp_path, 8)
    (tmp_path / "<script>.json").write_bytes(b"")
    page = render(fleet(tmp_path, known=known, references={BUNDLE: PROOF}))
    tags = Tags()
    tags.feed(page)
    assert not tags.open and "script" not in tags.seen
    assert "<script>.json" not in page and "&lt;script&gt;.json" in page
    assert ("believed at its first use" in page) == (known is None)


def test_words_of_a_box_are_no_markup(tmp_path: Path) -> None:
    hostile = "</td><script>alert(1)</script>"
    check = {"passed": False, "problem": hostile}
    SimulatedBox(tmp_path).write(check_result=check, processor=hostile, bundle={"name": hostile})
    page = render(fleet(tmp_path))
    assert "<script" not in page and "&lt;script&gt;" in page


def test_the_page_and_the_document_are_the_same_each_time(tmp_path: Path) -> None:
    write_fleet(tmp_path, 8)
    pages = {render(fleet(tmp_path, references={BUNDLE: PROOF})) for _ in range(2)}
    assert len(pages) == 1
    told = [json.dumps(document(fleet(tmp_path)), allow_nan=False) for _ in range(2)]
    assert told[0] == told[1]


def test_the_document_has_every_box_with_its_figures(tmp_path: Path) -> None:
    write_fleet(tmp_path, 8)
    told = document(fleet(tmp_path, references={BUNDLE: PROOF}))
    assert told["keys"] == "first use" and told["references"] == {BUNDLE: PROOF.words}
    assert len(told["boxes"]) == 8 and told["is_well"] is False
    last = told["boxes"][-1]
    assert last["problems"] == [] and last["bundle"] == "clinic-xray 0.2.2"
    assert last["engine"] == "litert 2.3.0" and last["refused"]["n"] == 302
    assert last["index"]["low"] <= last["index"]["value"] <= last["index"]["high"]


def test_boxes_are_grouped_by_what_they_run_and_where(tmp_path: Path) -> None:
    for number in range(7):
        SimulatedBox(tmp_path, number).write()
    SimulatedBox(tmp_path, 7).write(bundle=None, check_result={"engine": None})
    listed = groups(fleet(tmp_path).boxes)
    assert sum(group["boxes"] for group in listed) == 8
    assert listed[0]["boxes"] == 3 and listed[0]["largest"] == 0.006
    assert next(group for group in listed if not group["bundle"])["largest"] is None


def test_of_very_many_files_the_page_names_the_first(tmp_path: Path) -> None:
    for number in range(MOST_SHOWN + 5):
        (tmp_path / f"{number:04d}.json").write_bytes(b"")
    told = fleet(tmp_path)
    page = render(told)
    assert f"{MOST_SHOWN - 1:04d}.json" in page and f"{MOST_SHOWN:04d}.json" not in page
    assert len(document(told)["rejected"]) == MOST_SHOWN + 5
