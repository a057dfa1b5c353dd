"""The page shows every part of the document, asks no network and runs no foreign markup."""

from __future__ import annotations

import base64
import io
import itertools
import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edge_export.report import html
from edge_export.report.html import MOST_FLIPS, render
from edge_export.report.thumbnails import thumbnail, thumbnails
from edge_runtime.errors import DataError
from report_document import OPTIONAL, bare_document, full_document, without

VOID = {"meta", "img"}
PICTURE = thumbnail(np.arange(64 * 64, dtype=np.uint8).reshape(64, 64, 1))


class Page(HTMLParser):
    """The elements of a page, its text, and whether every element that opens is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> at {self.getpos()}"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())

    def every(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return full_document()


@pytest.fixture(scope="module")
def text(document: dict[str, Any]) -> str:
    return render(document, {document["flips"][0]["sha256"]: PICTURE})


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the figures out: test_plots proves them, and they take most of the time."""
    monkeypatch.setattr(html, "plots", lambda _: [])


def test_nothing_is_asked_of_any_network(text: str, page: Page) -> None:
    assert not re.search(r"https?://|url\(|@import|//[a-z]", text)
    assert not {"script", "link", "iframe", "object", "base", "form"} & {
        tag for tag, _ in page.elements
    }
    for tag, attributes in page.elements:
        assert not {name for name in attributes if name.startswith("on")}, tag
        assert {"src", "href", "srcset", "style"} & set(attributes) <= {"src"}, tag
        assert (attributes.get("src") or "data:image/").startswith("data:image/")


def test_the_browser_is_told_to_refuse_all_but_inline_style_and_data_images(page: Page) -> None:
    policy = next(one["content"] for one in page.every("meta") if "http-equiv" in one)
    assert policy is not None
    assert policy.split("; ") == [
        "default-src 'none'", "style-src 'unsafe-inline'", "img-src data:", "base-uri 'none'",
        "form-action 'none'",
    ]  # fmt: skip


def test_the_page_is_well_formed_and_its_headings_go_down_one_by_one(page: Page) -> None:
    assert not page.open
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h\d", tag)]
    assert levels.count(1) == 1 and levels[0] == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))
    named = {one["id"] for tag, one in page.elements if tag == "h2"}
    assert named >= {one["aria-labelledby"] for one in page.every("section")}


def test_every_picture_has_words_and_every_heading_of_a_table_a_scope(page: Page) -> None:
    assert all(one["alt"] for one in page.every("img"))
    assert all(one["scope"] in ("row", "col") for one in page.every("th"))
    assert page.every("html")[0]["lang"] == "en"


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("answer", "word"), [("pass", "Pass"), ("fail", "Fail"), ("undecided", "Undecided")]
)
def test_the_verdict_comes_first_in_words_with_its_reasons(answer: str, word: str) -> None:
    document = full_document(answer)
    del document["warnings"], document["caveat"]
    words = Page(render(document, {})).words
    start = words.index("not a medical device.")
    assert re.match(rf"\S+ {word} ", words[start:].removeprefix("not a medical device. "))
    for reason in document["verdict"]["reasons"]:
        assert start < words.index(reason) < words.index("Artefacts")


def test_what_has_to_be_said_beside_all_figures_comes_before_them(page: Page) -> None:
    document = full_document()
    conclusion, reason = document["caveat"]
    said = [conclusion, *document["warnings"], reason]
    places = [page.words.index(line) for line in said]
    assert places == sorted(places)
    assert max(places) < page.words.index("Too few films to tell whether")


def test_an_undecided_verdict_says_how_many_films_of_which_class_would_tell(page: Page) -> None:
    assert "noncovid: 112 more films" in page.words
    assert "covid: no number of films would do at the loss seen here" in page.words


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("answer", ["pass", "fail"])
def test_a_verdict_that_is_decided_asks_for_no_films(answer: str) -> None:
    document = full_document(answer)
    assert document["verdict"]["films_needed"]
    assert "To decide" not in Page(render(document, {})).words


def test_the_sections_come_in_the_order_of_their_weight(page: Page) -> None:
    found = [str(one["id"]) for one in page.every("h2")]
    assert found == [
        "before", "verdict", "faults", "artefacts", "gate", "matrix", "figures", "flips", "layers",
        "ladder", "calibration", "rows", "made", "limits",
    ]  # fmt: skip


SHOWN = {
    "a fault": "chance , keras: its AUC is 0.500",
    "size, time and its ratio": "2.52 1.04 0.36 of float (0.35 to 0.38)",
    "the AUC difference with its interval": "-0.0004 (-0.0021 to +0.0013)",
    "a loss that may be over the margin": "+1.15 (-0.40 to +3.41) may be over",
    "where the graphs part": "quantization: model.f32.tflite and model.int8.tflite differ by 0.047",
    "the first divergence": "diverges first at layer 7 of 11, 7 conv 2-D",
    "none": "model.int8.onnx : no layer diverges",
    "a remedy": "bias correction bias of dense_2 by -0.013 ? undecided 3 of 348",
    "an override": "Override: --allow-few-films: 80 rows, 100 are needed",
    "the rows by class": "150 covid, 150 noncovid",
    "stability": "1.004 in the median and 1.180 at most (",
    "calibration error": "0.0410 → 0.0430",
    "operators": "14, 31 before the graph was cleaned",
    "a version": "tensorflow 2.21.0",
    "the machine": "x86-64, 2 cores, AVX-512 VNNI",
    "the command": "edge-kit export RUN --int8 --data FILMS --out model3-xray.edge",
    "the limits": "Class and source coincide",
}


@pytest.mark.parametrize("part", SHOWN)
def test_every_part_of_the_document_is_shown(page: Page, part: str) -> None:
    assert SHOWN[part] in page.words


def test_the_films_that_calibrated_are_listed_by_digest(
    page: Page, document: dict[str, Any]
) -> None:
    assert " ".join(document["calibration"]["films"]) in page.words


@pytest.mark.usefixtures("undrawn")
def test_a_loss_shown_above_the_margin_is_said_to_be_over_it() -> None:
    document = full_document("fail")
    document["artefacts"]["model.int8.tflite"]["losses"]["sensitivity"]["low"] = 0.021
    assert "(+2.10 to +3.41) over the margin" in Page(render(document, {})).words


def test_each_flipped_film_is_shown_once_with_all_its_answers_the_widest_first(
    page: Page, document: dict[str, Any]
) -> None:
    digests = re.findall(r"\b[0-9a-f]{64}\b", page.words[: page.words.index("Layers")])
    widths = {
        flip["sha256"]: abs(flip["candidate"] - flip["reference"]) for flip in document["flips"]
    }
    assert len(digests) == 3
    assert [widths[one] for one in digests] == sorted(widths.values(), reverse=True)
    assert page.words.count("model.int8.onnx: 0.") == 3


def test_a_film_has_its_picture_or_says_that_there_is_none(page: Page) -> None:
    source = f"data:image/png;base64,{base64.b64encode(PICTURE).decode()}"
    assert [one["src"] for one in page.every("img")].count(source) == 1
    assert page.words.count("no picture") == 2


@pytest.mark.usefixtures("undrawn")
def test_of_very_many_flips_the_widest_are_shown_and_the_rest_counted() -> None:
    document = full_document("fail")
    flip = document["flips"][0]
    document["flips"] = [{**flip, "sha256": f"{index:064x}"} for index in range(MOST_FLIPS + 1)]
    words = Page(render(document, {})).words
    assert f"{MOST_FLIPS + 1} films change sides" in words
    assert words.count("no picture") == MOST_FLIPS


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("way", OPTIONAL, ids=".".join)
@pytest.mark.parametrize("null", [False, True])
def test_a_part_may_be_absent_or_null(way: tuple[str, ...], null: bool) -> None:
    page = Page(render(without(way, null=null), {}))
    assert not page.open
    assert "None" not in page.words


def test_the_barest_document_gives_a_whole_page() -> None:
    page = Page(render(bare_document(), {}))
    assert [str(one["id"]) for one in page.every("h2")] == [
        "verdict", "artefacts", "figures", "rows", "made",
    ]  # fmt: skip
    assert "None" not in page.words


@pytest.mark.usefixtures("undrawn")
def test_text_from_outside_cannot_become_markup() -> None:
    document = full_document()
    attack = "<img src=x onerror=alert(1)>\"'&"
    document["classes"]["positive"] = document["command"] = document["limits"] = attack
    document["verdict"]["reasons"] = document["located"] = [attack]
    document["flips"][0]["artefact"] = document["tools"][attack] = attack
    page = Page(render(document, {}))
    assert page.words.count("onerror=alert(1)") > 5
    assert not any("onerror" in attributes for _, attributes in page.elements)


@pytest.mark.usefixtures("undrawn")
def test_the_same_document_gives_the_same_page() -> None:
    assert render(full_document(), {"0": PICTURE}) == render(full_document(), {"0": PICTURE})


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "a schema to come": ({"schema": 2}, "schema 2 is not the 1"),
    "no schema": ({"schema": None}, "schema None is not the 1"),
    "not a number": ({"extra": [float("nan")]}, "not finite"),
    "infinite": ({"extra": {"a": float("inf")}}, "not finite"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_document_that_cannot_be_shown_is_refused_in_one_line(name: str) -> None:
    change, problem = BAD[name]
    with pytest.raises(DataError, match=problem) as caught:
        render({**full_document(), **change}, {})
    assert str(caught.value).startswith("report: ") and "; " in str(caught.value)


def test_a_thumbnail_is_small_grey_and_the_same_at_every_run() -> None:
    pixels = np.full((64, 200, 3), 7, np.uint8)
    picture = Image.open(io.BytesIO(thumbnail(pixels)))
    assert (picture.size, picture.mode, picture.format) == ((96, 31), "L", "PNG")
    assert picture.getpixel((9, 9)) == 7
    assert not picture.info
    assert thumbnail(pixels) == thumbnail(pixels.copy())


def test_thumbnails_are_of_the_films_asked_for_and_no_other() -> None:
    pixels = np.arange(3, dtype=np.uint8)[:, None, None, None] + np.zeros((3, 8, 8, 1), np.uint8)
    found = thumbnails(["a", "b", "c"], pixels, {"a", "c", "d"})
    assert found == {"a": thumbnail(pixels[0]), "c": thumbnail(pixels[2])}
    assert not thumbnails(["a"], pixels[:1], ())
