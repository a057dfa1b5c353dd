"""Every text of the page is there in every language, with the same places, and is used."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import edge_runtime
from clinic_page import answer, answers, film, fresh
from edge_runtime.errors import REFUSALS
from served import Served

if TYPE_CHECKING:
    from playwright.sync_api import Browser

WEB = Path(edge_runtime.__file__).parent / "web"
CODES = ("en", "es", "fr", "pt")
TEXTS: dict[str, dict[str, str]] = {
    code: json.loads((WEB / "languages" / f"{code}.json").read_text(encoding="utf-8"))
    for code in CODES
}
SOURCES = sorted((*(WEB / "static").glob("*.js"), *(WEB / "static").glob("*.html")))
_NAMED = re.compile(r'data-(?:text|label|placeholder)="([^"]+)"')
_PLURAL = re.compile(r'counted\(\s*"([^"]+)"')
_TEMPLATE = re.compile(r"[`\"]([a-z_]+(?:\.[a-z_${}A-Z]+)*)[`\"]")


def used() -> set[str]:
    """Return patterns of the keys that the page's code names."""
    patterns = set()
    for source in SOURCES:
        text = source.read_text(encoding="utf-8")
        patterns |= {re.escape(key) for key in _NAMED.findall(text)}
        patterns |= {f"{re.escape(key)}\\.(one|other)" for key in _PLURAL.findall(text)}
        for key in _TEMPLATE.findall(text):
            patterns.add(re.sub(r"\\\$\\\{[^}]*\\\}", r"[a-z0-9_]+", re.escape(key)))
    return patterns


def test_all_languages_have_the_same_keys_in_the_same_order() -> None:
    files = sorted(path.stem for path in (WEB / "languages").iterdir())
    assert tuple(files) == CODES
    for code in CODES:
        assert list(TEXTS[code]) == list(TEXTS["en"]), code
        assert all(text.strip() == text != "" for text in TEXTS[code].values()), code


def places(text: str) -> list[str]:
    return sorted(set(re.findall(r"\{(\w+)\}", text)))


@pytest.mark.parametrize("code", CODES)
def test_all_languages_have_the_same_places(code: str) -> None:
    for key, text in TEXTS["en"].items():
        assert places(text) == places(TEXTS[code][key]), key


@pytest.mark.parametrize("code", CODES[1:])
def test_nothing_was_left_in_english(code: str) -> None:
    alike = {key for key, text in TEXTS["en"].items() if TEXTS[code][key] == text}
    allowed = {
        "title", "class.covid", "class.noncovid", "details.ms", "details.bytes", "save.json",
        "minutes.other",
    }  # fmt: skip
    assert alike <= allowed


def test_no_text_is_left_over() -> None:
    patterns = [re.compile(f"(?:{pattern})$") for pattern in used()]
    unused = [key for key in TEXTS["en"] if not any(one.match(key) for one in patterns)]
    assert [key for key in unused if not key.startswith("class.")] == []


def test_every_key_of_the_page_has_a_text() -> None:
    for source in SOURCES:
        text = source.read_text(encoding="utf-8")
        named = set(_NAMED.findall(text)) | set(re.findall(r'\bt\(\s*"([^"]+)"', text))
        assert named <= TEXTS["en"].keys(), source.name
        assert {f"{key}.other" for key in _PLURAL.findall(text)} <= TEXTS["en"].keys(), source.name


def test_every_refusal_has_a_text() -> None:
    for reason in REFUSALS:
        for part in ("title", "why", "act"):
            assert f"refusal.{reason}.{part}" in TEXTS["en"]
    code = (WEB / "static" / "list.js").read_text(encoding="utf-8")
    listed = re.search(r"REFUSALS = \[(.*?)\];", code, re.DOTALL)
    assert listed
    assert tuple(re.findall(r'"(\w+)"', listed[1])) == REFUSALS


@pytest.mark.parametrize(("locale", "code"), [("fr-CA", "fr"), ("pt-MZ", "pt"), ("sw-KE", "en")])
def test_the_browser_chooses_the_language(
    browser: Browser, clinic: Served, locale: str, code: str
) -> None:
    with fresh(browser, clinic.url, locale=locale) as page:
        page.open()
        assert page.page.get_attribute("html", "lang") == code
        assert page.text("#welcome-title") == TEXTS[code]["welcome.title"]


def test_a_language_that_is_chosen_by_hand_stays_and_changes_all_that_stands_there(
    browser: Browser, clinic: Served
) -> None:
    with fresh(browser, clinic.url) as page:
        page.open()
        answers(page.page, {"film.png": answer(label="noncovid", probability=0.251)})
        page.give(film(0, name="film.png")).shown()
        page.page.select_option("#language", "es")
        page.page.wait_for_selector("html[lang=es]")
        page.page.wait_for_selector(".row-line:has-text('No COVID-19 · 25,1')")
        card = page.text("#answer")
        for key in ("research", "answer"):
            assert TEXTS["es"][key] in card
        assert TEXTS["es"]["caption.film"] in page.text("#caption")
        page.page.reload()
        page.page.wait_for_selector("[data-ready]")
        assert page.page.get_attribute("html", "lang") == "es"
