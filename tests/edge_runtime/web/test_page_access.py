"""Whoever sees little, has no mouse, or reads on a telephone can do all that others can."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest

from clinic_page import ClinicPage, answer, answers, film, fresh, telephone_photo
from served import Served

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytest.importorskip("axe_playwright_python", reason="needs the package axe-playwright-python")

SCREENS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1280, "height": 800}},
    "dark": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
    "telephone": {"viewport": {"width": 320, "height": 640}},
}


@cache
def axe() -> str:
    """Return axe-core, which the page's own policy does not let in: the browser runs it beside."""
    return (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


def faults(visited: ClinicPage) -> list[str]:
    """Return what axe-core finds against WCAG 2.2 AA and its own best practice."""
    visited.page.evaluate(axe())
    options = {"resultTypes": ["violations"]}
    found = visited.page.evaluate(f"axe.run(document, {json.dumps(options)})")
    return [
        f"{one['id']}: {node['html'][:160]}" for one in found["violations"] for node in one["nodes"]
    ]


PROJECTOR = {"width": 2560, "height": 1440}


@pytest.fixture(params=SCREENS)
def screen(
    request: pytest.FixtureRequest, browser: Browser, clinic: Served
) -> Iterator[ClinicPage]:
    options = {**SCREENS[request.param], "reduced_motion": "reduce"}
    with fresh(browser, clinic.url, **options) as page:
        yield page.open()


def is_too_wide(visited: ClinicPage) -> bool:
    script = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    return bool(visited.page.evaluate(script))


OUTCOMES: dict[str, dict[str, Any]] = {
    "yes.png": {"probability": 0.97},
    "no.png": {"label": "noncovid", "probability": 0.1, "warning": "rows of one shade"},
    "may be.png": {"label": "uncertain", "probability": 0.5},
    "photo.png": {"status": "refused", "label": None, "refusal": "colour_photo"},
}


def require_right(visited: ClinicPage) -> None:
    assert faults(visited) == []
    assert not is_too_wide(visited)


def test_axe_finds_no_fault_with_answers_and_pictures(screen: ClinicPage) -> None:
    require_right(screen)
    answers(screen.page, {name: answer(**said) for name, said in OUTCOMES.items()})
    screen.give(*(film(0, name=name) for name in OUTCOMES))
    require_right(screen)
    for name in OUTCOMES:
        screen.page.evaluate("() => { document.documentElement.dataset.pane = 'list'; }")
        screen.choose(name).shown()
        if name == "yes.png":
            screen.page.check("[name=beside][value=heatmap]", force=True)
            screen.page.wait_for_selector("#stage-2[data-map]")
        require_right(screen)


def test_axe_finds_no_fault_with_dialogs(screen: ClinicPage) -> None:
    screen.give(film(0))
    screen.page.evaluate("() => { document.documentElement.dataset.pane = 'list'; }")
    for opening, shown in (
        ("#model", "#card-dialog h3"),
        ("#help", "#keys-dialog dl"),
        ("#clear", "#ask-dialog #ask-text"),
    ):
        screen.page.click(opening)
        screen.page.wait_for_selector(shown)
        require_right(screen)
        screen.page.keyboard.press("Escape")


def test_axe_finds_no_fault_on_the_login(browser: Browser, hospital: str) -> None:
    for name in ("dark", "telephone"):
        options = SCREENS[name]
        with fresh(browser, hospital, **options) as page:
            page.open().page.click("#enter")
            page.page.wait_for_selector("#wrong:not([hidden])")
            assert faults(page) == []
            assert not is_too_wide(page)


def focused(visited: ClinicPage) -> str:
    script = "(document.activeElement.id || document.activeElement.className)"
    return str(visited.page.evaluate(script))


def tab_to(visited: ClinicPage, name: str, back: bool = False) -> None:
    """Press the tabulator until an element has the focus."""
    for _ in range(40):
        if name in focused(visited):
            return
        visited.page.keyboard.press("Shift+Tab" if back else "Tab")
    raise AssertionError(f"the tabulator does not lead to {name}")


def test_all_is_done_by_keyboard_alone(visited: ClinicPage) -> None:
    page = visited.page
    page.on("filechooser", lambda _: None)  # from now on, so that no window opens for it
    page.keyboard.press("Tab")
    assert focused(visited) == "skip"
    tab_to(visited, "files")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files([film(0), film(1), telephone_photo()])  # type: ignore[arg-type]
    visited.wait()
    tab_to(visited, "row")
    page.keyboard.press("End")
    page.wait_for_selector("#film-name:has-text('photo.jpg')")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    page.wait_for_selector("#film-name:has-text('film-01')")
    assert page.locator("[role=option][aria-selected=true]").inner_text().startswith("film-01")
    page.keyboard.press("Delete")
    assert visited.rows() == ["film-00.png", "photo.jpg"]
    page.keyboard.press("Home")
    page.wait_for_selector("#film-name:has-text('film-00')")


def test_pictures_and_dialogs_are_reached_by_keyboard_and_left_again(visited: ClinicPage) -> None:
    page = visited.give(film(0)).shown().page
    page.focus("[name=beside][value=none]")
    page.keyboard.press("ArrowRight")
    visited.shown("#stage-2")
    tab_to(visited, "stage")
    page.keyboard.press("+")
    assert visited.text("#zoom") == "125%"
    tab_to(visited, "model", back=True)
    page.keyboard.press("Enter")
    page.wait_for_selector("#card-dialog[open] h3")
    page.keyboard.press("Escape")
    assert focused(visited) == "model"


def test_on_a_telephone_the_list_and_the_film_come_one_after_the_other(
    browser: Browser, clinic: Served
) -> None:
    with fresh(browser, clinic.url, **SCREENS["telephone"], has_touch=True) as page:
        page.open().give(film(0), film(1))
        assert not page.page.is_visible("#film")
        page.page.tap(".row >> nth=1")
        page.page.wait_for_selector("#film-name:has-text('film-01')")
        assert not page.page.is_visible("#rows")
        page.page.tap("#to-list")
        assert page.page.is_visible("#rows")


def test_a_projector_has_the_answer_and_the_whole_film_on_one_screen(
    browser: Browser, clinic: Served
) -> None:
    with fresh(browser, clinic.url, viewport=PROJECTOR) as page:
        page.open().give(film(0)).shown()
        assert not is_too_wide(page)
        for place in ("#answer", "#stage"):
            box = page.page.locator(place).bounding_box()
            assert box
            assert box["y"] + box["height"] <= PROJECTOR["height"]


def test_nothing_moves_for_those_who_want_none_of_it(browser: Browser, clinic: Served) -> None:
    with fresh(browser, clinic.url, reduced_motion="reduce", forced_colors="active") as page:
        page.open().give(film(0)).shown()
        script = "getComputedStyle(document.querySelector('#next')).transitionDuration"
        assert page.page.evaluate(script) == "0s"
        assert page.page.is_visible("#answer .bar")
