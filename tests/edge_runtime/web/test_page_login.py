"""Who logs in sees the page, who guesses waits, and who leaves leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from clinic_page import PASSWORD, SHIPPED, USER, ClinicPage, film, fresh, tab
from served import home, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture
def outside(browser: Browser, hospital: str) -> Iterator[ClinicPage]:
    """Return a tab of somebody who has not logged in."""
    with fresh(browser, hospital) as page:
        yield page.open()


def enter(visited: ClinicPage, user: str, password: str) -> None:
    visited.page.fill("#name", user)
    visited.page.fill("#password", password)
    visited.page.press("#password", "Enter")


def log_in(visited: ClinicPage) -> ClinicPage:
    enter(visited, USER, PASSWORD)
    visited.page.wait_for_selector("html[data-ready] #leave:not([hidden])")
    return visited


def test_a_password_lets_in_and_leaving_deletes_the_list(outside: ClinicPage) -> None:
    log_in(outside).give(film(0))
    assert outside.text("#user") == USER
    outside.page.click("#leave")
    assert "1" not in outside.text("#ask-title")
    outside.page.click("#ask-yes")
    outside.page.wait_for_selector("#form")
    log_in(outside)
    assert outside.rows() == []


def test_leaving_in_one_tab_empties_the_others(outside: ClinicPage) -> None:
    log_in(outside)
    with tab(outside.page.context, outside.address) as other:
        other.open().give(film(0))
        outside.page.click("#leave")
        other.page.wait_for_selector("#form")
        assert other.page.evaluate("sessionStorage.getItem('edge-kit.session')") is None


def test_a_session_that_ended_asks_for_a_login_and_keeps_the_list(outside: ClinicPage) -> None:
    log_in(outside).give(film(0))
    outside.page.context.clear_cookies()
    outside.page.set_input_files("#files", [film(1)])  # type: ignore[arg-type]
    outside.page.click(".notice:has-text('Your session has ended.') button:has-text('Sign in')")
    log_in(outside).wait()
    assert outside.rows() == ["film-00.png", "film-01.png"]
    assert all("COVID-19" in line for line in outside.lines())


def test_wrong_passwords_are_refused_and_too_many_lock_out_for_a_named_time(
    outside: ClinicPage,
) -> None:
    enter(outside, "nobody", "")
    outside.page.wait_for_selector("text=Enter your user name and your password.")
    for _ in range(5):
        enter(outside, "nobody", "this is a wrong guess")
        outside.page.wait_for_selector("#wrong:has-text('is wrong')")
        outside.page.wait_for_selector("#password:focus")
    enter(outside, "nobody", "this is a wrong guess")
    outside.page.wait_for_selector("text=Too many attempts. You can try again in")
    assert outside.page.is_disabled("#enter")


def test_a_server_that_is_gone_is_named_on_the_login(outside: ClinicPage) -> None:
    outside.page.route("**/login", lambda route: route.abort("connectionrefused"))
    enter(outside, USER, PASSWORD)
    outside.page.wait_for_selector("text=The server does not answer.")


def test_a_token_lets_in_once_and_leaves_the_address(browser: Browser, tmp_path: Path) -> None:
    line = ("demo-clinic", SHIPPED, "--host", "0.0.0.0", "--no-tls")  # noqa: S104
    with served(*line, **home(tmp_path)) as page:
        address = f"http://localhost:{page.port}/"
        token = page.url.partition("#")[2]
        with fresh(browser, address) as visited:
            visited.page.goto(f"{address}#{token}")
            visited.page.wait_for_selector("#demo:not([hidden])")
            assert visited.page.url == address
            visited.page.click("#demo")
            visited.wait()
            assert "film-1.png" in visited.rows()
        with fresh(browser, address) as late:
            late.page.goto(f"{address}#{token}")
            late.page.wait_for_selector("text=This link has been used already")
            assert token not in late.page.url
