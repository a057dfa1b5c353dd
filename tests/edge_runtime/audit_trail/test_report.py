"""A report counts each decision once, by day and model, beside what the proof of a bundle says."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from edge_runtime.audit_trail import AuditTrail, verify
from edge_runtime.audit_trail.page import page
from edge_runtime.audit_trail.report import ProofShare, Report, interval
from edge_runtime.bundle import open_bundle
from trails import MOMENT, entry, refusal

SHIPPED = Path(__file__).resolve().parents[3] / "models" / "model3-xray-0.2.2.edge"
DAY = 86_400.0


@pytest.fixture(scope="module")
def proof() -> ProofShare:
    with open_bundle(SHIPPED) as bundle:
        return ProofShare.of(bundle)


def document(
    path: Path, proof: ProofShare | None, share: float = 0.5, days: int = 3
) -> dict[str, Any]:
    """Return the report on a trail of so many days, of which the last one has other films."""
    moment = [MOMENT]
    bundle = proof.identity if proof else "b" * 64
    with AuditTrail(str(path), now=lambda: moment[0]) as trail:
        for day in range(days):
            moment[0] = MOMENT + day * DAY
            high = share if day < days - 1 else 0.95
            trail.record(
                *(entry(n, bundle=bundle, label="covid" if is_high else "noncovid",
                        probability=0.8 if is_high else 0.2, user="<b>kim</b>")
                  for n in range(60) for is_high in [n < 60 * high])
            )  # fmt: skip
            trail.record(refusal(1), refusal(2, "not_a_film"), entry(3, status="error", label=None,
                                                                     probability=None))  # fmt: skip
    report = Report(proof)
    found = verify([path], each=report.add)
    head = {"decisions": found.answers, "head": str(found.head)}
    return {**head, "problems": found.problems, "notes": found.notes, **report.to_json()}


def test_each_decision_is_counted_once(tmp_path: Path, proof: ProofShare) -> None:
    told = document(tmp_path / "t", proof)
    assert told["decisions"] == 3 * 63 == sum(day["decisions"] for day in told["days"])
    models = {model["bundle"]: model for model in told["models"]}
    assert models["b" * 64]["refused"] == {"blank": 3, "not_a_film": 3}
    assert models["b" * 64]["failed"] == 3
    own = models[proof.identity]
    assert own["answered"] == sum(own["labels"].values()) == 180
    assert own["name"] == "model3-xray 0.2.2"
    assert told["users"] == {"<b>kim</b>": 180}


def test_a_day_with_other_films_than_the_proofs_is_marked(
    tmp_path: Path, proof: ProofShare
) -> None:
    assert proof.films == 348 and proof.share is not None
    assert proof.share == pytest.approx((0.843373 * 166 + (1 - 0.868132) * 182) / 348, abs=0.02)
    told = document(tmp_path / "t", proof, share=proof.share)
    marks = [day["positive_share"]["differs"] for day in told["days"] if day["positive_share"]]
    assert marks == [False, False, True]


def test_of_another_bundle_nothing_is_held_against_a_proof(tmp_path: Path) -> None:
    told = document(tmp_path / "t", None)
    assert {day["positive_share"] for day in told["days"]} == {None}
    assert {model["proof"] for model in told["models"]} == {None}


@pytest.mark.parametrize(
    ("count", "n", "low", "high"), [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634)]
)
def test_the_interval_is_wilsons(count: int, n: int, low: float, high: float) -> None:
    assert interval(count, n) == pytest.approx((low, high), abs=5e-4)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self.seen.append(tag)
        if tag not in ("meta", "line", "circle"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("line", "circle"):
            assert self.open.pop() == tag


def test_the_page_is_whole_and_asks_nobody_for_anything(tmp_path: Path, proof: ProofShare) -> None:
    text = page(document(tmp_path / "t", proof))
    tags = Tags()
    tags.feed(text)
    assert tags.open == [] and not {"script", "link", "img", "iframe"} & set(tags.seen)
    assert "://" not in text and "<b>" not in text and "&lt;b&gt;kim&lt;/b&gt;" in text
    assert text.count('class="dot differs"') == 1 and "As it was written" in text
    assert len(re.findall(r'<circle class="dot', text)) == 3
    assert "prefers-color-scheme: dark" in text


def test_the_page_says_first_that_a_trail_was_changed(tmp_path: Path) -> None:
    told = {**document(tmp_path / "t", None), "problems": ["t: line 2 was changed"]}
    text = page(told)
    assert text.index("Changed") < text.index("By model") and "line 2 was changed" in text
