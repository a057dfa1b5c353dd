"""The list of films sorts, filters, outlives a reload, and is gone with its tab or its person."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from clinic_page import ClinicPage, answer, answers, film, fresh, tab
from restored_browser import with_its_tabs
from served import Served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

_KEPT = """async () => {
  const base = await new Promise((resolve) => {
    const request = indexedDB.open("edge-kit");
    request.onsuccess = () => resolve(request.result);
  });
  const names = ["rows", "films", "seen"];
  const { id } = JSON.parse(sessionStorage.getItem("edge-kit.session"));
  const counts = names.map((name) => new Promise((resolve) => {
    const range = name === "seen" ? IDBKeyRange.only(id) : IDBKeyRange.bound([id], [id, []]);
    const request = base.transaction(name).objectStore(name).count(range);
    request.onsuccess = () => resolve(request.result);
  }));
  const found = await Promise.all(counts);
  base.close();
  return found;
}"""
_KEPT_FILM = """async () => {
  const opened = indexedDB.open("edge-kit");
  await new Promise((resolve) => { opened.onsuccess = resolve; });
  const request = opened.result.transaction("films").objectStore("films").getAll();
  await new Promise((resolve) => { request.onsuccess = resolve; });
  opened.result.close();
  return [...new Uint8Array(request.result[0].data)];
}"""


def test_the_list_sorts_and_filters(visited: ClinicPage) -> None:
    said = {
        "c.png": answer(probability=0.61),
        "a.png": answer(label="noncovid", probability=0.1),
        "b10.png": answer(probability=0.97),
        "b9.png": answer(label="uncertain", probability=0.5),
    }
    answers(visited.page, said)
    visited.give(*(film(0, name=name) for name in said))
    orders = {
        "name": ["a.png", "b9.png", "b10.png", "c.png"],
        "probability": ["b10.png", "c.png", "b9.png", "a.png"],
        "answer": ["b10.png", "c.png", "b9.png", "a.png"],
        "added": list(said),
    }
    for order, names in orders.items():
        visited.page.select_option("#sort", order)
        visited.until(
            "[...document.querySelectorAll('.row-name')].map((one) => one.textContent).join()"
            f" === '{','.join(names)}'"
        )
    visited.page.check("[name=filter][value=positive]", force=True)
    visited.until("document.querySelectorAll('.row').length === 2")
    assert visited.rows() == ["c.png", "b10.png"]
    visited.page.fill("#search", "nothing of this name")
    visited.page.wait_for_selector("text=No film fits this search.")


def test_a_reload_keeps_films_answers_and_pictures(visited: ClinicPage) -> None:
    visited.give(film(0), film(1))
    before = visited.lines()
    visited.page.reload()
    visited.page.wait_for_selector("[data-ready]")
    visited.wait()
    assert visited.lines() == before
    visited.choose("film-01.png").shown()


def test_a_reload_before_the_films_are_kept_forgets_none(visited: ClinicPage) -> None:
    visited.page.route("**/api/classify", lambda _: None)  # never answers
    visited.page.evaluate(  # no film is ever kept
        """() => {
          const real = crypto.subtle.encrypt;
          crypto.subtle.encrypt = (algorithm, key, bytes) => bytes instanceof ArrayBuffer
            ? new Promise(() => {}) : real.call(crypto.subtle, algorithm, key, bytes);
        }"""
    )
    visited.page.set_input_files("#files", [film(n) for n in range(5)])  # type: ignore[arg-type]
    visited.until(f"({_KEPT})().then((found) => found[0] === 5)")
    visited.page.unroute("**/api/classify")
    visited.page.reload()
    visited.page.wait_for_selector("[data-ready]")
    visited.wait()
    assert len(visited.rows()) == 5


_ASKS_BEFORE_IT_LEAVES = "!window.dispatchEvent(new Event('beforeunload', { cancelable: true }))"


def test_the_browser_asks_before_work_is_left(visited: ClinicPage) -> None:
    assert not visited.page.evaluate(_ASKS_BEFORE_IT_LEAVES)
    visited.page.route("**/api/classify", lambda _: None)  # never answers
    visited.page.set_input_files("#files", [film(0)])  # type: ignore[arg-type]
    visited.page.wait_for_selector(".row.is-reading")
    assert visited.page.evaluate(_ASKS_BEFORE_IT_LEAVES)
    visited.page.click("#cancel")
    visited.until(f"!({_ASKS_BEFORE_IT_LEAVES})")


def test_to_go_back_from_a_film_leads_to_the_list(browser: Browser, clinic: Served) -> None:
    with fresh(browser, clinic.url, viewport={"width": 390, "height": 844}) as page:
        page.open().give(film(0), film(1))
        page.choose("film-01.png")
        assert page.page.locator("html").get_attribute("data-pane") == "film"
        page.page.go_back()
        page.until("document.documentElement.dataset.pane === 'list'")
        assert len(page.rows()) == 2


def test_films_that_waited_when_the_page_was_left_are_answered_after_it(
    visited: ClinicPage,
) -> None:
    visited.page.route("**/api/classify", lambda _: None)  # never answers
    visited.page.set_input_files("#files", [film(n) for n in range(5)])  # type: ignore[arg-type]
    visited.page.wait_for_selector(".row.is-reading")
    visited.until(f"({_KEPT})().then((found) => found[1] === 5)")
    visited.page.unroute("**/api/classify")
    visited.page.reload()
    visited.page.wait_for_selector("[data-ready]")
    visited.wait()
    assert all("COVID-19" in line for line in visited.lines())
    assert len(visited.rows()) == 5


def test_what_the_browser_keeps_is_encrypted_and_gone_when_somebody_says_so(
    visited: ClinicPage,
) -> None:
    given, page = film(0), visited.page
    visited.give(given)
    visited.until(f"({_KEPT})().then((found) => found.join() === '1,1,1')")
    assert given["buffer"][5000:5064] not in bytes(page.evaluate(_KEPT_FILM))
    assert page.evaluate("JSON.stringify(Object.keys(localStorage))") == "[]"
    page.click("#clear")
    assert "One" not in visited.text("#ask-title")
    page.click("#ask-dialog [data-close]")
    assert visited.rows() == ["film-00.png"]
    page.click("#clear")
    page.click("#ask-yes")
    page.wait_for_selector("#welcome:not([hidden])")
    visited.until(f"({_KEPT})().then((found) => found.join() === '0,0,0')")
    page.wait_for_selector(".row", state="detached")
    page.reload()
    page.wait_for_selector("[data-ready]")
    assert visited.rows() == []


def test_a_removed_film_is_gone_and_the_next_one_is_shown(visited: ClinicPage) -> None:
    visited.give(film(0), film(1)).choose("film-00")
    visited.page.click("#remove")
    assert visited.text("#film-name") == "film-01.png"
    visited.until(f"({_KEPT})().then((found) => found[0] === 1 && found[1] === 1)")


def test_two_tabs_have_two_lists(
    visited: ClinicPage, context: BrowserContext, clinic: Served
) -> None:
    visited.give(film(0))
    with tab(context, clinic.url) as other:
        other.open().give(film(1))
        assert other.rows() == ["film-01.png"]
        visited.page.reload()
        visited.page.wait_for_selector("[data-ready]")
        assert visited.wait().rows() == ["film-00.png"]
        other.page.reload()
        other.page.wait_for_selector("[data-ready]")
        assert other.wait().rows() == ["film-01.png"]


def test_a_tab_that_was_duplicated_begins_anew_and_leaves_the_first_alone(
    visited: ClinicPage,
) -> None:
    visited.give(film(0))
    with visited.page.expect_popup() as opened:
        visited.page.evaluate("void window.open('/')")  # which copies what the tab's storage holds
    twin = ClinicPage(opened.value, visited.address)
    twin.page.wait_for_selector("[data-ready]")
    assert twin.rows() == []
    twin.give(film(1))
    twin.page.close()
    visited.page.reload()
    visited.page.wait_for_selector("[data-ready]")
    assert visited.wait().rows() == ["film-00.png"]


def test_no_film_outlives_a_closed_browser_that_opens_its_tabs_again(
    browser: Browser, clinic: Served, tmp_path: Path
) -> None:
    given, profile = film(0), tmp_path / "profile"
    with with_its_tabs(browser.browser_type, profile, clinic.url) as closed:
        page = ClinicPage(closed.contexts[0].pages[0], clinic.url)
        page.page.wait_for_selector("[data-ready]")
        page.give(given)
        page.until(f"({_KEPT})().then((found) => found[1] === 1)")
    middle = given["buffer"][5000:5064]
    for path in profile.rglob("*"):
        assert not path.is_file() or middle not in path.read_bytes(), path
    with with_its_tabs(browser.browser_type, profile) as restored:
        (again,) = (one for one in restored.contexts[0].pages if one.url == clinic.url)
        again.wait_for_selector("[data-ready]")
        assert again.locator(".row").count() == 0


def test_where_nothing_can_be_encrypted_answers_outlive_a_reload_and_pictures_do_not(
    context: BrowserContext, clinic: Served
) -> None:
    with tab(context, clinic.url) as page:
        page.page.add_init_script(
            "Object.defineProperty(crypto, 'subtle', { value: undefined });"
            "Object.defineProperty(window, 'isSecureContext', { value: false });"
        )
        page.open().give(film(0))
        assert "the browser keeps no films" in page.text("#notices")
        line = page.lines()
        page.page.reload()
        page.page.wait_for_selector("[data-ready]")
        assert page.wait().lines() == line
        page.page.wait_for_selector("text=did not outlive the reload")
